import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import { refreshSummaries } from '../src/summaries/refresh.ts';
import type { JobHouse } from './house.ts';

/** Connections that other work of the worker keeps of its pool, however many quarters are refreshed side by side. */
const SPARED = 3;

/** Every minute, and soon after a load or a burst. Which days it works on is marked in the database, so no request is lost. */
export function refreshSummariesJob({ database, calendar, config }: JobHouse): Job {
  return {
    name: 'refresh-summaries',
    queue: maintenanceQueue('refresh-summaries'),
    schedule: '* * * * *',
    async handle(_data, { signal, onProgress, logger }) {
      const parallel = Math.max(1, Math.min(config.refreshParallel, config.poolMax - SPARED));
      const report = await refreshSummaries({ database, calendar, parallel, signal, onProgress });
      const { skipped } = report;
      if (skipped.length > 0) logger.warn({ skipped }, 'marked days of quarters that are not attached');
      return report;
    },
  };
}
