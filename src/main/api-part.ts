import { noticingBursts } from '../../jobs/after-burst.ts';
import { requestRefresh } from '../../jobs/after-load.ts';
import type { JobHouse } from '../../jobs/house.ts';
import type { QuarterDesk } from '../../jobs/quarter-desk.ts';
import type { FileCache } from '../archive/cache.ts';
import { consoleRoutes } from '../console/routes.ts';
import type { ReplicaReport } from '../db/replica-monitor.ts';
import { createRouter } from '../db/routing.ts';
import type { Ask } from '../db/schema-version.ts';
import type { HttpHouse } from '../http/house.ts';
import { createServer } from '../http/server.ts';
import type { AccountCache } from '../ledger/accounts.ts';
import type { Key } from '../ledger/keys.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { Service } from '../platform/service.ts';
import type { Job } from '../queue/job.ts';
import { createApi } from './api.ts';
import { watchReads } from './measured-database.ts';
import { measuredRequests } from './measured-http.ts';
import type { Opening } from './opening.ts';
import { createOperationApi } from './operation.ts';
import { createQuarterApi } from './quarter-api.ts';
import { createReadinessWatch } from './readiness-watch.ts';
import { createPostingScopes } from './traced-posting.ts';

export interface ApiPartOptions extends JobHouse {
  readonly version: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly accounts: AccountCache;
  readonly archiveFiles: FileCache;
  readonly desk: QuarterDesk;
  readonly jobs: readonly Job[];
  readonly opening: Opening;
  /** Looks whether the queues are there. */
  readonly checkQueue: (ask: Ask) => Promise<void>;
  readonly load: HttpHouse['loads']['run'];
  /** Keys that open it beside those of the database. */
  readonly keys: readonly Key[];
}

/** The API as a part of a process: the HTTP face, and where it reads. */
export function createApiPart(house: ApiPartOptions): Service & { address(): string } {
  const { config, database, queue, logger, metrics, opening } = house;
  metrics.set('build_info', { version: house.version, process: 'api' }, 1);
  let replica: ReplicaReport | null | undefined = database.replica === undefined ? null : undefined;
  const reads = watchReads(metrics, { hasReplica: database.replica !== undefined });
  const router = createRouter({
    database,
    maxLagMs: config.replicaMaxLag * 1000,
    onRoute: reads.onRoute,
    onReplicaLook: (report) => {
      replica = report;
      reads.onReplicaLook(report);
    },
    onReplicaState: (report) => {
      if (report.state === 'ok') logger.info(report, 'the replica is read from');
      else logger.warn(report, 'the replica is left alone');
    },
  });
  const scopes = createPostingScopes();
  const api = createApi({
    ...house,
    router,
    poster: noticingBursts(scopes.posting(house.poster), {
      request: () => requestRefresh(queue, database.write),
      logger,
    }),
    requestQuarters: async () => {
      await queue.enqueue(database.write, 'reconcile-partitions');
    },
  });
  const checks = opening.checks(house.checkQueue);
  const readiness = createReadinessWatch({ process: 'api', metrics, checks, isOpen: opening.isOpen });
  const server = createServer(
    {
      ...api,
      post: scopes.asked(api.post),
      version: house.version,
      logger,
      checks,
      onReadiness: readiness.onLook,
      isStarting: () => !opening.isOpen(),
      loads: { ...api.loads, run: house.load },
      metrics: metrics.page,
      console: (app) => consoleRoutes(app),
      requests: measuredRequests(metrics),
      quarters: createQuarterApi(house, house.desk),
      operation: createOperationApi({ ...house, replica: () => replica }),
    },
    {
      ...config,
      drainMs: config.drain * 1000,
      // What is left of QM_STOP_WITHIN, and time to close what is under it.
      stopWithinMs: (config.stopWithin - config.drain - 3) * 1000,
    },
  );
  return {
    name: server.name,
    address: () => server.address(),
    start: async () => {
      // It listens first, so that whoever asks for its health while it waits for the database is told that it lives.
      await server.start();
      readiness.start();
      try {
        await opening.open();
        // Until it is started everything is read from the primary.
        await router.start();
      } catch (error) {
        readiness.stop();
        await server.stop();
        throw error;
      }
    },
    stop: async () => {
      readiness.stop();
      await server.stop();
      await router.stop();
    },
  };
}
