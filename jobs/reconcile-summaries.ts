import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import type { JobHouse } from './house.ts';

/** Daily: a sample of days, held against the rows. */
export function reconcileSummariesJob(_house: JobHouse): Job {
  return {
    name: 'reconcile-summaries',
    queue: maintenanceQueue('reconcile-summaries'),
    schedule: '50 3 * * *',
    handle: async () => ({}),
  };
}
