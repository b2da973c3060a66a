import { closeQuarter } from '../src/quarters/close.ts';
import type { Job } from '../src/queue/job.ts';
import type { QuarterStep } from '../src/queue/quarter-step.ts';
import type { JobHouse } from './house.ts';
import { quarterVerbJob } from './quarter-verb.ts';

/**
 * Quarters close in order, so the close of one is what the next has waited for: the tick is asked to look again, and
 * fifty quarters of a load are closed one after the other in a night, not one a night.
 */
export function closeJob(house: JobHouse): Job<QuarterStep> {
  return quarterVerbJob(house, 'close', async (quarters, run, quarter) => {
    const report = await closeQuarter(quarters, run, quarter);
    await house.queue.enqueue(house.database.write, 'quarter-tick');
    return report;
  });
}
