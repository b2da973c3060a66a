import type { Db } from '../db/schema.ts';
import { toAppError } from '../db/sqlstate.ts';
import type { Logger } from '../platform/logger.ts';
import type { Job, JobRun } from './job.ts';
import { mayPass } from './run-job.ts';

/**
 * The same job, of which the database keeps how it last ended, for longer than the queue remembers a run and a worker lives. A
 * success counts wherever it ran. A failure counts in a worker, where nobody watched, and only when nothing tries it
 * again by itself; of a run that was told to end nothing is kept.
 */
export function remembered(job: Job, db: Db): Job {
  return {
    ...job,
    async handle(data, run) {
      try {
        const report = await job.handle(data, run);
        await keep(run, () => recordSuccess(db, job.name));
        return report;
      } catch (thrown) {
        const error = toAppError(thrown);
        if (isFinal(run, mayPass(error))) await keep(run, () => recordFailure(db, job.name, error.code));
        throw thrown;
      }
    },
  };
}

/** Keeps that a job failed for good because the workers that ran it died. Throws nothing. */
export async function rememberLost(db: Db, name: string, logger: Logger): Promise<void> {
  await keep({ logger }, () => recordFailure(db, name, 'worker_lost'));
}

/** In the foreground nobody says which try it is: whoever started it sees how it ends. */
function isFinal({ isLastTry, signal }: JobRun, passes: boolean): boolean {
  if (isLastTry === undefined || signal.aborted) return false;
  return isLastTry || !passes;
}

/** What is only kept for the figures keeps no job from its end. */
async function keep({ logger }: Pick<JobRun, 'logger'>, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    logger.warn({ err: error }, 'how the job ended was not kept');
  }
}

async function recordSuccess(db: Db, name: string): Promise<void> {
  await db
    .insertInto('quartermaster.job_outcomes')
    .values((given) => ({
      ...{ job_name: name, succeeded_at: given.fn<Date>('now') },
      ...{ failed_at: null, failure: null },
    }))
    .onConflict((conflict) =>
      conflict.column('job_name').doUpdateSet((row) => ({ succeeded_at: row.ref('excluded.succeeded_at') })),
    )
    .execute();
}

async function recordFailure(db: Db, name: string, failure: string): Promise<void> {
  await db
    .insertInto('quartermaster.job_outcomes')
    .values((given) => ({
      ...{ job_name: name, succeeded_at: null },
      ...{ failed_at: given.fn<Date>('now'), failure },
    }))
    .onConflict((conflict) =>
      conflict.column('job_name').doUpdateSet((row) => ({
        failed_at: row.ref('excluded.failed_at'),
        failure: row.ref('excluded.failure'),
      })),
    )
    .execute();
}

/** How a job last ended well and badly, and the code of the latter. */
export interface JobOutcome {
  readonly job: string;
  readonly succeededAt: Date | null;
  readonly failedAt: Date | null;
  readonly failure: string | null;
}

export async function readOutcomes(db: Db): Promise<JobOutcome[]> {
  return db
    .selectFrom('quartermaster.job_outcomes')
    .select(['job_name as job', 'succeeded_at as succeededAt', 'failed_at as failedAt', 'failure'])
    .execute();
}
