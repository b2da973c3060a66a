import { fromKysely, PgBoss } from 'pg-boss';
import { AppError, assert } from '../core/errors.ts';
import type { Db } from '../db/schema.ts';
import type { Ask } from '../db/schema-version.ts';
import { toAppError } from '../db/sqlstate.ts';
import type { Logger } from '../platform/logger.ts';
import { type QueueFailure, readFailures } from './failures.ts';
import { requireInstalled, rethrow } from './installed.ts';
import type { Job, JobQueue } from './job.ts';
import { rememberLost } from './outcomes.ts';
import { createQuarterLine, type QuarterLine } from './quarter-line.ts';
import { startWorker, type Worker } from './worker.ts';

export interface QueueOptions {
  /** For requests made outside a transaction, and to look at the queues. May be a transaction pooler. */
  readonly db: Db;
  /** The direct connection, for the installation and the worker. */
  readonly url: string;
  /** The ledger's time zone, in which schedules are read. */
  readonly zone: string;
  readonly logger: Logger;
  /** Traces go on from who asks for a job to who runs it. */
  readonly traced?: boolean;
  readonly schema?: string;
  /** Seconds between two looks for work (2), and between two looks for the jobs of dead workers (1). */
  readonly pollEvery?: number;
  readonly superviseEvery?: number;
  /** Seconds a stop waits for handlers that were told to end (20). */
  readonly stopWithin?: number;
  /** Seconds in which a statement of the queue has to be answered, or its connection is given up (60). */
  readonly answerWithin?: number;
}

/** The jobs that wait, in PostgreSQL. A process that only asks for work opens no connection of its own for it. */
export interface Queue {
  readonly quarters: QuarterLine;
  /** Creates pg-boss' schema and every queue, or brings them up to date. Two processes may do it at once. */
  install(jobs: readonly Job[]): Promise<void>;
  /**
   * Asks for a job in the caller's transaction: it exists when that commits. Best its last statement, for a second
   * request for the same job waits for the first one's transaction. False when one waits already.
   */
  enqueue(trx: Db, job: string, data?: object): Promise<boolean>;
  /**
   * The same, but the job runs `seconds` after the last request: each request puts it off again. The data of all but
   * the last are lost, so only jobs that find their work in the database are asked for in this way. A stream of
   * requests would put it off for ever: such a job has a schedule too, whose runs are not put off.
   */
  enqueueDebounced(trx: Db, job: string, seconds: number): Promise<void>;
  /** The jobs that failed for good and are remembered, the newest first. */
  failures(db: Db, limit: number): Promise<QueueFailure[]>;
  /** Begins to work. @throws AppError config/not_migrated when the queues are not installed */
  start(jobs: readonly Job[]): Promise<void>;
  /** Looks by that connection whether the queues are there. @throws AppError config/not_migrated */
  requireInstalled(jobs: readonly Job[], ask: Ask): Promise<void>;
  /** @throws AppError unavailable/worker_stalled when it was not started, or has not looked for work for a while */
  requireWorking(): void;
  /**
   * Tells running handlers to end and hands back what they could not finish. Bounded.
   *
   * @throws AppError unavailable/stop_timeout when the database did not answer in time
   */
  stop(): Promise<void>;
}

/** Debounced requests wait beside those of the schedule, under a key of their own. */
const DEBOUNCED = 'debounced';

/** A pg-boss that does nothing by itself. */
const idle = { supervise: false, schedule: false, registerInstance: false } as const;

/** The only user of pg-boss: what its options mean is known in this folder and nowhere else. */
export function createQueue(options: QueueOptions): Queue {
  const { logger, url, schema = 'pgboss' } = options;
  const openTelemetry = { enabled: options.traced === true, propagateContext: true };
  let worker: Worker | undefined;

  /**
   * pg-boss' statements on a connection. Never started, so it has no timers and no pool; made anew for each request,
   * for it looks up the queue on the connection it was made with, and a second connection out of the pool would be
   * waited for for ever by as many requests as the pool has connections.
   */
  const sender = (db: Db) => {
    const boss = new PgBoss({ ...idle, db: fromKysely(db), schema, openTelemetry });
    boss.on('error', (error) => logger.error({ err: error }, 'queue failed'));
    return boss;
  };

  return {
    quarters: createQuarterLine(options.db, sender),

    async install(jobs) {
      const installer = new PgBoss({ ...idle, connectionString: url, schema, max: 2 });
      installer.on('error', (error) => logger.error({ err: error }, 'queue installation failed'));
      try {
        await installer.start();
        for (const queue of queuesOf(jobs)) await installQueue(installer, queue);
      } catch (error) {
        throw toAppError(error);
      } finally {
        await installer.stop();
      }
    },

    async enqueue(trx, job, data = {}) {
      const id = await sender(trx)
        .send(job, data, { db: fromKysely(trx) })
        .catch(rethrow);
      return id !== null;
    },

    async enqueueDebounced(trx, job, seconds) {
      // The update locks the waiting job until the caller commits and the fetch skips locked ones, so the job cannot
      // run before what it is to look at is there.
      const options = { singletonKey: DEBOUNCED, startAfter: seconds, db: fromKysely(trx) };
      await sender(trx).upsert(job, {}, options).catch(rethrow);
    },

    failures: (db, limit) => readFailures(db, schema, limit),

    async start(jobs) {
      assert(worker === undefined, 'the worker was started twice');
      const ask: Ask = (text) => fromKysely(options.db).executeSql(text);
      const { isNewer } = await requireInstalled(ask, schema, queuesOf(jobs));
      if (isNewer) logger.warn('the schema of the queue is newer than this version of pg-boss');
      worker = await startWorker(jobs, {
        url,
        schema,
        openTelemetry,
        zone: options.zone,
        logger,
        pollEvery: options.pollEvery ?? 2,
        superviseEvery: options.superviseEvery ?? 1,
        stopWithin: options.stopWithin ?? 20,
        answerWithin: options.answerWithin ?? 60,
        onLost: (job) => rememberLost(options.db, job, logger),
      });
    },

    async requireInstalled(jobs, ask) {
      await requireInstalled(ask, schema, queuesOf(jobs));
    },

    requireWorking() {
      if (worker === undefined) throw new AppError('unavailable', 'worker_stalled', 'No job is worked on.');
      worker.requireWorking();
    },

    async stop() {
      try {
        await worker?.stop();
      } finally {
        worker = undefined;
      }
    },
  };
}

function queuesOf(jobs: readonly Job[]): JobQueue[] {
  return [...new Map(jobs.map(({ queue }) => [queue.name, queue])).values()];
}

async function installQueue(boss: PgBoss, queue: JobQueue): Promise<void> {
  const settings = {
    retryLimit: queue.retries,
    retryDelay: queue.retryDelay,
    retryBackoff: true,
    retryDelayMax: queue.retryDelayMax,
    expireInSeconds: queue.expireAfter,
    heartbeatSeconds: queue.heartbeat,
    deleteAfterSeconds: queue.keepFor,
    // What waits is deleted by age too, silently. A step behind a failed one must outwait whatever it takes.
    retentionSeconds: 10 * 365 * 86_400,
  };
  await boss.createQueue(queue.name, { ...settings, policy: queue.policy });
  await boss.updateQueue(queue.name, settings);
  const installed = await boss.getQueue(queue.name);
  assert(installed?.policy === queue.policy, `the policy of queue ${queue.name} cannot be changed`);
}
