import { createQuarter } from '../src/quarters/create.ts';
import type { Job } from '../src/queue/job.ts';
import type { QuarterStep } from '../src/queue/quarter-step.ts';
import type { JobHouse } from './house.ts';
import { quarterVerbJob } from './quarter-verb.ts';

/** For an API whose role defines no tables; where it may, a create is done at once and without a worker. */
export function createJob(house: JobHouse): Job<QuarterStep> {
  return quarterVerbJob(house, 'create', createQuarter);
}
