import type { MetricName } from '../../src/platform/metrics.ts';

const q = 'quartermaster_';

/** What to ask Prometheus of those that matter most: each answers the question of its metric. */
export const examples: { readonly [Name in MetricName]?: readonly string[] } = {
  build_info: [`count by (version, process) (${q}build_info)`],
  ready: [`sum by (process) (${q}ready)`],
  switched_off: [`max by (setting) (${q}switched_off)`],
  http_request_duration_seconds: [
    `histogram_quantile(0.99, sum by (le, route) (rate(${q}http_request_duration_seconds_bucket[5m])))`,
    `sum by (route) (rate(${q}http_request_duration_seconds_count{status=~"5.."}[5m]))
  / sum by (route) (rate(${q}http_request_duration_seconds_count[5m]))`,
  ],
  posting_transactions_total: [
    `sum(rate(${q}posting_transactions_total{outcome="booked"}[5m]))`,
    `sum by (reason) (rate(${q}posting_transactions_total{outcome=~"refused|failed"}[5m]))`,
  ],
  posting_replays_total: [
    `sum(rate(${q}posting_replays_total[1h])) / sum(rate(${q}posting_transactions_total[1h]))`,
  ],
  posting_batch_size: [
    `sum(rate(${q}posting_batch_size_sum[5m])) / sum(rate(${q}posting_batch_size_count[5m]))`,
  ],
  posting_batch_duration_seconds: [
    `histogram_quantile(0.95, sum by (le) (rate(${q}posting_batch_duration_seconds_bucket[5m])))`,
  ],
  posting_wait_seconds: [`histogram_quantile(0.95, sum by (le) (rate(${q}posting_wait_seconds_bucket[5m])))`],
  posting_queue_transactions: [`max(${q}posting_queue_transactions / ${q}posting_queue_limit)`],
  load_rows_total: [`sum by (outcome) (rate(${q}load_rows_total[5m]))`],
  database_connections: [
    `max by (pool) (sum by (instance, pool) (${q}database_connections{state="in_use"})
  / on (instance, pool) ${q}database_connections_limit)`,
  ],
  database_callers_waiting: [`sum by (pool) (${q}database_callers_waiting)`],
  database_acquire_duration_seconds: [
    `histogram_quantile(0.99, sum by (le, pool) (rate(${q}database_acquire_duration_seconds_bucket[5m])))`,
  ],
  database_errors_total: [`sum by (pool, class) (increase(${q}database_errors_total[15m])) > 0`],
  database_retries_total: [`sum by (class) (increase(${q}database_retries_total[15m])) > 0`],
  replica_lag_seconds: [`max(${q}replica_lag_seconds)`],
  replica_state: [`sum by (state) (${q}replica_state)`],
  reads_total: [
    `sum(rate(${q}reads_total{server="replica"}[5m])) / sum(rate(${q}reads_total{kind=~"list|statement|summary"}[5m]))`,
    `sum by (why) (rate(${q}reads_total{server="primary"}[5m]))`,
  ],
  job_duration_seconds: [
    `sum by (job_name, outcome) (increase(${q}job_duration_seconds_count{outcome!="done"}[1d])) > 0`,
    `sum by (job_name) (increase(${q}job_duration_seconds_sum[1d]))`,
  ],
  job_wait_seconds: [`histogram_quantile(0.9, sum by (le) (rate(${q}job_wait_seconds_bucket[1h])))`],
  job_takeovers_total: [`sum(increase(${q}job_takeovers_total[1h]))`],
  jobs_in_progress: [`sum by (job_name) (${q}jobs_in_progress) > 0`],
  blocked_by_age_seconds: [`max by (relation) (${q}blocked_by_age_seconds)`],
  lock_timeouts_total: [`sum by (relation) (increase(${q}lock_timeouts_total[1h]))`],
  fixity_failures_total: [`sum(increase(${q}fixity_failures_total[1d]))`],
  summaries_differences_total: [`sum(increase(${q}summaries_differences_total[1d]))`],

  database_figures_age_seconds: [`min(${q}database_figures_age_seconds)`],
  server_connections: [`max(${q}server_connections) / max(${q}server_connections_limit)`],
  horizon_seconds: [`max(${q}horizon_seconds) / 86400`],
  partitions: [`max by (table, state) (${q}partitions)`],
  partition_bytes: [`sum(max by (table, state) (${q}partition_bytes))`],
  pending_detach_age_seconds: [`max(${q}pending_detach_age_seconds)`],
  drift: [`max by (code) (${q}drift) > 0`],
  quarters: [`max by (state) (${q}quarters)`],
  approvals_waiting: [`max(${q}approvals_waiting)`],
  quarter_step_overdue_seconds: [`max by (verb) (${q}quarter_step_overdue_seconds) / 86400`],
  archive_fixity_age_seconds: [`max(${q}archive_fixity_age_seconds) / 86400`],
  queue_jobs: [`max by (queue, state) (${q}queue_jobs)`],
  queue_oldest_ready_seconds: [`max by (queue) (${q}queue_oldest_ready_seconds)`],
  quarter_lines_blocked: [`max(${q}quarter_lines_blocked)`],
  schedule_last_success_timestamp_seconds: [
    `time() - max by (job_name) (${q}schedule_last_success_timestamp_seconds)
  > 2 * max by (job_name) (${q}schedule_interval_seconds)`,
  ],
  summaries_lag_seconds: [`max(${q}summaries_lag_seconds)`],
  stale_statistics: [`max by (reason) (${q}stale_statistics) > 0`],
  freeze_age_transactions: [`max(${q}freeze_age_transactions) / max(${q}freeze_limit_transactions)`],
  ledger_imbalances: [`max(${q}ledger_imbalances)`],
};
