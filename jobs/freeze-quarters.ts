import { freezeQuarters } from '../src/quarters/freeze.ts';
import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import type { JobHouse } from './house.ts';
import { quarterRun } from './quarter-verb.ts';

/** Nightly: quarters that take no rows any more are frozen once. What was not done is done in the next night. */
export function freezeQuartersJob(house: JobHouse): Job {
  return {
    name: 'freeze-quarters',
    queue: maintenanceQueue('freeze-quarters'),
    schedule: '40 2 * * *',
    async handle(_data, run) {
      const report = await freezeQuarters(house.quarters, quarterRun(run, { actor: 'schedule' }));
      const { heldBack, gaveWay, failed } = report;
      if (heldBack.length + gaveWay.length + failed.length > 0) {
        run.logger.warn({ heldBack, gaveWay, failed }, 'quarters were not frozen');
      }
      return report;
    },
  };
}
