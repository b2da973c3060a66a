import type { Generated, JSONColumnType, Kysely, Transaction } from 'kysely';
import type { NullableJson, StateSchema } from './schema-state.ts';

/** A connection, a pool or a transaction: whatever statements can be sent to. */
export type Db = Kysely<Schema>;
export type Trx = Transaction<Schema>;

/** A posting of a reservation, as its JSON holds it: the amount is a string of digits. */
export interface ReservedPosting {
  readonly from: string;
  readonly to: string;
  readonly amount: string;
  readonly currency: string;
}

/** The tables by their qualified names. bigint is `bigint`, timestamptz is `Date`, date is 'YYYY-MM-DD'. */
export interface Schema extends StateSchema {
  'ledger.ledgers': { id: Generated<number>; name: string; created_at: Generated<Date> };
  'ledger.currencies': { code: string; exponent: number };
  'ledger.accounts': {
    ledger_id: number;
    id: Generated<bigint>;
    entity_id: string;
    group_type: string;
    currency: string;
    name: Generated<string>;
    status: Generated<'ACTIVE' | 'BLOCKED' | 'CLOSED'>;
    created_at: Generated<Date>;
  };
  'ledger.account_phones': {
    ledger_id: number;
    account_id: bigint;
    country_code: string;
    phone_number: string;
  };
  'ledger.balances': {
    ledger_id: number;
    account_id: bigint;
    posted: Generated<bigint>;
    pending_out: Generated<bigint>;
    pending_in: Generated<bigint>;
    min_balance: bigint | null;
    version: Generated<bigint>;
    last_entry_at: Date | null;
    status: Generated<'ACTIVE' | 'BLOCKED' | 'CLOSED'>;
  };
  'ledger.transactions': {
    ledger_id: number;
    created_at: Date;
    id: string;
    user_id: Generated<string>;
    status: 'SUCCESS' | 'FAILED';
    currency: string;
    amount: bigint;
    reference_code: string | null;
    description: string | null;
    effective_at: Date | null;
    reverses: string | null;
    settles: string | null;
    account_ids: bigint[];
    metadata: NullableJson;
  };
  'ledger.entries': {
    ledger_id: number;
    account_id: bigint;
    created_at: Date;
    version: bigint;
    transaction_id: string;
    amount: bigint;
    balance_after: bigint;
  };
  'ledger.reservations': {
    ledger_id: number;
    id: string;
    state: 'PENDING' | 'SETTLED' | 'VOIDED' | 'EXPIRED';
    postings: JSONColumnType<ReservedPosting[]>;
    user_id: Generated<string>;
    reference_code: string | null;
    description: string | null;
    metadata: NullableJson;
    created_at: Date;
    expires_at: Date | null;
    transaction_id: string | null;
    currency: string;
    amount: bigint;
    account_ids: bigint[];
    effective_at: Date | null;
    resolved_at: Date | null;
  };
  'ledger.reversals': { ledger_id: number; reversed_id: string; transaction_id: string };
  'ledger.idempotency_keys': {
    ledger_id: number;
    key: string;
    fingerprint: Buffer;
    transaction_id: string;
    created_at: Date;
  };
  'ledger.daily_transaction_summary': {
    ledger_id: number;
    day: string;
    user_id: string;
    currency: string;
    status: 'SUCCESS' | 'FAILED';
    transaction_count: bigint;
    total_amount: bigint;
  };
  /** numeric comes as text: it has more digits than a number keeps. */
  'ledger.daily_totals': {
    ledger_id: number;
    day: string;
    currency: string;
    status: 'SUCCESS' | 'FAILED';
    transaction_count: bigint;
    total_amount: string;
  };
  'ledger.daily_balances': {
    ledger_id: number;
    account_id: bigint;
    snapshot_date: string;
    closing_balance: bigint;
  };
  'ledger.quarter_balances': {
    ledger_id: number;
    quarter: string;
    account_id: bigint;
    opening: bigint;
    debits: bigint;
    credits: bigint;
    closing: bigint;
    /** Of the account's last entry in the quarter; null where it was closed before that was kept. */
    version: bigint | null;
  };
  'ledger.quarter_accounts': {
    ledger_id: number;
    quarter: string;
    account_id: bigint;
    entity_id: string;
    group_type: string;
    currency: string;
    name: string;
    status: string;
    created_at: Date;
  };
  /** debits and credits are numeric, as text. */
  'ledger.daily_group_totals': {
    ledger_id: number;
    day: string;
    group_type: string;
    currency: string;
    entry_count: bigint;
    debits: string;
    credits: string;
  };
  /** Amounts are numeric, as text. */
  'ledger.quarter_counterparties': {
    ledger_id: number;
    quarter: string;
    currency: string;
    rank: number;
    entity_id: string;
    debits: string;
    credits: string;
    turnover: string;
  };
}
