import { verifyQuarter } from '../src/quarters/verify.ts';
import type { Job } from '../src/queue/job.ts';
import type { QuarterStep } from '../src/queue/quarter-step.ts';
import type { JobHouse } from './house.ts';
import { quarterVerbJob } from './quarter-verb.ts';

export function verifyJob(house: JobHouse): Job<QuarterStep> {
  return quarterVerbJob(house, 'verify', verifyQuarter);
}
