import { type QuarterVerb, transitions } from '../core/lifecycle.ts';
import { toAppError } from '../db/sqlstate.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { FixityReport } from '../quarters/fixity.ts';
import { isDamage } from '../quarters/proof.ts';
import type { ReconcileReport } from '../quarters/reconcile.ts';
import type { Job } from '../queue/job.ts';

/** The steps that read an archive which was proved before. */
const readers: readonly string[] = ['verify', 'drop', 'restore'] satisfies QuarterVerb[];

/** The same job, whose waits and outcome are counted. */
export function measured(job: Job, metrics: Metrics): Job {
  const { name } = job;
  const isStep = name in transitions;
  return {
    ...job,
    async handle(data, run) {
      const watch = metrics.watchBlocked();
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
            metrics.summariesDiffered(rows);
          },
        });
        if (isStep) metrics.quarterJob(name, 'done');
        if (isReconcile(report)) metrics.reconciled(report);
        if (isFixity(report)) {
          const faults = report.damaged.length + (report.chain === null ? 0 : 1);
          for (let fault = 0; fault < faults; fault++) metrics.fixityFailed();
        }
        return report;
      } catch (error) {
        if (isStep) metrics.quarterJob(name, toAppError(error).kind);
        if (readers.includes(name) && isDamage(error)) metrics.fixityFailed();
        throw error;
      } finally {
        watch.done();
      }
    },
  };
}

function isReconcile(report: object): report is ReconcileReport {
  return 'horizon' in report && 'drift' in report;
}

/** Of a job that reads many archives, and does not fail for one of them. */
function isFixity(report: object): report is FixityReport {
  return 'damaged' in report && 'chain' in report;
}
