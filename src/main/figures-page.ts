import type { Figures } from '../db/figures.ts';
import { SCHEDULE_KNOWN } from '../db/measurements.ts';
import { showPartitions, showQuarters } from './figures-quarters.ts';
import { only, type PageOptions, type Replace } from './figures-series.ts';

const jobStates = ['waiting', 'running', 'failed'] as const;

/** Puts the figures on the page. What is an age goes on with the clock; the rest is what it was at the reading. */
export function showFigures(replace: Replace, figures: Figures, options: PageOptions): void {
  const { server, freeze } = figures;
  replace('server_connections', only(server.connections));
  replace('server_connections_limit', only(server.limit));
  showPartitions(replace, figures, options);
  showQuarters(replace, figures, options);
  showQueues(replace, figures, options);
  showJobs(replace, figures, options);
  showUpkeep(replace, figures, options);
  replace('freeze_age_transactions', only(freeze.age));
  replace('freeze_limit_transactions', only(freeze.limit));
}

function showQueues(replace: Replace, { queues }: Figures, { age }: PageOptions): void {
  replace(
    'queue_jobs',
    queues.flatMap(({ queue, ...counts }) =>
      jobStates.map((state) => ({ labels: { queue, state }, value: counts[state] })),
    ),
  );
  replace(
    'queue_oldest_ready_seconds',
    queues.map(({ queue, readySeconds }) => ({ labels: { queue }, value: aged(readySeconds, age) })),
  );
  const lines = queues.reduce((sum, { blockedLines }) => sum + blockedLines, 0);
  replace('quarter_lines_blocked', only(queues.length === 0 ? undefined : lines));
}

/** Only of jobs that this version has: what the database remembers of others is nobody's any more. */
function showJobs(replace: Replace, { outcomes, measurements }: Figures, { jobs }: PageOptions): void {
  const outcomeOf = (name: string) => outcomes.find(({ job }) => job === name);
  // One that has never ended well is silent since it was first known of.
  const knownSince = (name: string) =>
    measurements.find(({ metric, label }) => metric === SCHEDULE_KNOWN && label === name)?.value;
  const scheduled = jobs.flatMap(({ name, interval }) =>
    interval === undefined ? [] : [{ name, interval }],
  );
  const of = (name: string, value: number | null | undefined) =>
    only(value).map((one) => ({ ...one, labels: { job_name: name } }));
  replace(
    'schedule_interval_seconds',
    scheduled.flatMap(({ name, interval }) => of(name, interval)),
  );
  replace(
    'schedule_last_success_timestamp_seconds',
    scheduled.flatMap(({ name }) => of(name, outcomeOf(name)?.succeeded ?? knownSince(name))),
  );
  replace(
    'job_last_failure_timestamp_seconds',
    jobs.flatMap(({ name }) => of(name, outcomeOf(name)?.failed)),
  );
}

/** What keeps the ledger fast and true, most of it as the job found it that looked last. */
function showUpkeep(replace: Replace, figures: Figures, { age }: PageOptions): void {
  const { summaries, measurements, updates } = figures;
  const found = (name: string) => measurements.filter(({ metric }) => metric === name);
  replace('summaries_lag_seconds', only(aged(summaries.seconds, age)));
  replace('summaries_marked', only(summaries.days));
  replace(
    'drift',
    found('drift').map(({ label, value }) => ({ labels: { code: label }, value })),
  );
  replace(
    'stale_statistics',
    found('stale_statistics').map(({ label, value }) => ({ labels: { reason: label }, value })),
  );
  replace(
    'index_bytes',
    found('index_bytes').map(({ label, value }) => ({ labels: { finding: label }, value })),
  );
  replace('ledger_imbalances', only(found('ledger_imbalances')[0]?.value));
  const ratio = updates.all ? (updates.hot ?? 0) / updates.all : undefined;
  replace(
    'hot_update_ratio',
    only(ratio).map((one) => ({ ...one, labels: { table: 'balances' } })),
  );
}

/** 0 is the age of nothing, and grows no older. */
function aged(seconds: number, age: number): number {
  return seconds === 0 ? 0 : seconds + age;
}
