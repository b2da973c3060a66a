import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A process that runs the jobs, as a pod would. */
export interface WorkerProcess {
  readonly child: ChildProcess;
  readonly url: string;
  readonly ended: Promise<unknown>;
}

/** Starts `quartermaster worker` with its metrics on a free port of loopback, and returns when it works. */
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
  for await (const line of createInterface({ input: child.stderr as NodeJS.ReadableStream })) {
    if (/worker runs/.test(line)) {
      child.stderr?.resume();
      return { child, url: `http://127.0.0.1:${port}`, ended };
    }
    complaint += `${line}\n`;
  }
  throw new Error(`the worker did not start: ${complaint}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
