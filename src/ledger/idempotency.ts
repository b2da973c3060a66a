import type { Db, Trx } from '../db/schema.ts';
import { plainArray, textArray } from './arrays.ts';
import { query } from './query.ts';
import type { Booking } from './rows.ts';

/** What was booked under a key. */
export interface KnownKey {
  readonly fingerprint: Buffer;
  readonly transactionId: string;
}

const claimRows = query<{ key: string }>('claim_idempotency_keys');

/** Thrown inside a posting transaction: another one took a key first, so everything is taken back and read again. */
export class KeyTaken extends Error {}

export async function findKeys(
  db: Db,
  ledgerId: number,
  keys: readonly string[],
): Promise<Map<string, KnownKey>> {
  const rows = await db
    .selectFrom('ledger.idempotency_keys')
    .select(['key', 'fingerprint', 'transaction_id'])
    .where('ledger_id', '=', ledgerId)
    .where('key', 'in', keys)
    .execute();
  return new Map(
    rows.map((row) => [row.key, { fingerprint: row.fingerprint, transactionId: row.transaction_id }]),
  );
}

/**
 * Takes the keys of the bookings. What is refused takes none, so a request refused for want of funds may be sent again.
 *
 * @throws KeyTaken
 */
export async function claimKeys(trx: Trx, ledgerId: number, bookings: readonly Booking[]): Promise<void> {
  const keyed = bookings.flatMap(({ id, request, at }) =>
    request.idempotency ? [{ id, at, ...request.idempotency }] : [],
  );
  if (keyed.length === 0) return;
  const claimed = await claimRows(trx, [
    ledgerId,
    textArray(keyed.map(({ key }) => key)),
    plainArray(keyed.map(({ fingerprint }) => fingerprint.toString('hex'))),
    plainArray(keyed.map(({ id }) => id)),
    plainArray(keyed.map(({ at }) => at)),
  ]);
  if (claimed.length < keyed.length) throw new KeyTaken();
}
