/**
 * The roles that sql/roles.sql makes. Where a ledger is kept by one role alone there is none of them, and nothing here applies.
 */
export const roleNames = {
  owner: 'quartermaster_owner',
  worker: 'quartermaster_worker',
  api: 'quartermaster_api',
  reader: 'quartermaster_reader',
} as const;

export type RoleKey = keyof typeof roleNames;

/**
 * Owns the functions that run with the rights of their owner, and nobody logs in as it. They read tables of the worker's, who might put
 * something in the place of one that runs code: then it runs with the right to read what the worker reads anyway.
 */
export const definerName = 'quartermaster_definer';

/** What a role may do to a table, as GRANT has it: `SELECT`, or of one column `UPDATE (name)`. */
export type Rights = readonly string[];

export interface TableRights {
  /** The worker keeps it: it owns it, because that takes ownership. Else the owner has it. */
  readonly kept?: true;
  readonly worker?: Rights;
  readonly api?: Rights;
  readonly reader?: Rights;
  readonly definer?: Rights;
}

const read = ['SELECT'];
const called = { definer: read };
const add = ['SELECT', 'INSERT'];
const change = ['SELECT', 'INSERT', 'UPDATE'];
const all = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'];

/** Of a request for an approval, what there is anew when the quarter was closed anew. */
const asked = ['digest', 'reason', 'requested_at', 'requested_by'];

/** Read by everybody, written by the worker alone. */
const summary: TableRights = { kept: true, api: read, reader: read };

/** What pg-boss changes of a failed job that is to be tried again: of all queues' table, and not of the queue's own. */
const retried = ['completed_on', 'retry_limit', 'start_after', 'state'];

/** Of pg-boss: the worker keeps it, to run, prune and index it, and the API asks for work. */
const queueOwn: TableRights = { kept: true };

/**
 * Who may do what, table by table: the one place that says so. `migrate up` sees that it is so in the database, and a test that no table is
 * missing here. Partitions have the rights of their table.
 *
 * The worker owns the tables of the ledger, for what it does to them takes ownership: partitions are made, attached and dropped, and before
 * PostgreSQL 17 nobody else may ANALYZE, VACUUM or REINDEX a table. The state, the schemas, the views and the functions are the owner's.
 */
