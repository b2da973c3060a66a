import type { Db, Trx } from '../db/schema.ts';
import { plainArray, textArray } from './arrays.ts';
import { query } from './query.ts';
import type { Idempotency } from './request.ts';

/** What was done under a key: the transaction it booked, or the reservation it made or freed. */
export interface KnownKey {
  readonly fingerprint: Buffer;
  readonly transactionId: string;
}

const claimRows = query<{ key: string }>('claim_idempotency_keys');
const keyRows = query<{ key: string; fingerprint: Buffer; transaction_id: string }>(
  'idempotency_keys_by_key',
);

/** Thrown inside a posting transaction: another one took a key first, so everything is taken back and read again. */
export class KeyTaken extends Error {}

export async function findKeys(
  db: Db,
  ledgerId: number,
  keys: readonly string[],
): Promise<Map<string, KnownKey>> {
  if (keys.length === 0) return new Map();
  const rows = await keyRows(db, [ledgerId, textArray(keys)]);
  return new Map(
    rows.map((row) => [row.key, { fingerprint: row.fingerprint, transactionId: row.transaction_id }]),
  );
}

/**
 * Takes the keys of what stands. What is refused takes none, so a request refused for want of funds may be sent again.
 *
 * @throws KeyTaken
 */
export async function claimKeys(
  trx: Trx,
  ledgerId: number,
  keyed: readonly (Idempotency & { readonly id: string })[],
): Promise<void> {
  if (keyed.length === 0) return;
  const claimed = await claimRows(trx, [
    ledgerId,
    textArray(keyed.map(({ key }) => key)),
    plainArray(keyed.map(({ fingerprint }) => fingerprint.toString('hex'))),
    plainArray(keyed.map(({ id }) => id)),
  ]);
  if (claimed.length < keyed.length) throw new KeyTaken();
}
