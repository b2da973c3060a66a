import { readQuarters } from '../src/quarters/registry.ts';
import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import type { StepRequest } from '../src/queue/quarter-line.ts';
import type { JobHouse } from './house.ts';
import { type DueStep, planSteps, type QuarterPlan, startable } from './quarter-plan.ts';

/**
 * Asks for what policy allows. It runs at 02:00 of each quarter's first day in the ledger's zone, and of every other day
 * too: a quarter may be closed only days after its end, loads bring old quarters on any day, and a failed step is
 * tried again tomorrow rather than in three months. A look costs one SELECT; what is due already is asked for once.
 */
export function quarterTickJob(house: JobHouse): Job {
  return {
    name: 'quarter-tick',
    queue: maintenanceQueue('quarter-tick'),
    schedule: '0 2 * * *',
    async handle(_data, run) {
      const { steps, withheld } = await readPlan(house);
      const requested: (DueStep & { outcome: StepRequest })[] = [];
      for (const [quarter, due] of Map.groupBy(startable(steps), (step) => step.quarter)) {
        // All steps of a quarter or none: a line must not hold a detach whose archive was never asked for.
        await house.database.write.transaction().execute(async (trx) => {
          for (const { verb } of due) {
            const outcome = await house.queue.quarters.request(trx, { verb, quarter, actor: 'schedule' });
            requested.push({ quarter, verb, outcome });
          }
        });
      }
      const retried = await retryBlocked(house);
      if (withheld.length > 0) run.logger.warn({ withheld }, 'quarters are kept from being archived');
      return { requested, retried, withheld };
    },
  };
}

/** What policy allows at this moment. */
export async function readPlan({ database, clock, calendar, config }: JobHouse): Promise<QuarterPlan> {
  return planSteps(await readQuarters(database.write), clock.now(), calendar, config);
}

/** Failed steps that no plan asks for any more, such as those a person wanted. A held quarter is left alone. */
async function retryBlocked({ database, queue }: JobHouse): Promise<string[]> {
  const blocked = await queue.quarters.blocked();
  if (blocked.length === 0) return [];
  const held = (await readQuarters(database.write)).filter(({ hold_reason }) => hold_reason !== null);
  const retried: string[] = [];
  for (const quarter of blocked) {
    if (held.some((row) => row.quarter === quarter)) continue;
    if (await queue.quarters.retry(database.write, quarter)) retried.push(quarter);
  }
  return retried;
}
