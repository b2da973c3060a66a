import type { JobHouse } from '../../jobs/house.ts';
import { AppError } from '../core/errors.ts';
import type { Ask } from '../db/schema-version.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics.ts';
import { throwIfAborted } from '../platform/retry.ts';
import type { Service } from '../platform/service.ts';
import type { Job } from '../queue/job.ts';
import { createDatabaseFigures } from './figures-source.ts';
import { introduceWorker } from './measured-worker.ts';
import { createMetricsServer } from './metrics-server.ts';
import type { Opening } from './opening.ts';
import { createReadinessWatch } from './readiness-watch.ts';

export interface WorkerPartOptions extends JobHouse {
  readonly version: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly jobs: readonly Job[];
  readonly opening: Opening;
  /** Fires when the process is to stop. */
  readonly signal: AbortSignal;
  /** Looks whether the queues are there. */
  readonly checkQueue: (ask: Ask) => Promise<void>;
}

/** The worker as a part of a process: the jobs, and the port on which ops look at it. */
export function createWorkerPart({ config, queue, jobs, ...house }: WorkerPartOptions): Service {
  const { host, workerPort: port } = config;
  const { version, logger, metrics, opening } = house;
  metrics.set('build_info', { version, process: 'worker' }, 1);
  introduceWorker(metrics, config, jobs);
  let stopping = false;
  const serving = async () => {
    if (stopping) throw new AppError('unavailable', 'stopping', 'The worker is stopping.');
    if (!opening.isOpen()) throw new AppError('unavailable', 'starting', 'The worker is starting.');
  };
  const checks = [
    { name: 'serving', check: serving },
    ...opening.checks(house.checkQueue),
    { name: 'jobs', check: async () => queue.requireWorking() },
  ];
  const { isOpen } = opening;
  const readiness = createReadinessWatch({ process: 'worker', metrics, checks, isOpen });
  const onReadiness = readiness.onLook;
  const server = createMetricsServer(metrics.page, { host, port, version, logger, checks, onReadiness });
  const figures = createDatabaseFigures({ ...house, config, jobs });
  return {
    name: 'worker',
    start: async () => {
      // First of all, so that whoever asks for its health while it waits for the database is told that it lives.
      await server.start();
      readiness.start();
      try {
        await opening.open();
        await figures.start();
        throwIfAborted(house.signal);
        await queue.start(jobs);
      } catch (error) {
        readiness.stop();
        await figures.stop();
        await server.stop();
        throw error;
      }
    },
    stop: async () => {
      stopping = true;
      readiness.stop();
      try {
        await queue.stop();
      } finally {
        await figures.stop();
        await server.stop();
      }
    },
  };
}
