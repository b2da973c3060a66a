import { detachQuarter } from '../src/quarters/detach.ts';
import type { Job } from '../src/queue/job.ts';
import type { QuarterStep } from '../src/queue/quarter-step.ts';
import type { JobHouse } from './house.ts';
import { quarterVerbJob } from './quarter-verb.ts';

export function detachJob(house: JobHouse): Job<QuarterStep> {
  return quarterVerbJob(house, 'detach', detachQuarter);
}
