import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import type { JobHouse } from './house.ts';

/** What is expensive and may lag. */
export function refreshReportsJob(_house: JobHouse): Job {
  return {
    name: 'refresh-reports',
    queue: maintenanceQueue('refresh-reports'),
    schedule: '15 */6 * * *',
    handle: async () => ({}),
  };
}
