import { sql } from 'kysely';
import { AppError } from '../src/core/errors.ts';
import { transitionOf, transitions } from '../src/core/lifecycle.ts';
import type { Db } from '../src/db/schema.ts';
import type { QuarterJob } from '../src/queue/quarter-jobs.ts';

/** The verbs after which a quarter is no more what it was. */
const moving = Object.keys(transitions).filter(
  (verb) => transitionOf(verb as keyof typeof transitions).to !== undefined,
);

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
  if (error?.code === 'superseded') throw overtaken(job, 'something else was asked for since');
  const since = await db
    .selectFrom('quartermaster.quarter_events')
    .select(['event', 'actor'])
    .where('quarter', '=', quarter)
    .where('event', 'in', [...moving, verb])
    .where('at', '>', job.finishedAt ?? job.updatedAt)
    // What is done to a copy beside the ledger moves that copy alone.
    .where(sql`coalesce(detail ->> 'into', '')`, '=', job.into ?? '')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (since !== undefined) throw overtaken(job, `since then it had a ${since.event} by ${since.actor}`);
}

export function overtaken({ verb, quarter, id }: QuarterJob, why: string): AppError {
  const detail = `The ${verb} of ${quarter} (job ${id}) has been overtaken: ${why}. Look at the quarter, and ask for what it needs now.`;
  return new AppError('conflict', 'job_overtaken', detail);
}
