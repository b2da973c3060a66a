import { PgBoss } from 'pg-boss';
import { AppError } from '../core/errors.ts';
import { answerWithin, TimeLimit } from '../db/lease.ts';
import { toAppError } from '../db/sqlstate.ts';
import type { Logger } from '../platform/logger.ts';
import type { Job } from './job.ts';
import { createLoopWatch } from './loop-watch.ts';
import { jobFor, settle } from './settle.ts';
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
  /** Told of a job that failed for good because its workers died, of which nobody else can tell. */
  readonly onLost: (job: string) => Promise<void>;
}

export interface Worker {
  /** @throws AppError unavailable/worker_stalled when it has not looked for work for a while */
  requireWorking(): void;
  /** @throws AppError unavailable/stop_timeout when it had not ended a little after `stopWithin` */
  stop(): Promise<void>;
}

/** Seconds between two passes of pg-boss' own over its queues: expired runs, old jobs, counts. */
const SUPERVISE = 60;

/** Seconds between two signs of life of a job. Less than half of the heartbeat, so that one may be missed. */
const REFRESH = 2;

/** Seconds that a stop has beyond those for the handlers: to hand back what had not ended, and to close its connections. */
const FAREWELL = 1;

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
    // Both at once: while a look for lost jobs goes on the loops would take job after job, and hand each back.
    const ended = Promise.all([
      watching?.stop(),
      boss.stop({ graceful: true, timeout: options.stopWithin * 1000 }),
    ]);
    try {
      await answerWithin((options.stopWithin + FAREWELL) * 1000, ended);
    } catch (error) {
      if (!(error instanceof TimeLimit)) throw error;
      const detail = `The worker had not ended ${options.stopWithin + FAREWELL} s after it was asked to stop, and was cut off. Its jobs are taken over by others; as a rule the database does not answer.`;
      throw new AppError('unavailable', 'stop_timeout', detail);
    }
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
      onLost: async (claim) => {
        const job = jobFor(jobs, claim);
        if (job !== undefined) await options.onLost(job.name);
      },
      wake: (queue) => boss.notifyWorker(loops.get(queue) ?? ''),
    });
  } catch (error) {
    await stop().catch(() => {});
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

/**
 * Stores the schedules, and forgets those of jobs that have none any more. Those of jobs that this version does not know are
 * left: while versions change they are a newer one's.
 */
async function schedule(boss: PgBoss, jobs: readonly Job[], zone: string): Promise<void> {
  for (const job of jobs) {
    if (job.schedule !== undefined) {
      await boss.schedule(job.queue.name, job.schedule, {}, { tz: zone, missed: 'once' });
    }
  }
  const hasSchedule = new Map<string, boolean>();
  for (const { queue, schedule } of jobs) {
    hasSchedule.set(queue.name, schedule !== undefined || hasSchedule.get(queue.name) === true);
  }
  for (const { name, key } of await boss.getSchedules()) {
    if (hasSchedule.get(name) === false) await boss.unschedule(name, key);
  }
}
