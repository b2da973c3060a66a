import { stopwatch } from '../core/clock.ts';
import type { AppError, ErrorKind } from '../core/errors.ts';
import { stringify } from '../core/json.ts';
import { toAppError } from '../db/sqlstate.ts';
import { withIds } from '../platform/ids.ts';
import { openSpan } from '../platform/tracing.ts';
import type { Job, JobRun } from './job.ts';

/** What became of a run. The report is plain JSON. */
export type Outcome =
  | { readonly done: true; readonly report: object }
  | { readonly done: false; readonly error: AppError };

/** The failures that may pass by themselves. For all others a person or another version has to do something first. */
const passing: readonly ErrorKind[] = ['busy', 'unavailable', 'aborted'];

/** True when the same job may succeed if it is run again later. */
export function mayPass(error: AppError): boolean {
  return passing.includes(error.kind);
}

/**
 * Runs a handler once and says in the log how it ended, in one line: the one wrapper around all of them, in the worker
 * and in the foreground. All that is logged meanwhile bears the job's name and id. Never throws.
 */
export async function runJob(job: Job, data: object, run: JobRun): Promise<Outcome> {
  const span = openSpan(`job ${job.name}`, { attributes: { 'quartermaster.job_id': run.id } });
  const outcome = await withIds({ job: job.name, job_id: run.id }, () =>
    span.within(() => handle(job, data, run)),
  );
  if (!outcome.done) span.failed(outcome.error.code);
  span.end();
  return outcome;
}

async function handle(job: Job, data: object, run: JobRun): Promise<Outcome> {
  const { logger } = run;
  const seconds = stopwatch();
  logger.debug({ data }, 'job started');
  try {
    // Through JSON, for the report is stored and printed, and counts in it are bigints.
    const report: object = JSON.parse(stringify(await job.handle(data, run)));
    logger.info({ data, seconds: seconds(), report }, 'job done');
    return { done: true, report };
  } catch (thrown) {
    const error = toAppError(thrown);
    const { kind, code, detail } = error;
    // What passes is a warning; the cause is worth its stack only where somebody has to look.
    if (mayPass(error)) logger.warn({ data, seconds: seconds(), kind, code, detail }, 'job failed for now');
    else logger.error({ data, seconds: seconds(), kind, code, detail, err: error }, 'job failed');
    return { done: false, error };
  }
}
