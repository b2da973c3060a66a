import type { Config } from '../platform/config.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { Job } from '../queue/job.ts';

/** The schedules that a setting may switch off. */
const switches = {
  QM_CREATE_QUARTERS: 'createQuarters',
  QM_ARCHIVE_QUARTERS: 'archiveQuarters',
  QM_DROP_QUARTERS: 'dropQuarters',
  QM_REINDEX: 'reindex',
} as const satisfies Record<string, keyof Config>;

/** The same as a list. */
export const scheduleSwitches = Object.entries(switches) as [
  keyof typeof switches,
  (typeof switches)[keyof typeof switches],
][];

/** What is known of a worker before it has done anything. */
export function introduceWorker(metrics: Metrics, config: Config, jobs: readonly Job[]): void {
  for (const [setting, name] of scheduleSwitches)
    if (!config[name]) metrics.set('switched_off', { setting }, 1);
  for (const { name } of jobs) {
    metrics.set('jobs_in_progress', { job_name: name }, 0);
    // From 0 on, for of a series that begins at 1 nobody sees the step.
    metrics.count('job_takeovers_total', { job_name: name }, 0);
  }
}
