import { tally } from '../src/db/measurements.ts';
import { reconcile } from '../src/quarters/reconcile.ts';
import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import { requestAfterVerb } from './after-verb.ts';
import type { JobHouse } from './house.ts';
import { leaveMeasurements } from './measure.ts';
import { quarterRun } from './quarter-verb.ts';

/**
 * Keeps the partitions ahead of the calendar. Hourly, for a day's quarters fail to come only after 24 tries, and at the
 * start of a worker, so that a fresh installation takes postings at once.
 */
export function reconcilePartitionsJob(house: JobHouse): Job {
  return {
    name: 'reconcile-partitions',
    queue: maintenanceQueue('reconcile-partitions'),
    schedule: '0 * * * *',
    atStart: true,
    async handle(_data, run) {
      const { createQuarters: create } = house.config;
      const report = await reconcile(house.quarters, quarterRun(run, { actor: 'schedule' }), { create });
      const { drift, failed } = report;
      await leaveMeasurements(
        house.database.direct,
        run.logger,
        'drift',
        tally(drift, ({ code }) => code),
      );
      if (drift.length + failed.length > 0) run.logger.warn({ drift, failed }, 'quarters need a person');
      if (report.created.length + report.finalized.length + report.repaired.length > 0)
        await requestAfterVerb(house.queue, house.database.write, 'create', run.logger);
      if (create) return report;
      // Switched off is not forgotten: it is said every hour, and what is missing is among the drift.
      run.logger.warn('QM_CREATE_QUARTERS is off: no quarter is created');
      return { switchedOff: 'QM_CREATE_QUARTERS', ...report };
    },
  };
}
