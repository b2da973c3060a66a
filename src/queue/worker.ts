import { type JobResult, type JobWithMetadata, PgBoss } from 'pg-boss';
import { AppError } from '../core/errors.ts';
import { toAppError } from '../db/sqlstate.ts';
import type { Logger } from '../platform/logger.ts';
import { claimOf } from './claim.ts';
import type { Job } from './job.ts';
import { createLoopWatch } from './loop-watch.ts';
import { mayPass, runJob } from './run-job.ts';
import { watchForLostJobs } from './takeover.ts';

export interface WorkerOptions {
  readonly url: string;
  readonly schema: string;
  readonly openTelemetry: { readonly enabled: boolean; readonly propagateContext: boolean };
  readonly zone: string;
  readonly logger: Logger;
  /** All in seconds; see QueueOptions. */
  readonly pollEvery: number;
  readonly superviseEvery: number;
  readonly stopWithin: number;
  readonly answerWithin: number;
}

export interface Worker {
  /** @throws AppError unavailable/worker_stalled when it has not looked for work for a while */
  requireWorking(): void;
  stop(): Promise<void>;
}

/** Seconds between two passes of pg-boss' own over its queues: expired runs, old jobs, counts. */
const SUPERVISE = 60;

/** Seconds between two signs of life of a job. Less than half of the heartbeat, so that one may be missed. */
const REFRESH = 2;

/**
 * Works off the queues of these jobs until it is stopped. Of two workers each job is given to one; when that one dies
 * its heartbeat stops and another takes over.
 */
export async function startWorker(jobs: readonly Job[], options: WorkerOptions): Promise<Worker> {
  const { logger } = options;
  const stopping = new AbortController();
  const boss = new PgBoss({
    connectionString: options.url,
    schema: options.schema,
    openTelemetry: options.openTelemetry,
    application_name: 'quartermaster worker',
    max: 4,
    ...answering(options.answerWithin),
    superviseIntervalSeconds: SUPERVISE,
    // The least time between two passes, whoever makes them: those for lost jobs must not wait for the others.
    monitorIntervalSeconds: 1,
  });
  // Without a listener an error would end the process; pg-boss goes on and tries again at its next turn.
  boss.on('error', (error) => logger.error({ err: error }, 'queue failed'));
  boss.on('warning', ({ message, data }) => logger.warn({ data }, message));
  let watching: { stop(): Promise<void> } | undefined;
  const stop = async () => {
    // First our own signal, so that handlers end now and not when pg-boss runs out of patience.
    stopping.abort(new AppError('aborted', 'aborted', 'The worker stops.'));
    await watching?.stop();
    await boss.stop({ graceful: true, timeout: options.stopWithin * 1000 });
  };

  try {
    await boss.start();
    await schedule(boss, jobs, options.zone);
    for (const job of jobs) if (job.atStart) await boss.send(job.queue.name, { atStart: true });
    const loops = new Map<string, string>();
    for (const [queue, sharing] of Map.groupBy(jobs, (job) => job.queue)) {
      const settings = {
        // The handler says for each job how it ended, which tells pg-boss what is worth another try.
        perJobResults: true,
        includeMetadata: true,
        localConcurrency: queue.parallel,
        pollingIntervalSeconds: options.pollEvery,
        heartbeatRefreshSeconds: REFRESH,
      } as const;
      const loop = await boss.work<object, unknown, typeof settings>(queue.name, settings, (claims) =>
        Promise.all(claims.map((claim) => settle(boss, sharing, claim, stopping.signal, logger))),
      );
      loops.set(queue.name, loop);
    }
    watching = watchForLostJobs(boss, {
      schema: options.schema,
      queues: [...loops.keys()],
      every: options.superviseEvery,
      logger,
      wake: (queue) => boss.notifyWorker(loops.get(queue) ?? ''),
    });
  } catch (error) {
    await stop();
    throw toAppError(error);
  }
  return { stop, requireWorking: createLoopWatch(() => boss.getWipData()) };
}

/**
 * An option of node-postgres that pg-boss hands on and has no type for: a connection that gives no answer is given up for a new
 * one. Where the server has moved without a word, the loops would otherwise wait for it until the system gives up, a quarter of an hour.
 */
function answering(seconds: number): object {
  return { query_timeout: seconds * 1000 };
}

/** Stores the schedules, and forgets those of jobs that have none any more. */
async function schedule(boss: PgBoss, jobs: readonly Job[], zone: string): Promise<void> {
  for (const job of jobs) {
    if (job.schedule !== undefined) {
      await boss.schedule(job.queue.name, job.schedule, {}, { tz: zone, missed: 'once' });
    }
  }
  const wanted = new Set(jobs.filter((job) => job.schedule !== undefined).map((job) => job.queue.name));
  for (const { name, key } of await boss.getSchedules()) {
    if (!wanted.has(name)) await boss.unschedule(name, key);
  }
}

/** Which of the jobs that share a queue is meant: the verb of a quarter's step says so. */
function jobFor(sharing: readonly Job[], { data, name }: JobWithMetadata): Job | undefined {
  const wanted = 'verb' in data ? data.verb : name;
  return sharing.find((job) => job.name === wanted);
}

/**
 * Runs one job and says what pg-boss is to do with it. `deadletter` fails it at once without using up its retries
 * (no queue of ours has a dead letter queue): a refused quarter would be refused again.
 */
async function settle(
  boss: PgBoss,
  sharing: readonly Job[],
  claim: JobWithMetadata,
  stopping: AbortSignal,
  logger: Logger,
): Promise<JobResult> {
  const { id } = claim;
  const job = jobFor(sharing, claim);
  if (job === undefined) {
    // While versions change a newer process may ask for what only it can do: it gets the next try.
    logger.warn({ id, queue: claim.name, data: claim.data }, 'this version knows no such job');
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
    // A deleted job counts as settled.
    if (job.queue.keepFor === 0) await boss.deleteJob(claim.name, claim);
    return { id, status: 'completed', output: outcome.report };
  }
  const { kind, code, detail } = outcome.error;
  const output = { kind, code, detail };
  if (!mayPass(outcome.error)) return { id, status: 'deadletter', output };
  if (stopping.aborted) await handBack(boss, claim, output);
  return { id, status: 'failed', output };
}

/**
 * Puts a job back so that another worker takes it at its next look, and as if this run had not been: neither the wait
 * nor the try that a failure costs. Settled here, it is left alone by pg-boss afterwards.
 */
async function handBack(boss: PgBoss, claim: JobWithMetadata, output: object): Promise<void> {
  const { id, name, retryLimit } = claim;
  const { affected } = (await boss.fail(name, claim, output)) as { affected: number };
  // Not ours any more: it was taken over, or it expired.
  if (affected === 0) return;
  // The last try leaves it failed, from where only a retry leads back; otherwise this finds nothing.
  await boss.retry(name, id);
  await boss.update(name, undefined, { id, startAfter: 0, retryLimit: retryLimit + 1 });
}
