import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Client,
  createClient,
  type Job,
  JobFailedError,
  toMinor,
} from '../../clients/typescript/src/index.ts';
import { packageRoot } from '../../src/db/root.ts';
import { useConsoleHouse } from '../console/house.ts';

const house = useConsoleHouse();
let key: string;
let api: Client;
beforeAll(async () => {
  key = await house.key('ann', ['finance', 'writer']);
  api = createClient({ baseUrl: house.url, key });
});

const folder = join(packageRoot(), 'examples', 'client');
const environment = () => ({ ...process.env, QUARTERMASTER_URL: house.url, QUARTERMASTER_KEY: key });

/** Runs an example as a person does. */
async function example(name: string, ...words: string[]) {
  const run = promisify(execFile)(process.execPath, [join(folder, name), ...words], { env: environment() });
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      code,
      stdout,
      stderr,
    }),
  );
}

describe('the examples', () => {
  it('post a payment, once however often they are run', async () => {
    const words = ['northwind', 'treasury:BANK', 'user-1:WALLET', '12.50', 'EUR', 'order-7'];
    const first = await example('post-payment.ts', ...words);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(
      / is posted\ntreasury:BANK has -[\d,]+\.\d\d EUR\nuser-1:WALLET has [\d,]+\.\d\d EUR\n$/,
    );
    const second = await example('post-payment.ts', ...words);
    expect(second.stdout).toBe(first.stdout.replace('is posted', 'had been posted before'));
    words[3] = '12.505';
    expect(await example('post-payment.ts', ...words)).toEqual({
      code: 1,
      stdout: '',
      stderr: '"12.505" has 3 decimals, and the currency has 2: round it first.\n',
    });
    words.splice(2, 2, 'nowhere', '12.50');
    expect((await example('post-payment.ts', ...words)).stderr).toMatch(
      /must be an account[\s\S]*\n {2}#\/postings\/0\/to: must be an account[\s\S]*\n {2}request /,
    );
  });

  it('print a statement of many pages, and stop when nobody reads on', async () => {
    const words = ['northwind', 'treasury:BANK', 'EUR', '2025-01-01'];
    const { code, stdout } = await example('statement.ts', ...words);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(202);
    const amounts = lines.map(
      (line) =>
        line
          .slice(24)
          .match(/-?[\d,]+\.\d\d/g)
          ?.map((text) => toMinor(text.replaceAll(',', ''), 2)) ?? [],
    );
    let [balance = 0n] = amounts[0] ?? [];
    for (const [amount, after] of amounts.slice(1, -1)) {
      balance += amount ?? 0n;
      expect(after).toBe(balance);
    }
    expect(amounts.at(-1)).toEqual([balance]);

    const reading = spawn(process.execPath, [join(folder, 'statement.ts'), ...words], { env: environment() });
    await once(reading.stdout, 'data');
    reading.stdout.destroy();
    expect(await once(reading, 'close')).toEqual([0, null]);
  });

  it('bring a quarter to its end, and say what is done when they are run again', async () => {
    const first = await example('quarter-end.ts', '2025q1');
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(
      /^close: done before\n(archive: .*\n)+(verify: .*\n)+2025q1 is archived, digest [0-9a-f]{64}\n/,
    );
    expect(first.stdout).toMatch(/\narchive: done\n[\s\S]*\nverify: done\n[\s\S]*its archive is file:/);
    const second = await example('quarter-end.ts', '2025q1');
    expect(second.stdout).toMatch(/^close: done before\narchive: done before\n/);
    expect(await example('quarter-end.ts', '2031q1')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/\S/),
    });
  });

  it('say how they are called', async () => {
    for (const name of ['post-payment.ts', 'statement.ts', 'quarter-end.ts']) {
      expect(await example(name)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`Usage: node ${name}`),
      });
    }
  });
});

describe('quarters', () => {
  it('tell what a verb would do, and do it', async () => {
    expect((await api.quarters.list()).map(({ quarter }) => quarter)).toContain('2025q2');
    const preview = await api.quarters.preview('2025q2', 'archive');
    expect(preview).toMatchObject({
      done: false,
      obstacles: [],
      steps: [expect.stringContaining('Parquet'), expect.any(String), expect.any(String)],
    });

    const asked = await api.quarters.run('2025q2', 'archive');
    expect(asked).toMatchObject({ done: false, job: { quarter: '2025q2', verb: 'archive', actor: 'ann' } });
    const seen: Job['state'][] = [];
    const job = await api.waitForJob(asked.job?.id ?? '', {
      onProgress: ({ state }) => seen.push(state),
      every: 20,
    });
    expect(job).toMatchObject({ state: 'done', report: { quarter: '2025q2' } });
    expect(seen.at(-1)).toBe('done');
    expect(await api.quarters.run('2025q2', 'archive')).toMatchObject({ done: true });
    expect(await api.quarters.get('2025q2')).toMatchObject({ state: 'archived' });
  });

  it('say what stands in the way', async () => {
    const { obstacles } = await api.quarters.preview('2025q3', 'detach');
    expect(obstacles.map(({ code }) => code)).toEqual(['quarter_state']);
    await expect(api.quarters.run('2025q3', 'detach')).rejects.toMatchObject({
      name: 'QuartermasterError',
      status: 409,
      code: 'quarter_state',
    });
    await expect(api.quarters.run('2025q3', 'reopen')).rejects.toMatchObject({
      code: expect.stringMatching(/reason/),
    });
  });
});

describe('a job', () => {
  const of = (state: Job['state'], parts: Partial<Job> = {}) => ({
    id: 'j',
    state,
    progress: null,
    error: null,
    ...parts,
  });
  const answering = (jobs: object[]) =>
    createClient({
      baseUrl: 'http://ledger.test',
      fetch: async () => Response.json(jobs.length > 1 ? jobs.shift() : jobs[0]),
    });

  it('that has failed is thrown with what went wrong', async () => {
    const error = { kind: 'refused', code: 'imbalance', detail: 'The books do not add up.' };
    const failing = answering([of('waiting'), of('waiting'), of('running'), of('failed', { error })]);
    const seen: string[] = [];
    const wait = failing.waitForJob('j', { every: 1, onProgress: ({ state }) => seen.push(state) });
    await expect(wait).rejects.toBeInstanceOf(JobFailedError);
    await expect(wait).rejects.toMatchObject({
      code: 'imbalance',
      message: error.detail,
      job: { state: 'failed' },
    });
    expect(seen).toEqual(['waiting', 'running', 'failed']);
  });

  it('is not waited for any longer when the signal fires', async () => {
    const ending = new AbortController();
    const wait = answering([of('running')]).waitForJob('j', {
      signal: ending.signal,
      every: 3_600_000,
      onProgress: () => ending.abort(),
    });
    await expect(wait).rejects.toMatchObject({ code: 'aborted' });
  });
});
