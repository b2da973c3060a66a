import type { BalanceChange } from '../core/posting.ts';
import type { Calendar } from '../core/quarter.ts';
import type { Trx } from '../db/schema.ts';
import type { Send } from '../db/transact.ts';
import type { Booking } from './booking.ts';
import { claimKeys } from './idempotency.ts';
import type { Judged } from './judge.ts';
import { insertReservations, type Resolution, resolveReservations } from './reservations.ts';
import { insertReversals } from './reversals.ts';
import { insertEntries, insertTransactions, markDays, updateBalances } from './rows.ts';

/** Sends the rows of what was judged, one statement a table. */
export function sendRows(trx: Trx, ledgerId: number, judged: readonly Judged[], send: Send): void {
  const bookings = bookingsOf(judged);
  const reserved = bookings.filter(({ accepted }) => accepted.kind === 'reserved');
  const rows = bookings.filter(({ accepted }) => accepted.kind !== 'reserved');
  const reversals = rows.flatMap(({ id, reverses }) => (reverses ? [{ id, reverses }] : []));
  send(insertTransactions(trx, ledgerId, rows));
  send(insertEntries(trx, ledgerId, rows));
  send(insertReservations(trx, ledgerId, reserved));
  send(resolveReservations(trx, ledgerId, judged.flatMap(resolutionOf)));
  send(insertReversals(trx, ledgerId, reversals));
}

/**
 * Writes what a batch comes to as a whole: its keys, balances and days. Only the keys are waited for: what they tell decides
 * whether all of it stands.
 *
 * @throws KeyTaken
 */
export async function writeSums(
  trx: Trx,
  calendar: Calendar,
  ledgerId: number,
  judged: readonly Judged[],
  changes: readonly BalanceChange[],
  send: Send,
): Promise<void> {
  const rows = bookingsOf(judged).filter(({ accepted }) => accepted.kind !== 'reserved');
  const days = new Set(rows.map(({ accepted }) => calendar.dayOf(accepted.createdAt)));
  const claimed = claimKeys(trx, ledgerId, judged.flatMap(keyOf));
  send(claimed);
  send(updateBalances(trx, ledgerId, changes));
  send(markDays(trx, ledgerId, days));
  await claimed;
}

function bookingsOf(judged: readonly Judged[]): Booking[] {
  return judged.flatMap(({ booking }) => booking ?? []);
}

function keyOf({ request: { idempotency }, booking, freed }: Judged) {
  const id = booking?.id ?? freed?.id;
  return id && idempotency ? [{ id, ...idempotency }] : [];
}

function resolutionOf({ outcome, booking, freed }: Judged): Resolution[] {
  if (freed && outcome.kind === 'freed') {
    return [{ id: freed.id, state: outcome.state, transactionId: null, at: outcome.at }];
  }
  if (!booking?.settles) return [];
  const { id, settles, accepted } = booking;
  return [{ id: settles, state: 'SETTLED', transactionId: id, at: accepted.createdAt }];
}
