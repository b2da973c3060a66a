import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../support/prometheus.ts';

/** A process that runs the jobs, as a pod would. */
export interface WorkerProcess {
  readonly child: ChildProcess;
  /** Where its metrics are. */
  readonly url: string;
  readonly ended: Promise<unknown>;
}

/** Starts `quartermaster worker` and returns when it answers on its port. */
export async function startWorker(environment: Record<string, string>): Promise<WorkerProcess> {
  const cli = join(import.meta.dirname, '..', '..', 'src', 'main', 'cli.ts');
  const plain = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('QM_')));
  const port = await freePort();
  const child = spawn(process.execPath, [cli, 'worker'], {
    env: { ...plain, QM_WORKER_PORT: String(port), QM_LOG_LEVEL: 'error', ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  let complaint = '';
  child.stderr.on('data', (chunk) => {
    complaint += chunk;
  });
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    if ((await fetch(`${url}/healthz`).catch(() => undefined))?.ok) return { child, url, ended };
    if (child.exitCode !== null) throw new Error(`the worker did not start: ${complaint}`);
    await delay(50);
  }
}
