import { freePort, type Running, spawnCommand } from './process.ts';

/** A process that runs the jobs, as a pod would. */
export interface WorkerProcess extends Running {
  /** Where it tells its health. */
  readonly url: string;
}

/** Starts `quartermaster worker` on a free port. It need not run yet. */
export async function spawnWorker(environment: Record<string, string>): Promise<WorkerProcess> {
  const port = await freePort();
  const running = spawnCommand(['worker'], { QM_WORKER_PORT: String(port), ...environment });
  return { ...running, url: `http://127.0.0.1:${port}` };
}

/** The same, and returns when it runs. */
export async function startWorker(environment: Record<string, string>): Promise<WorkerProcess> {
  const worker = await spawnWorker(environment);
  await worker.said(({ text }) => text?.includes('The worker runs.') === true);
  return worker;
}
