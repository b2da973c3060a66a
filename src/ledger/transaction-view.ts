import type { Posting } from '../core/posting.ts';
import type { ReservedPosting } from '../db/schema.ts';

/** One account's side of a posting. Minor units; negative where money left the account. */
export interface EntryView {
  /** `user-123:WALLET` */
  readonly account: string;
  readonly currency: string;
  readonly amount: bigint;
  readonly balanceAfter: bigint;
  readonly version: bigint;
}

/** What became of a reservation, and what it holds or held. */
export interface ReservationView {
  readonly postings: readonly Posting[];
  readonly expiresAt: Date | null;
  readonly resolvedAt: Date | null;
  /** The transaction that settled it. */
  readonly transactionId: string | null;
}

/** A transaction as it was answered when it was booked, and ever after; or a reservation as it is now. */
export interface TransactionView {
  readonly id: string;
  readonly createdAt: Date;
  readonly userId: string;
  /** The last four are those of a reservation. */
  readonly status: 'SUCCESS' | 'FAILED' | 'PENDING' | 'SETTLED' | 'VOIDED' | 'EXPIRED';
  readonly currency: string;
  readonly amount: bigint;
  readonly referenceCode: string | null;
  readonly description: string | null;
  readonly effectiveAt: Date | null;
  readonly metadata: Record<string, unknown> | null;
  /** The transaction it reverses, and the reservation it settles. */
  readonly reverses: string | null;
  readonly settles: string | null;
  /** Of a reservation only. */
  readonly reservation: ReservationView | null;
  /** Account by account, in the order the postings first name them. */
  readonly entries: readonly EntryView[];
}

/** What the rows of transactions and of reservations have in common. */
export interface DescribedRow {
  readonly id: string;
  readonly created_at: Date;
  readonly user_id: string;
  readonly status: TransactionView['status'];
  readonly currency: string;
  readonly amount: bigint;
  readonly reference_code: string | null;
  readonly description: string | null;
  readonly effective_at: Date | null;
  readonly metadata: Record<string, unknown> | null;
}

/** The part of a view that such a row tells. */
export function described(row: DescribedRow) {
  return {
    id: row.id,
    createdAt: row.created_at,
    userId: row.user_id,
    status: row.status,
    currency: row.currency,
    amount: row.amount,
    referenceCode: row.reference_code,
    description: row.description,
    effectiveAt: row.effective_at,
    metadata: row.metadata,
  };
}

/** The postings of a reservation, from the document they are kept as. */
export function postingsOf(rows: readonly ReservedPosting[]): Posting[] {
  return rows.map((row) => ({ ...row, amount: BigInt(row.amount) }));
}
