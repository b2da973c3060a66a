import type { ColumnType, Generated, JSONColumnType } from 'kysely';

type Json = JSONColumnType<Record<string, unknown>>;
export type NullableJson = ColumnType<Record<string, unknown> | null, string | null, string | null>;

/** The tables of the state, by their qualified names: what Quartermaster knows of the ledger's own. */
export interface StateSchema {
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
  'quartermaster.sessions': {
    secret_sha256: Buffer;
    key_id: string | null;
    /** JSON: name, roles, ledgers. */
    identity: NullableJson;
    created_at: Generated<Date>;
    seen_at: Generated<Date>;
    expires_at: Date;
    ended_at: Date | null;
  };
  'quartermaster.house_events': {
    id: Generated<bigint>;
    at: Generated<Date>;
    event: string;
    actor: string;
    reason: string | null;
    detail: Json;
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
    frozen_at: Date | null;
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
  'quartermaster.refreshes': { name: string; refreshed_at: Date; seconds: number; detail: Json };
  'quartermaster.job_outcomes': {
    job_name: string;
    succeeded_at: Date | null;
    failed_at: Date | null;
    failure: string | null;
  };
  'quartermaster.measurements': {
    metric: string;
    label: Generated<string>;
    value: number;
    measured_at: Generated<Date>;
  };
}
