import { formatAddress } from '../core/account.ts';
import { instantOf } from '../core/id.ts';
import type { Db } from '../db/schema.ts';
import { plainArray } from './arrays.ts';
import { query } from './query.ts';

/** One account's side of a posting. Minor units; negative where money left the account. */
export interface EntryView {
  /** `user-123:WALLET` */
  readonly account: string;
  readonly currency: string;
  readonly amount: bigint;
  readonly balanceAfter: bigint;
  readonly version: bigint;
}

/** A transaction as it was answered when it was booked, and ever after. */
export interface TransactionView {
  readonly id: string;
  readonly createdAt: Date;
  readonly userId: string;
  readonly status: 'SUCCESS' | 'FAILED';
  readonly currency: string;
  readonly amount: bigint;
  readonly referenceCode: string | null;
  readonly description: string | null;
  readonly effectiveAt: Date | null;
  readonly metadata: Record<string, unknown> | null;
  /** Account by account, in the order the postings first name them. */
  readonly entries: readonly EntryView[];
}

interface TransactionRow {
  readonly id: string;
  readonly created_at: Date;
  readonly user_id: string;
  readonly status: 'SUCCESS' | 'FAILED';
  readonly currency: string;
  readonly amount: bigint;
  readonly reference_code: string | null;
  readonly description: string | null;
  readonly effective_at: Date | null;
  readonly metadata: Record<string, unknown> | null;
  readonly account_ids: bigint[];
}

interface EntryRow {
  readonly entity_id: string;
  readonly group_type: string;
  readonly currency: string;
  readonly amount: bigint;
  readonly balance_after: bigint;
  readonly version: bigint;
}

const transactionById = query<TransactionRow>('transaction_by_id');
const entriesOfTransaction = query<EntryRow>('entries_of_transaction');

/** The transaction of that id in that ledger; undefined where there is none, or its quarter is not online. */
export async function readTransaction(
  db: Db,
  ledgerId: number,
  id: string,
): Promise<TransactionView | undefined> {
  const createdAt = instantOf(id);
  // A uuid holds instants that PostgreSQL cannot read; nothing was booked then.
  if (!createdAt || createdAt.getUTCFullYear() > 9999) return undefined;
  const [row] = await transactionById(db, [ledgerId, createdAt.toISOString(), id]);
  if (!row) return undefined;
  const entries =
    row.status === 'FAILED'
      ? []
      : await entriesOfTransaction(db, [ledgerId, plainArray(row.account_ids), createdAt.toISOString(), id]);
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
    entries: entries.map((entry) => ({
      account: formatAddress({ entityId: entry.entity_id, groupType: entry.group_type }),
      currency: entry.currency,
      amount: entry.amount,
      balanceAfter: entry.balance_after,
      version: entry.version,
    })),
  };
}
