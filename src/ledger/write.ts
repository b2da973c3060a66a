import type { Calendar } from '../core/quarter.ts';
import type { Trx } from '../db/schema.ts';
import { claimKeys } from './idempotency.ts';
import type { Judged, Judgement } from './judge.ts';
import { insertReservations, type Resolution, resolveReservations } from './reservations.ts';
import { insertReversals } from './reversals.ts';
import { insertEntries, insertTransactions, markDays, updateBalances } from './rows.ts';

/**
 * Writes what a batch came to, one statement a table. Keys come first: who finds one taken has written nothing yet.
 *
 * @throws KeyTaken
 */
export async function write(
  trx: Trx,
  calendar: Calendar,
  ledgerId: number,
  { judged, changes }: Judgement,
): Promise<void> {
  const bookings = judged.flatMap(({ booking }) => booking ?? []);
  const reserved = bookings.filter(({ accepted }) => accepted.kind === 'reserved');
  const rows = bookings.filter(({ accepted }) => accepted.kind !== 'reserved');
  await claimKeys(trx, ledgerId, judged.flatMap(keyOf));
  await insertTransactions(trx, ledgerId, rows);
  await insertEntries(trx, ledgerId, rows);
  await insertReservations(trx, ledgerId, reserved);
  await resolveReservations(trx, ledgerId, judged.flatMap(resolutionOf));
  await insertReversals(
    trx,
    ledgerId,
    rows.flatMap(({ id, reverses }) => (reverses ? [{ id, reverses }] : [])),
  );
  await updateBalances(trx, ledgerId, changes);
  await markDays(trx, ledgerId, new Set(rows.map(({ accepted }) => calendar.dayOf(accepted.createdAt))));
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
