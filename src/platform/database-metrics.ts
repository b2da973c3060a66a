import { counter, gauge } from './metric.ts';

/**
 * What workers read of the database, without the prefix: the same of every worker that reads it at the same moment, so
 * that an expression takes their `max`, never their sum. None is there before the first reading.
 */
export const databaseMetrics = {
  database_figures_age_seconds: gauge(
    'Age of the reading from which the figures of the database come.',
    'Are these figures of now?',
    [],
  ),
  database_figures_duration_seconds: gauge(
    'How long the last reading took.',
    'Is the reading of figures itself a load?',
    [],
  ),
  database_figures_failures_total: counter(
    'Readings of the figures that failed or were given up.',
    'Are these figures of now?',
    [],
  ),
  server_connections: gauge(
    'Connections that are open to the server, of all its clients.',
    'How far is it to the last connection?',
    [],
  ),
  server_connections_limit: gauge(
    'Connections the server lets in (max_connections, less those it reserves).',
    'How far is it to the last connection?',
    [],
  ),

  horizon_seconds: gauge(
    'For how long every row has an open quarter to go to: the time until writes would have no partition.',
    'When do writes begin to fail?',
    [],
  ),
  partitions: gauge(
    'Partitions by table and state: open, closed, restored, pending_detach or detached.',
    'How much is online, and is something stuck half way out?',
    ['table', 'state'],
  ),
  partition_bytes: gauge(
    'Size of the partitions with their indexes, by table and state.',
    'How fast does the ledger grow, and what would leaving quarters free?',
    ['table', 'state'],
  ),
  pending_detach_age_seconds: gauge(
    'For how long a quarter has been half detached. Absent while none is.',
    'Is a quarter hidden from readers?',
    [],
  ),
  drift: gauge(
    'What the last reconcile found that is not as it should be, by code.',
    'What did somebody change behind our back?',
    ['code'],
  ),

  quarters: gauge('Quarters by state.', 'How far is finance?', ['state']),
  quarters_held: gauge('Quarters under a legal hold.', 'What will not leave, whatever its age?', []),
  approvals_waiting: gauge(
    'Archives and drops that wait for somebody to approve them.',
    'Does somebody have to sign?',
    [],
  ),
  quarter_step_overdue_seconds: gauge(
    'For how long the oldest quarter could have taken this step. Absent while none could.',
    'Which step of which kind does not happen?',
    ['verb'],
  ),
  archives: gauge('Quarters that have an archive.', 'How many archives are there to look after?', []),
  archive_bytes: gauge('Size of all archives in the store.', 'What does the store cost?', []),
  archive_rows: gauge('Rows of all archives, by table.', 'What left the database?', ['table']),
  archive_fixity_age_seconds: gauge(
    'Time since the archive that waits longest was last read from end to end.',
    'Would we notice a damaged archive?',
    [],
  ),

  queue_jobs: gauge('Jobs by queue and state.', 'What waits, and what has failed?', ['queue', 'state']),
  queue_oldest_ready_seconds: gauge(
    'For how long the job that waits longest could have been run.',
    'Are there enough workers, and do they work?',
    ['queue'],
  ),
  quarter_lines_blocked: gauge(
    'Quarters whose next steps wait behind one that failed.',
    'Which quarters need a person?',
    [],
  ),
  schedule_last_success_timestamp_seconds: gauge(
    'When a job with a schedule last ended well, in seconds since 1970.',
    'Which schedule has fallen silent?',
    ['job_name'],
  ),
  schedule_interval_seconds: gauge(
    'The longest time between two runs of a job with a schedule.',
    'Which schedule has fallen silent?',
    ['job_name'],
  ),
  job_last_failure_timestamp_seconds: gauge(
    'When a job last failed, in seconds since 1970.',
    'What failed, also when the worker it failed in is gone?',
    ['job_name'],
  ),

  summaries_lag_seconds: gauge(
    'Age of the oldest posting that the summaries do not have yet; 0 when they have all.',
    'How old is what reports show?',
    [],
  ),
  summaries_marked: gauge('Days that wait to be summed up.', 'How much is there to catch up with?', []),
  stale_statistics: gauge(
    'Tables whose planner statistics are missing or old, by reason.',
    'May plans turn bad?',
    ['reason'],
  ),
  index_bytes: gauge(
    'Size of the indexes that want care, by what is wrong with them; of the last audit.',
    'What would a care of the indexes free?',
    ['finding'],
  ),
  hot_update_ratio: gauge(
    'Share of the updates of the table that needed no new index entry, since its counters began.',
    'Do balances stay cheap to update?',
    ['table'],
  ),
  freeze_age_transactions: gauge(
    'Transactions since the oldest one that the ledger has not frozen.',
    'How far is it to a forced vacuum, and to the wraparound?',
    [],
  ),
  freeze_limit_transactions: gauge(
    'Age at which the server begins a forced vacuum (autovacuum_freeze_max_age).',
    'How far is it to a forced vacuum?',
    [],
  ),
  ledger_imbalances: gauge(
    'Things in the balances that must never be, as the last check of them found.',
    'Is the ledger right?',
    [],
  ),
} as const;
