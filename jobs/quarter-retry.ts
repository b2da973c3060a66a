import type { QuarterVerb } from '../src/core/lifecycle.ts';
import { readQuarters } from '../src/quarters/registry.ts';
import type { JobHouse } from './house.ts';

/** What takes rows out is asked for anew by who wants it, for much may have happened since. */
const takesOut: readonly QuarterVerb[] = ['detach', 'drop', 'release'];

/**
 * Sees to the lines that stand still and of which no plan asks anything: what the schedule wanted once and wants no more is
 * forgotten, and what a person wanted is tried again. A held quarter, and a restored one, is left alone.
 *
 * @param planned the quarters of which the plan has just asked something
 * @returns the quarters of which a step is tried again
 */
export async function retryBlocked(
  { database, queue }: JobHouse,
  planned: ReadonlySet<string>,
): Promise<string[]> {
  const blocked = (await queue.quarters.blocked()).filter((quarter) => !planned.has(quarter));
  if (blocked.length === 0) return [];
  const rows = new Map((await readQuarters(database.write)).map((row) => [row.quarter, row]));
  const retried: string[] = [];
  for (const quarter of blocked) {
    const row = rows.get(quarter);
    if (row === undefined || row.hold_reason !== null || row.state === 'restored') continue;
    await database.write.transaction().execute(async (trx) => {
      const steps = await queue.quarters.steps(trx, quarter);
      const ofSchedule = steps.filter(({ actor }) => actor === 'schedule');
      await queue.quarters.forget(trx, ofSchedule);
      const failed = steps.find(({ state }) => state === 'failed');
      if (failed === undefined || ofSchedule.includes(failed) || takesOut.includes(failed.verb)) return;
      if (await queue.quarters.retry(trx, quarter)) retried.push(quarter);
    });
  }
  return retried;
}
