import { releaseQuarter } from '../src/quarters/release.ts';
import type { Job } from '../src/queue/job.ts';
import type { QuarterStep } from '../src/queue/quarter-step.ts';
import type { JobHouse } from './house.ts';
import { quarterVerbJob } from './quarter-verb.ts';

export function releaseJob(house: JobHouse): Job<QuarterStep> {
  return quarterVerbJob(house, 'release', releaseQuarter);
}
