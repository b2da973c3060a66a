import { DAY } from '../src/core/timestamp.ts';
import { purgeIdempotencyKeys } from '../src/ledger/idempotency-purge.ts';
import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import type { JobHouse } from './house.ts';

/** Once a night, away from the full hours at which the others begin. */
export function purgeIdempotencyKeysJob({ database, clock, config, onRetry }: JobHouse): Job {
  return {
    name: 'purge-idempotency-keys',
    queue: maintenanceQueue('purge-idempotency-keys'),
    schedule: '40 3 * * *',
    async handle(_data, { signal, onProgress }) {
      const before = new Date(clock.now().getTime() - config.idempotencyDays * DAY);
      return purgeIdempotencyKeys(database.write, {
        before,
        signal,
        onRetry,
        onProgress: (done) => onProgress({ what: 'idempotency keys', done, total: undefined }),
      });
    },
  };
}
