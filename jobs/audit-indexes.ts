import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import type { JobHouse } from './house.ts';

/** Weekly: what is wrong with the indexes. */
export function auditIndexesJob(_house: JobHouse): Job {
  return {
    name: 'audit-indexes',
    queue: maintenanceQueue('audit-indexes'),
    schedule: '10 3 * * 0',
    handle: async () => ({}),
  };
}
