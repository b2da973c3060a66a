import type { JobHouse } from '../../jobs/house.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { Service } from '../platform/service.ts';
import type { Job } from '../queue/job.ts';
import { createDatabaseFigures } from './figures-source.ts';
import { introduceWorker } from './measured-worker.ts';
import { createMetricsServer } from './metrics-server.ts';

export interface WorkerPartOptions extends JobHouse {
  readonly version: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly jobs: readonly Job[];
}

/** The worker as a part of a process: the jobs, and the port on which ops look at it. */
export function createWorkerPart({ config, queue, jobs, ...house }: WorkerPartOptions): Service {
  const { host, workerPort: port } = config;
  const { version, logger, metrics } = house;
  metrics.set('build_info', { version, process: 'worker' }, 1);
  introduceWorker(metrics, config, jobs);
  const server = createMetricsServer(metrics.page, { host, port, version, logger });
  const figures = createDatabaseFigures({ ...house, config, jobs });
  return {
    name: 'worker',
    start: async () => {
      await server.start();
      await figures.start();
      await queue.start(jobs);
    },
    stop: async () => {
      await queue.stop();
      await figures.stop();
      await server.stop();
    },
  };
}
