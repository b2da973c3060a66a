import type { JobResult, JobWithMetadata, PgBoss } from 'pg-boss';
import { stopwatch } from '../core/clock.ts';
import { assert, quotesCause } from '../core/errors.ts';
import { isTransient } from '../db/sqlstate.ts';
import type { Logger } from '../platform/logger.ts';
import { retry } from '../platform/retry.ts';
import { claimOf } from './claim.ts';
import type { Job } from './job.ts';
import { mayPass, runJob } from './run-job.ts';

/** Seconds for which it is tried to say how a job ended, while the database restarts: else it would be run again. */
const SETTLE = 30;

/** Which of the jobs that share a queue is meant: the verb of a quarter's step says so. */
export function jobFor(
  sharing: readonly Job[],
  { data, name }: Pick<JobWithMetadata, 'data' | 'name'>,
): Job | undefined {
  const wanted = 'verb' in data ? data.verb : name;
  return sharing.find((job) => job.name === wanted);
}

/**
 * Runs one job and says what pg-boss is to do with it. `deadletter` fails it at once without using up its retries
 * (no queue of ours has a dead letter queue): a refused quarter would be refused again.
 */
export async function settle(
  boss: PgBoss,
  sharing: readonly Job[],
  claim: JobWithMetadata,
  stopping: AbortSignal,
  logger: Logger,
): Promise<JobResult> {
  const { id, name } = claim;
  if (stopping.aborted) {
    // The look for work was under way when the worker was told to stop. Nothing of it is begun.
    const output = { kind: 'aborted', code: 'aborted', detail: 'The worker stops.' };
    await patiently(() => handBack(boss, claim, output));
    return { id, status: 'failed', output };
  }
  const job = jobFor(sharing, claim);
  if (job === undefined) {
    // While versions change a newer process may ask for what only it can do: it gets the next try.
    logger.warn({ id, queue: name, data: claim.data }, 'this version knows no such job');
    return { id, status: 'failed', output: { code: 'unknown_job' } };
  }
  const outcome = await runJob(job, claim.data, {
    id,
    // pg-boss' own fires when the run expires and when its claim is lost to another worker.
    signal: AbortSignal.any([stopping, claim.signal]),
    logger,
    onProgress: (progress) => logger.debug({ ...progress }, 'job goes on'),
    isLastTry: claim.retryCount >= claim.retryLimit,
    claim: claimOf(claim),
  });
  if (outcome.done) {
    // pg-boss would say it once, and leave the job to be run again where that fails. A deleted job counts as settled.
    await patiently(async () => {
      if (job.queue.keepFor === 0) await boss.deleteJob(name, claim);
      else await boss.complete(name, claim, outcome.report);
    });
    return { id, status: 'completed', output: outcome.report };
  }
  const { kind, code, detail } = outcome.error;
  // Whoever shows it must know whose words these are.
  const output = { kind, code, detail, ...(quotesCause(outcome.error) ? { quotes: true } : {}) };
  if (!mayPass(outcome.error)) return { id, status: 'deadletter', output };
  if (stopping.aborted) await patiently(() => handBack(boss, claim, output));
  return { id, status: 'failed', output };
}

function patiently(action: () => Promise<void>): Promise<void> {
  const seconds = stopwatch();
  return retry(action, {
    retryable: (error) => isTransient(error) && seconds() < SETTLE,
    attempts: Number.POSITIVE_INFINITY,
    baseMs: 100,
    capMs: 1000,
  });
}

/**
 * Puts a job back so that another worker takes it at its next look: without the wait that a failure costs, and with one try
 * more, for the next claim counts one. A later failure waits by that count all the same. Settled here, it is left alone
 * by pg-boss afterwards. All in one transaction: cut off in between, the last try would leave it failed for good.
 */
async function handBack(boss: PgBoss, claim: JobWithMetadata, output: object): Promise<void> {
  const { id, name, retryLimit } = claim;
  const transaction = await boss.getDb().beginTransaction?.();
  assert(transaction !== undefined, 'the pool of pg-boss knows no transactions');
  const { db } = transaction;
  try {
    const { affected } = (await boss.fail(name, claim, output, { db })) as { affected: number };
    // Otherwise it is not ours any more: it was taken over, or it expired.
    if (affected > 0) {
      // The last try leaves it failed, from where only a retry leads back; otherwise this finds nothing.
      await boss.retry(name, id, { db });
      await boss.update(name, undefined, { id, startAfter: 0, retryLimit: retryLimit + 1, db });
    }
    await transaction.commit();
  } catch (error) {
    await transaction.rollback();
    throw error;
  }
}
