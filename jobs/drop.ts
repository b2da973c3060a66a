import { dropQuarter } from '../src/quarters/drop.ts';
import type { Job } from '../src/queue/job.ts';
import type { QuarterStep } from '../src/queue/quarter-step.ts';
import type { JobHouse } from './house.ts';
import { quarterVerbJob } from './quarter-verb.ts';

export function dropJob(house: JobHouse): Job<QuarterStep> {
  return quarterVerbJob(house, 'drop', dropQuarter);
}
