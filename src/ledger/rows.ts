import type { Accepted, BalanceChange } from '../core/posting.ts';
import type { Trx } from '../db/schema.ts';
import { instantArray, plainArray, textArray } from './arrays.ts';
import { query } from './query.ts';
import type { PostRequest } from './request.ts';

/** An accepted request and the id it was given. */
export interface Booking {
  readonly id: string;
  readonly request: PostRequest;
  readonly accepted: Accepted;
  /** `accepted.createdAt` in ISO form, worked out once for all its rows. */
  readonly at: string;
}

const insertTransactionRows = query('insert_transactions');
const insertEntryRows = query('insert_entries');
const updateBalanceRows = query('update_balances');

/** Inserts the transactions of a batch in one statement. */
export async function insertTransactions(
  trx: Trx,
  ledgerId: number,
  bookings: readonly Booking[],
): Promise<void> {
  await insertTransactionRows(trx, [
    ledgerId,
    plainArray(bookings.map(({ at }) => at)),
    plainArray(bookings.map(({ id }) => id)),
    textArray(bookings.map(({ request }) => request.userId ?? '')),
    plainArray(bookings.map(({ request }) => request.status ?? 'SUCCESS')),
    textArray(bookings.map(({ accepted }) => accepted.currency)),
    plainArray(bookings.map(({ accepted }) => accepted.amount)),
    textArray(bookings.map(({ request }) => request.referenceCode)),
    textArray(bookings.map(({ request }) => request.description)),
    instantArray(bookings.map(({ request }) => request.effectiveAt)),
    textArray(bookings.map(({ accepted }) => plainArray(accepted.accountIds))),
    textArray(bookings.map(({ request }) => request.metadata && JSON.stringify(request.metadata))),
  ]);
}

/** Inserts the entries of a batch in one statement, in the order of the postings. */
export async function insertEntries(trx: Trx, ledgerId: number, bookings: readonly Booking[]): Promise<void> {
  const rows = bookings.flatMap(({ id, accepted, at }) =>
    accepted.entries.map((entry) => ({ id, entry, at })),
  );
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
  changes: readonly BalanceChange[],
): Promise<void> {
  if (changes.length === 0) return;
  await updateBalanceRows(trx, [
    ledgerId,
    plainArray(changes.map(({ accountId }) => accountId)),
    plainArray(changes.map(({ posted }) => posted)),
    plainArray(changes.map(({ entries }) => entries)),
    instantArray(changes.map(({ lastEntryAt }) => lastEntryAt)),
  ]);
}

/** Notes which days the summaries have to be worked out again for. */
export async function markDays(trx: Trx, ledgerId: number, days: Iterable<string>): Promise<void> {
  const rows = [...days].map((day) => ({ ledger_id: ledgerId, day }));
  if (rows.length > 0) await trx.insertInto('quartermaster.summary_marks').values(rows).execute();
}
