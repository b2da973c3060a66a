import { assert } from '../core/errors.ts';
import type { Accepted } from '../core/posting.ts';
import type { Description } from './request.ts';
import type { EntryView, TransactionView } from './transaction-view.ts';

/** What stands, with the id it was given, as it is written. */
export interface Booking {
  readonly id: string;
  readonly accepted: Accepted;
  /** `accepted.createdAt` in ISO form, worked out once for all its rows. */
  readonly at: string;
  readonly details: Description;
  /** The reservation it settles, or the transaction it reverses. */
  readonly settles?: string | undefined;
  readonly reverses?: string | undefined;
  /** Of a reservation. */
  readonly expiresAt?: Date | undefined;
}

const statusOf = { booked: 'SUCCESS', recorded: 'FAILED', reserved: 'PENDING' } as const;

export function status({ accepted }: Booking): 'SUCCESS' | 'FAILED' | 'PENDING' {
  return statusOf[accepted.kind];
}

/** The view of what was just booked, as `readTransaction` will give it. */
export function viewOf(booking: Booking): TransactionView {
  const { id, accepted, details } = booking;
  const reserved = accepted.kind === 'reserved';
  return {
    id,
    createdAt: accepted.createdAt,
    userId: details.userId ?? '',
    status: status(booking),
    currency: accepted.currency,
    amount: accepted.amount,
    referenceCode: details.referenceCode ?? null,
    description: details.description ?? null,
    effectiveAt: details.effectiveAt ?? null,
    metadata: details.metadata ?? null,
    reverses: booking.reverses ?? null,
    settles: booking.settles ?? null,
    reservation: reserved
      ? {
          postings: accepted.postings,
          expiresAt: booking.expiresAt ?? null,
          resolvedAt: null,
          transactionId: null,
        }
      : null,
    entries: entriesOf(accepted),
  };
}

function entriesOf({ accountIds, entries, postings }: Accepted): EntryView[] {
  const place = new Map(accountIds.map((accountId, index) => [accountId, index]));
  const placed = entries.map((entry, index): { place: number; view: EntryView } => {
    const posting = postings[index >> 1];
    assert(posting, 'an entry without a posting');
    const account = index % 2 === 0 ? posting.from : posting.to;
    const { amount, balanceAfter, version } = entry;
    return {
      place: place.get(entry.accountId) ?? 0,
      view: { account, currency: posting.currency, amount, balanceAfter, version },
    };
  });
  // The sort is stable: within an account the order is that of the versions already.
  return placed.sort((a, b) => a.place - b.place).map(({ view }) => view);
}
