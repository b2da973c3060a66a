import type { ReservedPosting } from '../db/schema.ts';
import type { TransactionView } from './transactions.ts';

/** A row of a list: a transaction or a reservation, without its entries. */
export type TransactionRow = Omit<TransactionView, 'entries'>;

/** As the statements of lists give it. */
export interface ListedRow {
  readonly id: string;
  readonly created_at: Date;
  readonly user_id: string;
  readonly status: 'SUCCESS' | 'FAILED' | 'PENDING';
  readonly currency: string;
  readonly amount: bigint;
  readonly reference_code: string | null;
  readonly description: string | null;
  readonly effective_at: Date | null;
  readonly metadata: Record<string, unknown> | null;
  readonly reverses: string | null;
  readonly settles: string | null;
  /** Of reservations only. */
  readonly postings?: readonly ReservedPosting[];
  readonly expires_at?: Date | null;
}

export function toRow(row: ListedRow): TransactionRow {
  const { postings } = row;
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
    reverses: row.reverses,
    settles: row.settles,
    reservation: postings
      ? {
          postings: postings.map((posting) => ({ ...posting, amount: BigInt(posting.amount) })),
          expiresAt: row.expires_at ?? null,
          resolvedAt: null,
          transactionId: null,
        }
      : null,
  };
}
