import { tally } from '../src/db/measurements.ts';
import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import { analyzePartitions } from '../src/summaries/analyze.ts';
import { staleStatistics } from '../src/summaries/stale.ts';
import type { JobHouse } from './house.ts';
import { leaveMeasurements } from './measure.ts';
import { quarterRun } from './quarter-verb.ts';

/** Hourly, and soon after a load or a verb that changed something. Which tables need it is read from the catalog, so no request is lost. */
export function analyzePartitionsJob({ database }: JobHouse): Job {
  return {
    name: 'analyze-partitions',
    queue: maintenanceQueue('analyze-partitions'),
    schedule: '30 * * * *',
    async handle(_data, run) {
      const { signal, onProgress, onBlocked } = quarterRun(run, { actor: 'schedule' });
      const report = await analyzePartitions({ database, signal, onProgress, onBlocked });
      if (report.failed.length > 0) run.logger.warn({ failed: report.failed }, 'tables were not analyzed');
      // Whatever is still stale could not be analyzed, or has changed much while the others were.
      const stale = await staleStatistics(database.direct);
      const reasons = tally(stale, ({ reason }) => reason);
      await leaveMeasurements(database.direct, run.logger, 'stale_statistics', reasons);
      return report;
    },
  };
}
