import type { BalanceChange } from '../core/posting.ts';
import type { Trx } from '../db/schema.ts';
import { instantArray, plainArray, textArray } from './arrays.ts';
import { type Booking, status } from './booking.ts';
import { query } from './query.ts';

const insertTransactionRows = query('insert_transactions');
const insertEntryRows = query('insert_entries');
const updateBalanceRows = query('update_balances');
const markRows = query('mark_days');

/** Inserts the transactions of a batch in one statement. */
export async function insertTransactions(
  trx: Trx,
  ledgerId: number,
  bookings: readonly Booking[],
): Promise<void> {
  if (bookings.length === 0) return;
  await insertTransactionRows(trx, [
    ledgerId,
    plainArray(bookings.map(({ at }) => at)),
    plainArray(bookings.map(({ id }) => id)),
    textArray(bookings.map(({ details }) => details.userId ?? '')),
    plainArray(bookings.map(status)),
    textArray(bookings.map(({ accepted }) => accepted.currency)),
    plainArray(bookings.map(({ accepted }) => accepted.amount)),
    textArray(bookings.map(({ details }) => details.referenceCode)),
    textArray(bookings.map(({ details }) => details.description)),
    instantArray(bookings.map(({ details }) => details.effectiveAt)),
    plainArray(bookings.map(({ reverses }) => reverses ?? null)),
    plainArray(bookings.map(({ settles }) => settles ?? null)),
    textArray(bookings.map(({ accepted }) => plainArray(accepted.accountIds))),
    textArray(bookings.map(({ details }) => details.metadata && JSON.stringify(details.metadata))),
  ]);
}

/** Inserts the entries of a batch in one statement, in the order of their key, so that each leaf is visited once. */
export async function insertEntries(trx: Trx, ledgerId: number, bookings: readonly Booking[]): Promise<void> {
  // Only the place depends on the key, so a double is near enough. The sort is stable: within an account the order is that
  // of the versions already.
  const rows = bookings
    .flatMap(({ id, accepted, at }) =>
      accepted.entries.map((entry) => ({ key: Number(entry.accountId), id, entry, at })),
    )
    .sort((a, b) => a.key - b.key);
  if (rows.length === 0) return;
  await insertEntryRows(trx, [
    ledgerId,
    plainArray(rows.map(({ entry }) => entry.accountId)),
    plainArray(rows.map(({ at }) => at)),
    plainArray(rows.map(({ entry }) => entry.version)),
    plainArray(rows.map(({ id }) => id)),
    plainArray(rows.map(({ entry }) => entry.amount)),
    plainArray(rows.map(({ entry }) => entry.balanceAfter)),
  ]);
}

/** Updates each balance once. */
export async function updateBalances(
  trx: Trx,
  ledgerId: number,
  unordered: readonly BalanceChange[],
): Promise<void> {
  if (unordered.length === 0) return;
  const changes = unordered.toSorted((a, b) => Number(a.accountId - b.accountId));
  await updateBalanceRows(trx, [
    ledgerId,
    plainArray(changes.map(({ accountId }) => accountId)),
    plainArray(changes.map(({ posted }) => posted)),
    plainArray(changes.map(({ pendingOut }) => pendingOut)),
    plainArray(changes.map(({ pendingIn }) => pendingIn)),
    plainArray(changes.map(({ entries }) => entries)),
    instantArray(changes.map(({ lastEntryAt }) => lastEntryAt)),
  ]);
}

/** Notes which days the summaries have to be worked out again for. */
export async function markDays(trx: Trx, ledgerId: number, days: Iterable<string>): Promise<void> {
  const marked = [...days];
  if (marked.length > 0) await markRows(trx, [ledgerId, plainArray(marked)]);
}