export const tableRights: Readonly<Record<string, TableRights>> = {
  // Kept in quarters. Nobody may change or delete a row, the worker that owns them included: migration 0005 took that away.
  'ledger.transactions': { kept: true, api: add, reader: read },
  'ledger.entries': { kept: true, api: add, reader: read, ...called },

  // A lock on the row of a ledger, as a load takes it, needs the right to change some column.
  'ledger.ledgers': { kept: true, api: [...add, 'UPDATE (created_at)'], reader: read },
  'ledger.currencies': { kept: true, api: read, reader: read, ...called },
  'ledger.accounts': {
    kept: true,
    api: [...add, 'UPDATE (name)', 'UPDATE (status)'],
    reader: read,
    ...called,
  },
  // The one table of the ledger in which the API deletes: a number that an account has no more is no record, and must not stay.
  'ledger.account_phones': { kept: true, api: [...add, 'DELETE'], reader: read },
  'ledger.balances': { kept: true, api: change, reader: read },
  'ledger.reservations': { kept: true, api: change, reader: read },
  'ledger.reversals': { kept: true, api: add, reader: read },
  'ledger.idempotency_keys': { kept: true, api: add, reader: read },
  'ledger.daily_transaction_summary': summary,
  'ledger.daily_totals': summary,
  'ledger.daily_balances': { ...summary, ...called },
  'ledger.daily_group_totals': summary,
  'ledger.quarter_balances': summary,
  'ledger.quarter_accounts': summary,
  'ledger.quarter_counterparties': summary,

  // What the API changes of a quarter is its hold, and never its state.
  'quartermaster.quarters': {
    worker: change,
    api: [...read, 'UPDATE (hold_reason)', 'UPDATE (updated_at)'],
    reader: read,
  },
  'quartermaster.quarter_events': { worker: add, api: add, reader: read },
  'quartermaster.quarter_jobs': { worker: change, api: change, reader: read },
  // Nobody asks with the approval in the same breath.
  'quartermaster.approvals': {
    worker: all,
    api: [
      ...read,
      ...[...asked, 'quarter', 'verb'].map((column) => `INSERT (${column})`),
      ...[...asked, 'approved_at', 'approved_by'].map((column) => `UPDATE (${column})`),
    ],
    reader: read,
  },
  'quartermaster.archives': { worker: change, api: read, reader: read },
  'quartermaster.archive_files': { worker: all, api: read, reader: read },
  'quartermaster.archive_parts': { worker: all, api: read, reader: read },
  'quartermaster.restores': { worker: all, api: read, reader: read },
  'quartermaster.quarter_currencies': { worker: all, api: read, reader: read },
  'quartermaster.loads': { worker: change, api: change, reader: read },
  'quartermaster.summary_marks': { worker: all, api: add, reader: read, ...called },
  'quartermaster.refreshes': { worker: change, api: read, reader: read },
  'quartermaster.job_outcomes': { worker: change, api: read, reader: read },
  'quartermaster.measurements': { worker: all, api: read, reader: read },
  'quartermaster.live_days': { worker: read, api: read, reader: read, ...called },
  // Fixed at the first migration; changed by nobody but the owner.
  'quartermaster.settings': { worker: read, api: read, reader: read, ...called },
  'quartermaster.migrations': { worker: read, api: read, reader: read },
  'quartermaster.migrations_lock': {},
  // The API compares digests of keys. Who makes and revokes keys does it as the owner.
  'quartermaster.api_keys': { api: read },
  // A session is ended by the API and taken away by the worker.
  'quartermaster.sessions': {
    worker: ['SELECT', 'DELETE'],
    api: [...add, 'UPDATE (ended_at)', 'UPDATE (seen_at)'],
  },
  'quartermaster.house_events': { worker: add, api: add, reader: read },

  'reports.top_counterparties_quarterly': { kept: true, reader: read },
  ...Object.fromEntries(
    [
      ...['daily', 'weekly', 'monthly', 'quarterly'],
      ...['daily_by_user', 'weekly_by_user', 'monthly_by_user', 'quarterly_by_user'],
      ...['daily_by_group', 'weekly_by_group', 'monthly_by_group', 'quarterly_by_group'],
      ...['quarters', 'accounts', 'balance_history', 'trial_balance', 'trial_balance_totals', 'freshness'],
    ].map((view) => [`reports.${view}`, { worker: read, reader: read }]),
  ),

  // A step that failed, and stands in the way of what somebody asks for, is taken out of the line: that is a delete of the queue's.
  'pgboss.job': { kept: true, api: [...read, ...retried.map((column) => `UPDATE (${column})`)] },
  'pgboss.job_common': { kept: true, api: all },
  'pgboss.queue': { kept: true, api: read },
  'pgboss.version': { kept: true, api: read },
  'pgboss.schedule': { kept: true, api: read },
  'pgboss.subscription': queueOwn,
  'pgboss.bam': queueOwn,
  'pgboss.warning': queueOwn,
  'pgboss.job_dependency': queueOwn,
  'pgboss.instance': queueOwn,
  'pgboss.queue_stats': queueOwn,
};

/** Of schemas. Those who may CREATE make tables and indexes there: partitions, and the queue's own. */
export const schemaRights: Readonly<Record<string, Omit<TableRights, 'kept'>>> = {
  ledger: { worker: ['USAGE', 'CREATE'], api: ['USAGE'], reader: ['USAGE'], definer: ['USAGE'] },
  quartermaster: { worker: ['USAGE'], api: ['USAGE'], reader: ['USAGE'], definer: ['USAGE'] },
  reports: { worker: ['USAGE'], reader: ['USAGE'], definer: ['USAGE'] },
  pgboss: { worker: ['USAGE', 'CREATE'], api: ['USAGE'] },
};

/** Of all functions of a schema, which the definer owns; those that PUBLIC may call are not named. */
export const functionRights: Readonly<Record<string, Omit<TableRights, 'kept'>>> = {
  reports: { reader: ['EXECUTE'] },
};

/** Where MAINTAIN is known, from PostgreSQL 17 on, the worker cares for the indexes of the state as well, whose tables are not its own. */
export const maintained = 'quartermaster';
