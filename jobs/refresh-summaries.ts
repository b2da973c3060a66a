import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import { refreshSummaries } from '../src/summaries/refresh.ts';
import type { JobHouse } from './house.ts';

/** Every minute, and soon after a load. Which days it works on is marked in the database, so no request is lost. */
export function refreshSummariesJob({ database, calendar }: JobHouse): Job {
  return {
    name: 'refresh-summaries',
    queue: maintenanceQueue('refresh-summaries'),
    schedule: '* * * * *',
    async handle(_data, { signal, onProgress, logger }) {
      const report = await refreshSummaries({ database, calendar, signal, onProgress });
      const { skipped } = report;
      if (skipped.length > 0) logger.warn({ skipped }, 'marked days of quarters that are not attached');
      return report;
    },
  };
}
