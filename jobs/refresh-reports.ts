import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import { refreshTopCounterparties } from '../src/summaries/top-counterparties.ts';
import type { JobHouse } from './house.ts';
import { quarterRun } from './quarter-verb.ts';

/** Between two runs of the schedule. */
const HOURS = 6;

/**
 * What is expensive and may lag: every six hours, and when a worker starts where that is longer ago, so that the first does not wait
 * for the schedule.
 */
export function refreshReportsJob({ database }: JobHouse): Job<{ atStart?: boolean }> {
  return {
    name: 'refresh-reports',
    queue: maintenanceQueue('refresh-reports'),
    schedule: `15 */${HOURS} * * *`,
    atStart: true,
    async handle({ atStart }, run) {
      const { signal, onBlocked } = quarterRun(run, { actor: 'schedule' });
      return refreshTopCounterparties({
        database,
        signal,
        onBlocked,
        unlessWithinHours: atStart === true ? HOURS : undefined,
      });
    },
  };
}
