import { quarterStates } from '../../src/core/lifecycle.ts';
import { quarterTables } from '../../src/core/tables.ts';
import { errorClasses } from '../../src/db/error-class.ts';
import { poolNames } from '../../src/db/pool-observer.ts';
import { methods } from '../../src/main/measured-http.ts';
import { outcomes, reasons } from '../../src/main/measured-posting.ts';
import { tables } from '../../src/platform/blocked.ts';
import type { catalogue, MetricName } from '../../src/platform/metrics.ts';

/** The values a label may have: all of them, or what they are where they are many and yet bounded. */
export type Values = readonly string[] | string;

type Labels = {
  readonly [Name in MetricName as (typeof catalogue)[Name]['labels'][number] extends never
    ? never
    : Name]: Readonly<Record<(typeof catalogue)[Name]['labels'][number], Values>>;
};

const aJob = 'a job, as `quartermaster run` knows it';
const aTable = quarterTables.map(({ name }) => name);

/** Of every label of every metric; the compiler misses the one that is added. */
export const labelValues: Labels = {
  build_info: { version: 'the version', process: ['api', 'worker'] },
  switched_off: { setting: ['QM_CREATE_QUARTERS', 'QM_ARCHIVE_QUARTERS', 'QM_DROP_QUARTERS', 'QM_REINDEX'] },

  http_request_duration_seconds: {
    method: [...methods, 'other', 'none'],
    route:
      'a template as `/v1/ledgers/:ledger/transactions`; `unknown` where there is no such path, `none` where the connection was refused before there was a request',
    status: 'a status of HTTP; `499` when the client had gone; `other`',
  },

  posting_transactions_total: {
    outcome: outcomes,
    reason: [
      'none',
      // In the order of the alphabet, to be found.
      ...[...reasons].sort(),
      'other',
    ],
  },
  posting_batch_duration_seconds: { outcome: ['posted', 'apart', 'failed'] },
  load_rows_total: { outcome: ['booked', 'rejected'] },

  database_connections: { pool: poolNames, state: ['idle', 'in_use'] },
  database_connections_limit: { pool: poolNames },
  database_callers_waiting: { pool: poolNames },
  database_acquire_duration_seconds: { pool: poolNames },
  database_errors_total: { pool: poolNames, class: errorClasses },
  database_retries_total: { class: errorClasses },
  replica_state: { state: ['ok', 'lagging', 'away'] },
  reads_total: {
    kind: ['list', 'statement', 'summary', 'point', 'report'],
    server: ['primary', 'replica'],
    why: ['none', 'class', 'state', 'position', 'failure', 'no_replica'],
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

  partitions: { table: aTable, state: ['open', 'closed', 'restored', 'pending_detach', 'detached'] },
  partition_bytes: { table: aTable, state: ['open', 'closed', 'restored', 'pending_detach', 'detached'] },
  drift: { code: 'the code of the finding' },
  quarters: { state: quarterStates },
  quarter_step_overdue_seconds: { verb: 'a verb of the quarters, as `close`, `archive`, `detach`, `drop`' },
  archive_rows: { table: 'a table of the archive' },
  queue_jobs: { queue: 'a queue', state: 'whether its jobs wait, run, or have failed' },
  queue_oldest_ready_seconds: { queue: 'a queue' },
  schedule_last_success_timestamp_seconds: { job_name: aJob },
  schedule_interval_seconds: { job_name: aJob },
  job_last_failure_timestamp_seconds: { job_name: aJob },
  stale_statistics: { reason: 'why they are stale' },
  index_bytes: { finding: 'what is wrong with the indexes' },
  hot_update_ratio: { table: 'a table that is updated' },
};
