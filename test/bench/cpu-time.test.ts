import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bytesRead, cpuSeconds } from '../../bench/cpu-time.ts';

/** Runs a script in a process of its own, to its end. */
async function run(script: string, ...args: string[]): Promise<void> {
  const child = spawn(process.execPath, ['-e', script, ...args], { stdio: 'ignore' });
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
}

describe.runIf(process.platform === 'linux')('what a process and its children spend', () => {
  it('is told with the time of those that have ended', async () => {
    const before = cpuSeconds(process.pid) as number;
    await run('while (process.cpuUsage().user < 4e5);');
    expect((cpuSeconds(process.pid) as number) - before).toBeGreaterThanOrEqual(0.39);
  });

  it('is told with what those that have ended read from files', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'quartermaster-test-'));
    try {
      const file = join(directory, 'large');
      await writeFile(file, Buffer.alloc(64 * 2 ** 20));
      const before = bytesRead(process.pid) as number;
      await run('require("node:fs").readFileSync(process.argv[1])', file);
      const read = (bytesRead(process.pid) as number) - before;
      expect(read).toBeGreaterThanOrEqual(64 * 2 ** 20);
      expect(read).toBeLessThan(100 * 2 ** 20);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('of nobody is nothing', () => {
    expect(cpuSeconds(2 ** 30)).toBe(0);
    expect(bytesRead(2 ** 30)).toBe(0);
  });
});
