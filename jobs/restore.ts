import { restoreQuarter } from '../src/quarters/restore.ts';
import type { Job } from '../src/queue/job.ts';
import type { QuarterStep } from '../src/queue/quarter-step.ts';
import type { JobHouse } from './house.ts';
import { quarterVerbJob } from './quarter-verb.ts';

export function restoreJob(house: JobHouse): Job<QuarterStep> {
  return quarterVerbJob(house, 'restore', restoreQuarter);
}
