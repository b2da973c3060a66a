import type { Db } from '../db/schema.ts';
import { isTransient } from '../db/sqlstate.ts';
import { type OnRetry, retry } from '../platform/retry.ts';
import { patience } from './batch.ts';
import { query } from './query.ts';

export interface PurgeOptions {
  /** Keys that were used before this are forgotten. */
  readonly before: Date;
  /** Keys in one transaction. */
  readonly batch?: number;
  readonly signal?: AbortSignal | undefined;
  /** Told how many are gone, after each transaction. */
  readonly onProgress?: ((deleted: number) => void) | undefined;
  readonly onRetry?: OnRetry | undefined;
}

/** About so many, for those of one millisecond go together. A batch is some tens of milliseconds of work. */
const BATCH = 5000;
const MILLISECOND = 1;

const oldest = query<{ created_at: Date }>('oldest_idempotency_keys');
const purge = query('purge_idempotency_keys');

/**
 * Forgets old idempotency keys, in short transactions, until none is left. To be stopped and run again at any time, and
 * harmless when run twice at once.
 *
 * @returns how many
 * @throws AppError aborted/aborted
 */
export async function purgeIdempotencyKeys(db: Db, options: PurgeOptions): Promise<{ deleted: number }> {
  const { before, batch = BATCH, signal, onProgress, onRetry } = options;
  const insist = <T>(action: () => Promise<T>) =>
    retry(action, { ...patience, retryable: isTransient, onRetry, signal });
  let deleted = 0;
  for (;;) {
    const [next] = await insist(() => oldest(db, [before.toISOString(), batch - 1]));
    const until = next ? new Date(next.created_at.getTime() + MILLISECOND) : before;
    deleted += (await insist(() => purge(db, [until.toISOString()]))).length;
    onProgress?.(deleted);
    if (!next) return { deleted };
  }
}
