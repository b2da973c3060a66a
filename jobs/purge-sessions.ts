import { purgeSessions } from '../src/ledger/sessions.ts';
import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import type { JobHouse } from './house.ts';

/** Once a night: sessions that are over open nothing, and are few, for people make them. */
export function purgeSessionsJob({ database, clock, onRetry }: JobHouse): Job {
  return {
    name: 'purge-sessions',
    queue: maintenanceQueue('purge-sessions'),
    schedule: '45 3 * * *',
    handle: (_data, { signal }) => purgeSessions(database.write, { at: clock.now(), signal, onRetry }),
  };
}
