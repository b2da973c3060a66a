import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import type { JobHouse } from './house.ts';

/** Nightly: quarters that take no rows any more are frozen once. */
export function freezeQuartersJob(_house: JobHouse): Job {
  return {
    name: 'freeze-quarters',
    queue: maintenanceQueue('freeze-quarters'),
    schedule: '40 2 * * *',
    handle: async () => ({}),
  };
}
