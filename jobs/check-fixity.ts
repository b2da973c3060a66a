import { checkFixity } from '../src/quarters/fixity.ts';
import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import type { JobHouse } from './house.ts';
import { quarterRun } from './quarter-verb.ts';

/**
 * Reads every archive again within QM_FIXITY_DAYS, some of them each night: a disk forgets without saying so, and an
 * archive is missed only when it is needed. A store that is away is tried again by the queue.
 */
export function checkFixityJob({ config, quarters }: JobHouse): Job {
  return {
    name: 'check-fixity',
    queue: { ...maintenanceQueue('check-fixity'), expireAfter: 20 * 3600 },
    schedule: '20 4 * * *',
    async handle(_data, run) {
      const report = await checkFixity(quarters, quarterRun(run, { actor: 'schedule' }), config.fixityDays);
      for (const archive of report.damaged) run.logger.error(archive, 'an archive is damaged');
      if (report.chain !== null) run.logger.error(report.chain, 'the chain of archives is broken');
      return report;
    },
  };
}
