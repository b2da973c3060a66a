import { randomUUID } from 'node:crypto';
import { AppError } from '../src/core/errors.ts';
import type { Logger } from '../src/platform/logger.ts';
import type { Job, Progress } from '../src/queue/job.ts';
import { runJob } from '../src/queue/run-job.ts';

export interface ForegroundOptions {
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/**
 * Runs a job here and now, without the queue: the handler and the wrapper of the worker, no retries.
 *
 * @returns the report, as plain JSON
 * @throws AppError invalid/no_such_job, and whatever the job fails with
 */
export async function runInForeground(
  jobs: readonly Job[],
  name: string,
  data: object,
  { logger, signal, onProgress = () => {} }: ForegroundOptions,
): Promise<object> {
  const job = jobs.find((candidate) => candidate.name === name);
  if (job === undefined) {
    const detail = `There is no job ${name}. There are: ${jobs.map((one) => one.name).join(', ')}.`;
    throw new AppError('invalid', 'no_such_job', detail);
  }
  const outcome = await runJob(job, data, { id: randomUUID(), signal, logger, onProgress });
  if (!outcome.done) throw outcome.error;
  return outcome.report;
}
