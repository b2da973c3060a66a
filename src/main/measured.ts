import { stopwatch } from '../core/clock.ts';
import type { QuarterVerb } from '../core/lifecycle.ts';
import { toAppError } from '../db/sqlstate.ts';
import type { BlockedWatch } from '../platform/blocked.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { FixityReport } from '../quarters/fixity.ts';
import { isDamage } from '../quarters/proof.ts';
import type { Job } from '../queue/job.ts';

/** The steps that read an archive which was proved before. */
const readers: readonly string[] = ['verify', 'drop', 'restore'] satisfies QuarterVerb[];

/** The same job, whose time, waits and outcome are counted. */
export function measured(job: Job, metrics: Metrics, watchBlocked: () => BlockedWatch): Job {
  const { name } = job;
  return {
    ...job,
    async handle(data, run) {
      const watch = watchBlocked();
      const seconds = stopwatch();
      const ended = (outcome: string) =>
        metrics.observe('job_duration_seconds', { job_name: name, outcome }, seconds());
      metrics.add('jobs_in_progress', { job_name: name }, 1);
      try {
        const report = await job.handle(data, {
          ...run,
          onBlocked: (...look) => {
            run.onBlocked?.(...look);
            watch.onBlocked(...look);
          },
          // Counted as they are found: what was repaired before the run failed would not be found again.
          onDifference: (rows) => {
            run.onDifference?.(rows);
            metrics.count('summaries_differences_total', {}, rows);
          },
        });
        ended('done');
        if (isFixity(report)) {
          const faults = report.damaged.length + (report.chain === null ? 0 : 1);
          metrics.count('fixity_failures_total', {}, faults);
        }
        return report;
      } catch (error) {
        ended(toAppError(error).kind);
        if (readers.includes(name) && isDamage(error)) metrics.count('fixity_failures_total', {});
        throw error;
      } finally {
        metrics.add('jobs_in_progress', { job_name: name }, -1);
        watch.done();
      }
    },
  };
}

/** Of a job that reads many archives, and does not fail for one of them. */
function isFixity(report: object): report is FixityReport {
  return 'damaged' in report && 'chain' in report;
}
