import { quarterStates } from '../../src/core/lifecycle.ts';
import { quarterTables } from '../../src/core/tables.ts';
import type { ErrorClass } from '../../src/db/error-class.ts';
import type { PoolName } from '../../src/db/pool-observer.ts';
import { methods } from '../../src/main/measured-http.ts';
import { type outcomes, reasons } from '../../src/main/measured-posting.ts';
import { tables } from '../../src/platform/blocked.ts';
import type { catalogue, MetricName } from '../../src/platform/metrics.ts';

/** The values a label may have: all of them, some with what they mean; or what they are, where they are many and yet bounded. */
export type Values = readonly string[] | Readonly<Record<string, string>> | string;

/** All values, where they are told one by one. */
export function allowedOf(values: Values | undefined): readonly string[] | undefined {
  if (typeof values === 'string') return undefined;
  return Array.isArray(values) ? values : Object.keys(values ?? {});
}

type Labels = {
  readonly [Name in MetricName as (typeof catalogue)[Name]['labels'][number] extends never
    ? never
    : Name]: Readonly<Record<(typeof catalogue)[Name]['labels'][number], Values>>;
};

const aPool: Record<PoolName, string> = {
  write: 'short transactions, over QM_DATABASE_URL',
  direct: 'what holds a session, over QM_DIRECT_DATABASE_URL',
  replica: 'reads, over QM_REPLICA_URL',
  probe: 'looks at the replica',
};

const anErrorClass: Record<ErrorClass, string> = {
  connection: 'lost, or not to be made',
  no_free_connection: 'all of the pool stayed in use',
  too_many_connections: 'the server, or the role, takes no more',
  serialization: '',
  deadlock: '',
  lock_timeout: '',
  statement_timeout: 'or cancelled by somebody',
  read_only: 'the server takes no writes',
  constraint: '',
  privilege: 'or a refused login',
  other: '',
};

const aPartitionState = ['open', 'closed', 'restored', 'pending_detach', 'detached'];

const aJob = 'a job, as `quartermaster run` knows it';
const aTable = quarterTables.map(({ name }) => name);

/** Of every label of every metric; the compiler misses the one that is added. */
export const labelValues: Labels = {
  build_info: { version: 'the version', process: ['api', 'worker'] },
  ready: { process: ['api', 'worker'] },
  switched_off: { setting: ['QM_CREATE_QUARTERS', 'QM_ARCHIVE_QUARTERS', 'QM_DROP_QUARTERS', 'QM_REINDEX'] },

  http_request_duration_seconds: {
    method: [...methods, 'other', 'none'],
    route:
      'a template as `/v1/ledgers/:ledger/transactions`; `unknown` where there is no such path, `none` where the connection was refused before there was a request',
    status: 'a status of HTTP; `499` when the client had gone; `other`',
  },

  posting_transactions_total: {
    outcome: {
      booked: 'as a success',
      recorded: 'booked as one that failed elsewhere',
      reserved: 'funds are held',
      freed: 'a reservation was voided',
      replayed: 'answered from its idempotency key',
      refused: 'by a rule, the input or the state of what it names',
      failed: 'not decided, or nobody knows',
    } satisfies Record<(typeof outcomes)[number], string>,
    reason: [
      'none',
      // In the order of the alphabet, to be found.
      ...[...reasons].sort(),
      'other',
    ],
  },
  posting_batch_duration_seconds: {
    outcome: {
      posted: 'together',
      apart: 'one by one, for together they could not be',
      failed: 'all of it',
    },
  },
  load_rows_total: { outcome: ['booked', 'rejected'] },

  database_connections: { pool: aPool, state: ['idle', 'in_use'] },
  database_connections_limit: { pool: aPool },
  database_callers_waiting: { pool: aPool },
  database_acquire_duration_seconds: { pool: aPool },
  database_errors_total: { pool: aPool, class: anErrorClass },
  database_retries_total: { class: anErrorClass },
  replica_state: { state: { ok: 'it is read from', lagging: 'by more than QM_REPLICA_MAX_LAG', away: '' } },
  reads_total: {
    kind: ['list', 'statement', 'summary', 'point', 'report'],
    server: ['primary', 'replica'],
    why: {
      none: 'it was the replica',
      class: 'what is read where a write is visible at once',
      state: 'the replica is not well, or not known yet',
      position: 'the replica has not what the reader has seen',
      failure: 'the replica failed the read',
      no_replica: 'there is none',
    },
  },

  job_duration_seconds: {
    job_name: aJob,
    outcome: '`done`, or the kind of the failure as [errors.md](errors.md) has it',
  },
  job_wait_seconds: { job_name: aJob },
  job_takeovers_total: { job_name: aJob },
  jobs_in_progress: { job_name: aJob },
  blocked_by_age_seconds: { relation: tables },
  lock_timeouts_total: { relation: tables },

  partitions: { table: aTable, state: aPartitionState },
  partition_bytes: { table: aTable, state: aPartitionState },
  drift: { code: 'the code of the finding' },
  quarters: { state: quarterStates },
  quarter_step_overdue_seconds: { verb: ['close', 'archive', 'detach', 'drop'] },
  archive_rows: { table: 'a table of the archive' },
  queue_jobs: { queue: 'a queue', state: ['waiting', 'running', 'failed'] },
  queue_oldest_ready_seconds: { queue: 'a queue' },
  schedule_last_success_timestamp_seconds: { job_name: aJob },
  schedule_interval_seconds: { job_name: aJob },
  job_last_failure_timestamp_seconds: { job_name: aJob },
  stale_statistics: { reason: 'why they are stale' },
  index_bytes: { finding: 'what is wrong with the indexes' },
  hot_update_ratio: { table: ['balances'] },
};
