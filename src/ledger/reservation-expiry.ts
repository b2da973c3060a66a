import type { Db } from '../db/schema.ts';
import { throwIfAborted } from '../platform/retry.ts';
import type { Poster } from './post.ts';
import { query } from './query.ts';

export interface ExpiryReport {
  /** Reservations whose funds are free again. */
  readonly expired: number;
  /** Settled or voided by somebody else in the moment between. */
  readonly resolvedMeanwhile: number;
}

// A batch of posting each, and few enough that nobody waits long for the balances it locks.
const PAGE = 500;

const expiredReservations = query<{ ledger_id: number; id: string; expires_at: Date }>(
  'expired_reservations',
);

/**
 * Frees the funds of all reservations whose time has passed. Posting decides each one under its lock, so one that is
 * settled or voided meanwhile stays as it is, and two that expire the same do it once.
 *
 * @throws AppError aborted/aborted, and what keeps the poster from posting
 */
export async function expireReservations(
  house: { readonly db: Db; readonly poster: Poster },
  signal?: AbortSignal,
): Promise<ExpiryReport> {
  let expired = 0;
  let resolvedMeanwhile = 0;
  let after = ['-infinity', '00000000-0000-0000-0000-000000000000'];
  for (;;) {
    throwIfAborted(signal);
    const page = await expiredReservations(house.db, [...after, PAGE]);
    for (const [ledgerId, rows] of Map.groupBy(page, (row) => row.ledger_id)) {
      const voids = rows.map(({ id }) => ({ void: id, expired: true }));
      const results = await house.poster.post(ledgerId, voids, { signal });
      const refused = results.filter(({ kind }) => kind === 'refused').length;
      expired += results.length - refused;
      resolvedMeanwhile += refused;
    }
    // On from the last one, not from the start: a refused one must not be met again and again.
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return { expired, resolvedMeanwhile };
    after = [last.expires_at.toISOString(), last.id];
  }
}
