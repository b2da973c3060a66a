import { AppError } from '../src/core/errors.ts';
import type { Db } from '../src/db/schema.ts';
import { readMoveSince } from '../src/quarters/moved-since.ts';
import { type QuarterJob, SUPERSEDED } from '../src/queue/quarter-jobs.ts';

/**
 * Refuses a step that nobody has to ask for again: one that did not fail, and one whose quarter has gone on since, by another
 * step or another way. What was right to ask for then may be wrong now, so it is to be asked for anew.
 *
 * @throws AppError conflict/job_not_failed, conflict/job_overtaken
 */
export async function requireRetryable(db: Db, job: QuarterJob): Promise<void> {
  const { id, verb, quarter, state, error } = job;
  if (state !== 'failed') {
    const detail = `The ${verb} of ${quarter} (job ${id}) has not failed: it is ${state}. Only what failed can be asked for again.`;
    throw new AppError('conflict', 'job_not_failed', detail);
  }
  if (error?.code === SUPERSEDED) throw overtaken(job, 'something else was asked for since');
  const since = await readMoveSince(db, job, job.finishedAt ?? job.updatedAt);
  if (since !== undefined) throw overtaken(job, `since then it had a ${since.event} by ${since.actor}`);
}

export function overtaken({ verb, quarter, id }: QuarterJob, why: string): AppError {
  const detail = `The ${verb} of ${quarter} (job ${id}) has been overtaken: ${why}. Look at the quarter, and ask for what it needs now.`;
  return new AppError('conflict', 'job_overtaken', detail);
}
