import type { Calendar } from '../core/quarter.ts';
import type { Trx } from '../db/schema.ts';
import type { Send } from '../db/transact.ts';
import { claimKeys } from './idempotency.ts';
import type { Judged, Judgement } from './judge.ts';
import { insertReservations, type Resolution, resolveReservations } from './reservations.ts';
import { insertReversals } from './reversals.ts';
import { insertEntries, insertTransactions, markDays, updateBalances } from './rows.ts';

/**
 * Writes what a batch came to, one statement a table, sent one behind the other. Only the keys are waited for: what they
 * tell decides whether all of it stands.
 *
 * @throws KeyTaken
 */
export async function write(
  trx: Trx,
  calendar: Calendar,
  ledgerId: number,
  { judged, changes }: Judgement,
  send: Send,
): Promise<void> {
  const bookings = judged.flatMap(({ booking }) => booking ?? []);
  const reserved = bookings.filter(({ accepted }) => accepted.kind === 'reserved');
  const rows = bookings.filter(({ accepted }) => accepted.kind !== 'reserved');
  const reversals = rows.flatMap(({ id, reverses }) => (reverses ? [{ id, reverses }] : []));
  const days = new Set(rows.map(({ accepted }) => calendar.dayOf(accepted.createdAt)));
  const claimed = claimKeys(trx, ledgerId, judged.flatMap(keyOf));
  send(claimed);
  send(insertTransactions(trx, ledgerId, rows));
  send(insertEntries(trx, ledgerId, rows));
  send(insertReservations(trx, ledgerId, reserved));
  send(resolveReservations(trx, ledgerId, judged.flatMap(resolutionOf)));
  send(insertReversals(trx, ledgerId, reversals));
  send(updateBalances(trx, ledgerId, changes));
  send(markDays(trx, ledgerId, days));
  await claimed;
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
