import type { ReservedPosting } from '../db/schema.ts';
import { type DescribedRow, described, postingsOf, type TransactionView } from './transaction-view.ts';

/** A row of a list: a transaction or a reservation, without its entries. */
export type TransactionRow = Omit<TransactionView, 'entries'>;

/** As the statements of lists give it. */
export interface ListedRow extends DescribedRow {
  readonly status: 'SUCCESS' | 'FAILED' | 'PENDING';
  readonly reverses: string | null;
  readonly settles: string | null;
  /** Of reservations only. */
  readonly postings?: readonly ReservedPosting[];
  readonly expires_at?: Date | null;
}

export function toRow(row: ListedRow): TransactionRow {
  const { postings, expires_at: expiresAt = null, reverses, settles } = row;
  const reservation = postings
    ? { postings: postingsOf(postings), expiresAt, resolvedAt: null, transactionId: null }
    : null;
  return { ...described(row), reverses, settles, reservation };
}
