import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import { reindex } from '../src/summaries/index-reindex.ts';
import type { JobHouse } from './house.ts';
import { quarterRun } from './quarter-verb.ts';

/** Weekly, when few are awake: bloated and invalid indexes are built anew, one at a time, for two hours at most. */
export function reindexJob({ database, config }: JobHouse): Job {
  return {
    name: 'reindex',
    queue: maintenanceQueue('reindex'),
    schedule: '30 3 * * 0',
    async handle(_data, run) {
      if (!config.reindex) {
        const off =
          'QM_REINDEX is off: no index was built anew, however bloated. See `quartermaster indexes audit`.';
        run.logger.warn({ off }, 'indexes are not cared for');
        return { off };
      }
      const { signal, onProgress, onBlocked } = quarterRun(run, { actor: 'schedule' });
      const report = await reindex(database, { signal, onProgress, onBlocked });
      for (const index of report.indexes) {
        if (index.outcome !== 'rebuilt') run.logger.warn(index, 'an index was not built anew');
      }
      for (const one of report.kept) run.logger.warn(one, 'a leftover index was not dropped');
      if (report.left.length > 0)
        run.logger.warn({ left: report.left }, 'there was no time for these indexes');
      return report;
    },
  };
}
