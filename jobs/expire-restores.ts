import { expireRestores } from '../src/quarters/expire.ts';
import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import type { JobHouse } from './house.ts';
import { quarterRun } from './quarter-verb.ts';

/** Hourly: what was restored until some day is gone within an hour of its end, and its archive stays. */
export function expireRestoresJob(house: JobHouse): Job {
  return {
    name: 'expire-restores',
    queue: maintenanceQueue('expire-restores'),
    schedule: '20 * * * *',
    async handle(_data, run) {
      const report = await expireRestores(house.quarters, quarterRun(run, { actor: 'schedule' }));
      const { withheld, failed } = report;
      if (withheld.length + failed.length > 0) {
        run.logger.warn({ withheld, failed }, 'restored quarters stay beyond their time');
      }
      return report;
    },
  };
}
