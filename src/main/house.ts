import { requestAfterLoad } from '../../jobs/after-load.ts';
import { requestAfterVerb } from '../../jobs/after-verb.ts';
import { createDefiner } from '../../jobs/define.ts';
import { allJobs } from '../../jobs/index.ts';
import { createQuarterDesk } from '../../jobs/quarter-desk.ts';
import { readPlan } from '../../jobs/quarter-tick.ts';
import { runInForeground } from '../../jobs/run.ts';
import { createFileCache } from '../archive/cache.ts';
import { openStore } from '../archive/open-store.ts';
import type { CliHouse } from '../cli/house.ts';
import type { Clock } from '../core/clock.ts';
import { calendar as calendarOf } from '../core/quarter.ts';
import { openDatabase } from '../db/database.ts';
import { type Ask, asking, knownMigrations, requireSchema } from '../db/schema-version.ts';
import { createAccountCache } from '../ledger/accounts.ts';
import { type LoadOptions, load } from '../ledger/load.ts';
import { createPoster } from '../ledger/post.ts';
import { createBlockedWatches } from '../platform/blocked.ts';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/logger.ts';
import { createMetrics } from '../platform/metrics.ts';
import { remembered } from '../queue/outcomes.ts';
import { createQueue } from '../queue/queue.ts';
import { createApiPart } from './api-part.ts';
import { findArchivedIn } from './archived.ts';
import { measured } from './measured.ts';
import { watchPools, watchRetries } from './measured-database.ts';
import { watchLoads } from './measured-posting.ts';
import { createOpening } from './opening.ts';
import { createWorkerPart } from './worker-part.ts';

/** What the house needs to know of the process it stands in. */
export interface Process {
  readonly version: string;
  readonly clock: Clock;
  /** Fires when the process is to stop. */
  readonly signal: AbortSignal;
}

/** Puts the house together for a process that serves: its parts look at the database when they start, and wait for it. */
export async function openUnseen(config: Config, logger: Logger, process: Process): Promise<CliHouse> {
  const house = compose(config, logger, process);
  if (config.tracing === undefined) return house;
  // The packages that record traces are loaded only where they are wanted.
  const { startTracing } = await import('../platform/tracing-sdk.ts');
  const tracing = startTracing(config.tracing, { version: process.version, logger });
  const close = async () => {
    // Beside each other: what is told of a database that hangs is not lost with the wait for it.
    await Promise.all([house.close(), tracing.stop()]);
  };
  return { ...house, close };
}

/**
 * Puts the house together and looks whether the database is the one it was built for.
 *
 * @throws AppError config/not_migrated, config/schema_newer, config/setting_changed, unavailable/database_unavailable
 */
export async function openHouse(config: Config, logger: Logger, process: Process): Promise<CliHouse> {
  const house = await openUnseen(config, logger, process);
  try {
    await requireSchema(asking(house.database.write), await knownMigrations(), config);
    return house;
  } catch (error) {
    await house.close();
    throw error;
  }
}

/** Creates the queues of all jobs, or brings them up to date: the other half of a migration. */
export async function installQueues(config: Config, logger: Logger, process: Process): Promise<void> {
  const house = compose(config, logger, process);
  try {
    await house.installQueues();
  } finally {
    await house.close();
  }
}

/** The one place where the parts meet. Nothing is connected before it is used. */
function compose(
  config: Config,
  logger: Logger,
  process: Process,
): CliHouse & { installQueues(): Promise<void> } {
  const { clock } = process;
  const calendar = calendarOf(config.timezone);
  const metrics = createMetrics();
  const onRetry = watchRetries(metrics);
  const onRows = watchLoads(metrics);
  const database = openDatabase({
    ...config,
    observer: watchPools(metrics),
    onIdleError: (error) => logger.warn({ err: error }, 'an idle database connection was lost'),
  });
  const store = openStore(config.store, { s3: config.s3, clock });
  const quarters = {
    database,
    store,
    calendar,
    clock,
    ledgerSet: config.ledgerSet,
    premakeQuarters: config.premakeQuarters,
    oldest: calendar.startOfDay(config.oldestDate),
    archiveApproval: config.archiveApproval,
    restoreDays: config.restoreDays,
    version: process.version,
  };
  const archiveFiles = createFileCache({
    directory: config.cacheDir,
    maxBytes: config.cacheMaxMib * 1024 * 1024,
  });
  const queue = createQueue({
    db: database.write,
    url: config.directDatabaseUrl ?? config.databaseUrl ?? '',
    zone: config.timezone,
    logger,
    traced: config.tracing !== undefined,
    // What is left of QM_STOP_WITHIN is for what is closed afterwards.
    stopWithin: config.stopWithin - 4,
  });
  const accounts = createAccountCache();
  const poster = createPoster({
    db: database.write,
    calendar,
    accounts,
    findArchived: findArchivedIn(quarters),
    onRetry,
  });
  const jobHouse = { database, calendar, clock, config, quarters, queue, poster, onRetry };
  const watchBlocked = createBlockedWatches(metrics, clock);
  const jobs = allJobs(jobHouse).map((job) =>
    remembered(measured(job, metrics, watchBlocked), database.write),
  );
  const definer = createDefiner(jobHouse);
  const desk = createQuarterDesk(jobHouse, definer);
  const runLoad = (options: LoadOptions) =>
    load(
      {
        database,
        calendar,
        clock,
        accounts,
        onRetry,
        onRows,
        oldest: quarters.oldest,
        ensureQuarters: async (from, to) => {
          await definer.ensure({ actor: 'load', signal: options.signal }, from, to);
        },
        finish: (trx) => requestAfterLoad(queue, trx),
      },
      options,
    );
  const opening = createOpening({ config, logger, signal: process.signal });
  const parts = {
    ...jobHouse,
    opening,
    checkQueue: (ask: Ask) => queue.requireInstalled(jobs, ask),
    version: process.version,
    logger,
    metrics,
    accounts,
    archiveFiles,
    desk,
    jobs,
    load: runLoad,
  };

  return {
    config,
    database,
    calendar,
    clock,
    quarters,
    archiveFiles,
    jobNames: jobs.map((job) => job.name),

    load: runLoad,

    runJob: (name, data, run) => runInForeground(jobs, name, data, { ...run, logger }),

    dueVerbs: async () => (await readPlan(jobHouse)).steps,
    quarterJobs: (quarter) => queue.quarters.jobs({ quarter, limit: quarter === undefined ? 200 : 20 }),
    nextStep: (quarter) => desk.next(quarter),
    nextSteps: () => desk.nexts(),
    goOn: (quarter) => desk.goOn(quarter),
    afterVerb: (verb) => requestAfterVerb(queue, database.write, verb, logger),

    apiService: ({ keys = [] } = {}) => createApiPart({ ...parts, keys }),
    workerService: () => createWorkerPart({ ...parts, signal: process.signal }),

    installQueues: () => queue.install(jobs),
    close: async () => {
      await Promise.all([database.close(), opening.close()]);
      await store.close?.();
    },
  };
}
