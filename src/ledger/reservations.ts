import type { Posting, ReservationState } from '../core/posting.ts';
import type { Db, ReservedPosting, Trx } from '../db/schema.ts';
import { instantArray, plainArray, textArray } from './arrays.ts';
import type { Booking } from './booking.ts';
import { type Query, query } from './query.ts';
import { type DescribedRow, described, postingsOf, type TransactionView } from './transaction-view.ts';

interface StateRow {
  readonly id: string;
  readonly state: ReservationState['state'];
  readonly postings: readonly ReservedPosting[];
  readonly expires_at: Date | null;
}

interface ReservationRow extends StateRow, Omit<DescribedRow, 'status'> {
  readonly transaction_id: string | null;
  readonly resolved_at: Date | null;
}

/** What became of a reservation in this batch. */
export interface Resolution {
  readonly id: string;
  readonly state: 'SETTLED' | 'VOIDED' | 'EXPIRED';
  readonly transactionId: string | null;
  readonly at: Date;
}

const reservationsById = query<ReservationRow>('reservations_by_id');
const lockRows = query<StateRow>('lock_reservations');
const insertRows = query('insert_reservations');
const resolveRows = query('resolve_reservations');

/** The reservations of these ids that exist, as they are now. */
export async function readReservations(
  db: Db,
  ledgerId: number,
  ids: readonly string[],
): Promise<Map<string, TransactionView>> {
  if (ids.length === 0) return new Map();
  const rows = await reservationsById(db, [ledgerId, plainArray(ids)]);
  return new Map(rows.map((row) => [row.id, viewOf(row)]));
}

/** How they stand; locked until the transaction ends, or only read. Whoever locks balances too locks these first. */
export async function readStates(
  db: Db,
  ledgerId: number,
  ids: readonly string[],
  how: 'lock' | 'read',
): Promise<Map<string, ReservationState>> {
  if (ids.length === 0) return new Map();
  const read: Query<StateRow> = how === 'lock' ? lockRows : reservationsById;
  const rows = await read(db, [ledgerId, plainArray(ids)]);
  return new Map(
    rows.map((row) => [
      row.id,
      { state: row.state, postings: postingsOf(row.postings), expiresAt: row.expires_at },
    ]),
  );
}

export async function insertReservations(
  trx: Trx,
  ledgerId: number,
  bookings: readonly Booking[],
): Promise<void> {
  if (bookings.length === 0) return;
  await insertRows(trx, [
    ledgerId,
    plainArray(bookings.map(({ id }) => id)),
    textArray(bookings.map(({ accepted }) => JSON.stringify(accepted.postings.map(jsonOf)))),
    textArray(bookings.map(({ details }) => details.userId ?? '')),
    textArray(bookings.map(({ details }) => details.referenceCode)),
    textArray(bookings.map(({ details }) => details.description)),
    textArray(bookings.map(({ details }) => details.metadata && JSON.stringify(details.metadata))),
    plainArray(bookings.map(({ at }) => at)),
    instantArray(bookings.map(({ expiresAt }) => expiresAt)),
    textArray(bookings.map(({ accepted }) => accepted.currency)),
    plainArray(bookings.map(({ accepted }) => accepted.amount)),
    textArray(bookings.map(({ accepted }) => plainArray(accepted.accountIds))),
    instantArray(bookings.map(({ details }) => details.effectiveAt)),
  ]);
}

export async function resolveReservations(
  trx: Trx,
  ledgerId: number,
  resolutions: readonly Resolution[],
): Promise<void> {
  if (resolutions.length === 0) return;
  await resolveRows(trx, [
    ledgerId,
    plainArray(resolutions.map(({ id }) => id)),
    plainArray(resolutions.map(({ state }) => state)),
    plainArray(resolutions.map(({ transactionId }) => transactionId)),
    instantArray(resolutions.map(({ at }) => at)),
  ]);
}

/** A transaction that is not one yet. */
function viewOf(row: ReservationRow): TransactionView {
  return {
    ...described({ ...row, status: row.state }),
    reverses: null,
    settles: null,
    reservation: {
      postings: postingsOf(row.postings),
      expiresAt: row.expires_at,
      resolvedAt: row.resolved_at,
      transactionId: row.transaction_id,
    },
    entries: [],
  };
}

function jsonOf({ from, to, amount, currency }: Posting): ReservedPosting {
  return { from, to, amount: String(amount), currency };
}
