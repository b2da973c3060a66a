import type { Wire } from './client.ts';
import { QuartermasterError } from './error.ts';
import { type CallOptions, dataOf, initOf } from './options.ts';
import { pause } from './retry.ts';
import type { operations } from './schema.ts';

/** What a worker was asked to do: its state, how far it is, its report or its error. */
export type Job = operations['getJob']['responses'][200]['content']['application/json'];

export interface WaitOptions extends CallOptions {
  /** Called with the job as it is found first, and whenever it has changed. */
  readonly onProgress?: (job: Job) => void;
  /** Milliseconds between two looks: from this much, a little more each time, to ten times of it. 500 when left out. */
  readonly every?: number;
}

/**
 * Follows a job until it is done, however long that takes: only the signal ends it sooner.
 *
 * @param job one that a verb answered, or its id
 * @throws JobFailedError when it has failed; QuartermasterError when the API cannot be asked any more
 */
export type WaitForJob = (job: string | Pick<Job, 'id'>, options?: WaitOptions) => Promise<Job>;

/** A job has failed. `code` and the message are those of what went wrong; `status` is 0, for a job has no HTTP status. */
export class JobFailedError extends QuartermasterError {
  override readonly name = 'JobFailedError';
  readonly job: Job;

  constructor(job: Job) {
    const { code = 'job_failed', detail = `The job ${job.id} has failed.` } = job.error ?? {};
    super({ status: 0, code, detail });
    this.job = job;
  }
}

export function createJobWaiter({ routes, transport }: Wire): WaitForJob {
  return async (asked, { onProgress, every = 500, ...options } = {}) => {
    const id = typeof asked === 'string' ? asked : asked.id;
    const signal = options.signal ?? new AbortController().signal;
    let seen = '';
    for (let wait = every; ; wait = Math.min(wait * 1.5, every * 10)) {
      // It throws `aborted` where the signal fired during the pause.
      const init = { params: { path: { id } }, ...initOf(transport, options) };
      const job = dataOf(await routes.GET('/v1/jobs/{id}', init));
      const now = JSON.stringify(job);
      if (now !== seen) onProgress?.(job);
      seen = now;
      if (job.state === 'done') return job;
      if (job.state === 'failed') throw new JobFailedError(job);
      await pause(wait, signal);
    }
  };
}
