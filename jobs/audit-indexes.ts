import { stopwatch } from '../src/core/clock.ts';
import { tally } from '../src/db/measurements.ts';
import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import { auditIndexes } from '../src/summaries/index-audit.ts';
import { keepAudit } from '../src/summaries/index-kept.ts';
import type { JobHouse } from './house.ts';
import { leaveMeasurements } from './measure.ts';

/** Weekly: what is wrong with the indexes, and the statement that would mend each, kept for whoever looks later. It changes no index. */
export function auditIndexesJob({ database }: JobHouse): Job {
  return {
    name: 'audit-indexes',
    queue: maintenanceQueue('audit-indexes'),
    schedule: '10 3 * * 0',
    async handle(_data, run) {
      const seconds = stopwatch();
      const report = await auditIndexes(database, { signal: run.signal });
      for (const finding of report.findings) {
        // That one of ours is not read here is no reason to wake anybody.
        if (finding.kind === 'idle') run.logger.info(finding, 'an index is not read');
        else run.logger.warn(finding, 'an index wants care');
      }
      const sizes = tally(
        report.findings,
        ({ kind }) => kind,
        ({ bytes }) => Number(bytes),
      );
      await leaveMeasurements(database.direct, run.logger, 'index_bytes', sizes);
      await keepAudit(database.direct, report, seconds()).catch((error: unknown) =>
        run.logger.warn({ err: error }, 'what the audit found was not kept'),
      );
      return report;
    },
  };
}
