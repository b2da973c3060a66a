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
    handle: async (_data, run) => expireRestores(house.quarters, quarterRun(run, { actor: 'schedule' })),
  };
}
