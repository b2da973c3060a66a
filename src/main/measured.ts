import { transitions } from '../core/lifecycle.ts';
import { toAppError } from '../db/sqlstate.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { ReconcileReport } from '../quarters/reconcile.ts';
import type { Job } from '../queue/job.ts';

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
        });
        if (isStep) metrics.quarterJob(name, 'done');
        if (isReconcile(report)) metrics.reconciled(report);
        return report;
      } catch (error) {
        const { kind } = toAppError(error);
        if (isStep) metrics.quarterJob(name, kind);
        if (name === 'verify' && kind === 'corrupt') metrics.fixityFailed();
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
