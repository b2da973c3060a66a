import { freePort } from '../support/free-port.ts';
import { environmentOf } from '../support/ways.ts';
import { type Running, spawnCommand } from './process.ts';

/** A process that runs the jobs, as a pod would. */
export interface WorkerProcess extends Running {
  /** Where it tells its health and its metrics. */
  readonly url: string;
}

/** Starts `quartermaster worker` on a free port. It need not run yet. */
export async function spawnWorker(
  environment: Record<string, string>,
  options: { untilTestEnds?: boolean } = {},
): Promise<WorkerProcess> {
  const port = await freePort();
  const own = { QM_WORKER_PORT: String(port), ...environmentOf(environment, 'worker') };
  return { ...spawnCommand(['worker'], own, options), url: `http://127.0.0.1:${port}` };
}

/** The same, and returns when it runs. */
export async function startWorker(
  environment: Record<string, string>,
  options: { untilTestEnds?: boolean } = {},
): Promise<WorkerProcess> {
  const worker = await spawnWorker(environment, options);
  await worker.said(({ text }) => text?.includes('The worker runs.') === true);
  return worker;
}
