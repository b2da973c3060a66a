import type { ColumnType, Generated, JSONColumnType, Kysely, Transaction } from 'kysely';

/** A connection, a pool or a transaction: whatever statements can be sent to. */
export type Db = Kysely<Schema>;
export type Trx = Transaction<Schema>;

type Json = JSONColumnType<Record<string, unknown>>;
type NullableJson = ColumnType<Record<string, unknown> | null, string | null, string | null>;

/** A posting of a reservation, as its JSON holds it: the amount is a string of digits. */
export interface ReservedPosting {
  readonly from: string;
  readonly to: string;
  readonly amount: string;
  readonly currency: string;
}

/** The tables by their qualified names. bigint is `bigint`, timestamptz is `Date`, date is 'YYYY-MM-DD'. */
export interface Schema {
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
  'quartermaster.quarter_currencies': { quarter: string; code: string; exponent: number };
  'quartermaster.api_keys': {
    id: string;
    name: string;
    secret_sha256: Buffer;
    roles: string[];
    ledgers: string[] | null;
    created_at: Generated<Date>;
    expires_at: Date | null;
    revoked_at: Date | null;
  };
  'quartermaster.settings': { name: string; value: string };
  'quartermaster.summary_marks': { ledger_id: number; day: string; marked_at: Generated<Date> };
  'quartermaster.quarters': {
    quarter: string;
    starts_at: Date;
    ends_at: Date;
    state: Generated<'planned' | 'open' | 'closed' | 'archived' | 'detached' | 'dropped' | 'restored'>;
    transactions: bigint | null;
    entries: bigint | null;
    digest: string | null;
    hold_reason: string | null;
    stale_reason: string | null;
    reopened_at: Date | null;
    closed_at: Date | null;
    archived_at: Date | null;
    verified_at: Date | null;
    detached_at: Date | null;
    dropped_at: Date | null;
    restored_at: Date | null;
    restored_until: Date | null;
    updated_at: Generated<Date>;
  };
  'quartermaster.quarter_events': {
    id: Generated<bigint>;
    quarter: string;
    at: Generated<Date>;
    event: string;
    actor: string;
    reason: string | null;
    detail: Json;
  };
  'quartermaster.archives': {
    quarter: string;
    location: string;
    format_version: number;
    manifest_sha256: string;
    previous_manifest_sha256: string | null;
    digest: string;
    rows: bigint;
    bytes: bigint;
    written_at: Date;
    verified_at: Date | null;
  };
  'quartermaster.archive_parts': {
    quarter: string;
    digest: string;
    table_name: string;
    part: number;
    path: string;
    rows: bigint;
    bytes: bigint;
    sha256: string;
    first_key: JSONColumnType<readonly string[]> | null;
    last_key: JSONColumnType<readonly string[]> | null;
    is_last: boolean;
  };
  'quartermaster.approvals': {
    quarter: string;
    verb: 'archive' | 'drop';
    digest: string;
    requested_by: string;
    requested_at: Date;
    reason: string | null;
    approved_by: string | null;
    approved_at: Date | null;
  };
  'quartermaster.restores': {
    quarter: string;
    schema_name: string;
    reason: string;
    restored_by: string;
    restored_at: Date;
    expires_at: Date;
  };
  'quartermaster.quarter_jobs': {
    id: string;
    quarter: string;
    verb: string;
    actor: string;
    reason: string | null;
    until: Date | null;
    into_schema: string | null;
    state: 'waiting' | 'running' | 'done' | 'failed';
    /** What is being done, and how much of it. */
    what: string | null;
    done: bigint | null;
    total: bigint | null;
    report: NullableJson;
    error: NullableJson;
    requested_at: Generated<Date>;
    started_at: Date | null;
    updated_at: Generated<Date>;
    finished_at: Date | null;
  };
  'quartermaster.archive_files': {
    quarter: string;
    path: string;
    table_name: string;
    rows: bigint;
    bytes: bigint;
    sha256: string;
  };
  'quartermaster.loads': {
    ledger_id: number;
    id: string;
    state: 'running' | 'stopped' | 'done';
    source_sha256: string | null;
    options: Json;
    records: Generated<bigint>;
    prefix_sha256: string;
    booked: Generated<bigint>;
    rejected: Generated<bigint>;
    reject_bytes: Generated<bigint>;
    started_at: Generated<Date>;
    updated_at: Generated<Date>;
    finished_at: Date | null;
  };
}
