import { counter, gauge, histogram, RUNS, WAITS } from './metric.ts';

/**
 * What a process counts of its own work, without the prefix. Labels are of few values: routes and not paths, tables and
 * not partitions, codes and not sentences. None is called `job` or `instance`, which Prometheus gives by itself.
 */
export const processMetrics = {
  build_info: gauge(
    'Always 1; its labels are the version and what the process is: api or worker.',
    'Which version runs here, and does it run at all?',
    ['version', 'process'],
  ),
  ready: gauge(
    '1 while the process is ready to be sent work, 0 while it is not. It looks by itself, whether anybody asks or not.',
    'Does anybody serve? Can the processes reach what they need?',
    ['process'],
  ),
  switched_off: gauge(
    'Always 1, for each schedule that a setting has switched off.',
    'Does something wait for a switch that nobody remembers?',
    ['setting'],
  ),

  http_request_duration_seconds: histogram(
    'Time from the head of a request to the end of its answer, by route template. Probes and scrapes are left out.',
    'How many requests are there, how slow are they, and how many fail?',
    ['method', 'route', 'status'],
    WAITS,
  ),
  http_requests_in_flight: gauge(
    'Requests that are being answered, without probes and scrapes.',
    'Does the process drown, or wait for something?',
    [],
  ),

  posting_transactions_total: counter(
    'Transactions that callers of the API asked for, by what they were told, and the code of the refusal or the failure.',
    'How much is booked, and why is the rest not?',
    ['outcome', 'reason'],
  ),
  posting_replays_total: counter(
    'Requests that were answered from their idempotency key.',
    'Do clients repeat themselves more than usual?',
    [],
  ),
  posting_batch_size: histogram(
    'Transactions in a batch.',
    'Are there enough callers at once for batches to pay off?',
    [],
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000],
  ),
  posting_batch_duration_seconds: histogram(
    'Time in which a batch was posted, by how it ended.',
    'Is the database slow to write?',
    ['outcome'],
    WAITS,
  ),
  posting_batches_in_flight: gauge('Batches that are being posted.', 'Is posting at its limit?', []),
  posting_wait_seconds: histogram(
    'How long requests waited before their batch began.',
    'Do callers wait because there are too many of them?',
    [],
    WAITS,
  ),
  posting_queue_transactions: gauge(
    'Transactions that wait to be posted.',
    'How far is it to the limit at which callers are sent away?',
    [],
  ),
  posting_queue_limit: gauge(
    'How many transactions may wait (QM_QUEUE_MAX).',
    'How far is it to the limit at which callers are sent away?',
    [],
  ),
  load_rows_total: counter(
    'Rows of loads, by what became of them, as their transactions commit.',
    'How fast do loads come in, and how much of them is rejected?',
    ['outcome'],
  ),

  database_connections: gauge(
    'Connections of this process by pool and state, without those of the queue.',
    'Which pool is used up?',
    ['pool', 'state'],
  ),
  database_connections_limit: gauge(
    'Connections that a pool may have (QM_POOL_MAX).',
    'Which pool is used up?',
    ['pool'],
  ),
  database_callers_waiting: gauge(
    'Callers that wait for a connection of the pool.',
    'Which pool is used up?',
    ['pool'],
  ),
  database_acquire_duration_seconds: histogram(
    'How long callers waited for a connection.',
    'Which pool is too small?',
    ['pool'],
    WAITS,
  ),
  database_errors_total: counter(
    'Statements and connections that failed, by pool and class of the error.',
    'What does the database complain of?',
    ['pool', 'class'],
  ),
  database_retries_total: counter(
    'Short statements that were tried again, by class of the error. What maintenance waits for is in lock_timeouts_total.',
    'What does the database complain of that nobody else notices?',
    ['class'],
  ),
  replica_lag_seconds: gauge(
    'How far the replica was behind at the last look. Absent where there is none, or none that answers.',
    'Do readers see old figures?',
    [],
  ),
  replica_state: gauge('1 for the state the replica is in, 0 for the others.', 'Is the replica read from?', [
    'state',
  ]),
  reads_total: counter(
    'Lists, statements, summaries and reports that were read, by the server that answered, and why it was not the replica.',
    'Does the replica take load off the primary?',
    ['kind', 'server', 'why'],
  ),

  job_duration_seconds: histogram(
    'How long runs of jobs took, by job and how they ended: done, or the kind of the failure.',
    'What do the workers do all day, and what fails?',
    ['job_name', 'outcome'],
    RUNS,
  ),
  job_wait_seconds: histogram(
    'How long jobs were ready before a worker took them. A step of a quarter is ready from when it was asked for, also behind others.',
    'Are there enough workers?',
    ['job_name'],
    RUNS,
  ),
  job_takeovers_total: counter(
    'Jobs that were taken over from a worker that gave no sign of life.',
    'Do workers die?',
    ['job_name'],
  ),
  jobs_in_progress: gauge('Jobs that run in this process.', 'What is the worker at?', ['job_name']),
  blocked_by_age_seconds: gauge(
    'Age of the oldest transaction that maintenance of the table waits for. Absent while nobody is in the way.',
    'Who keeps maintenance from a table, and for how long?',
    ['relation'],
  ),
  lock_timeouts_total: counter(
    'Short waits for a lock that were given up, to be tried again.',
    'Is a table too busy for its maintenance?',
    ['relation'],
  ),
  fixity_failures_total: counter(
    'Archives that were read again and are not what was written.',
    'Is an archive damaged?',
    [],
  ),
  summaries_differences_total: counter(
    'Rows of the summaries that were not what the rows of the ledger come to.',
    'Did somebody read wrong figures?',
    [],
  ),
} as const;
