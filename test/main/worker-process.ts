import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { environmentOf } from '../support/ways.ts';

/** A process that works on the jobs, as a pod would. */
export interface WorkerProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  /** What it logged, as far as it was warnings or worse. */
  complaints(): string;
}

/** Starts `quartermaster worker` and returns when it works. */
export async function startWorkerProcess(environment: Record<string, string>): Promise<WorkerProcess> {
  const cli = join(import.meta.dirname, '..', '..', 'src', 'main', 'cli.ts');
  const plain = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('QM_')));
  const child = spawn(process.execPath, [cli, 'worker'], {
    env: { ...plain, QM_WORKER_PORT: '0', QM_LOG_LEVEL: 'warn', ...environmentOf(environment, 'worker') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  let said = '';
  child.stdout?.on('data', (chunk) => {
    said += chunk;
  });
  for await (const line of createInterface({ input: child.stderr as NodeJS.ReadableStream })) {
    if (line.includes('The worker runs')) {
      child.stderr?.on('data', (chunk) => {
        said += chunk;
      });
      child.stderr?.resume();
      return { child, ended, complaints: () => said };
    }
    said += `${line}\n`;
  }
  throw new Error(`the worker did not start: ${said}`);
}
