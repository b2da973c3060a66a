import { reopenQuarter } from '../src/quarters/reopen.ts';
import type { Job } from '../src/queue/job.ts';
import type { QuarterStep } from '../src/queue/quarter-step.ts';
import type { JobHouse } from './house.ts';
import { quarterVerbJob } from './quarter-verb.ts';

/** For an API whose role may not take the fence away; where it may, a reopen is done at once and without a worker. */
export function reopenJob(house: JobHouse): Job<QuarterStep> {
  return quarterVerbJob(house, 'reopen', reopenQuarter);
}
