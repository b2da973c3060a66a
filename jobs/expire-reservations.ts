import { expireReservations } from '../src/ledger/reservation-expiry.ts';
import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import type { JobHouse } from './house.ts';

/** Every minute: funds that nobody will claim any more are free at most that long after their time. */
export function expireReservationsJob({ database, poster }: JobHouse): Job {
  return {
    name: 'expire-reservations',
    queue: maintenanceQueue('expire-reservations'),
    schedule: '* * * * *',
    handle: async (_data, { signal }) => expireReservations({ db: database.write, poster }, signal),
  };
}
