import type { QuarterPartition } from '../db/catalog.ts';
import type { Db } from '../db/schema.ts';
import type { QuarterHouse } from './context.ts';
import type { Obstacle } from './outlook.ts';
import type { QuarterRow } from './registry.ts';

/** What can be asked before anybody is kept from writing. All of it is asked, so that all of it is named at once. */
export async function readinessFaults(
  house: QuarterHouse,
  db: Db,
  row: QuarterRow,
  partitions: readonly QuarterPartition[],
): Promise<Obstacle[]> {
  const faults: Obstacle[] = [];
  if (house.clock.now() < row.ends_at) {
    const detail = `${row.quarter} ends at ${row.ends_at.toISOString()}.`;
    faults.push({ code: 'quarter_not_ended', detail });
  }
  const earlier = await db
    .selectFrom('quartermaster.quarters')
    .select('quarter')
    .where('ends_at', '<=', row.starts_at)
    .where('state', 'in', ['planned', 'open'])
    .orderBy('quarter')
    .execute();
  if (earlier.length > 0) {
    const names = earlier.map(({ quarter }) => quarter);
    const detail = `Quarters close in order, and ${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} still open. Close ${names[0]} first.`;
    faults.push({ code: 'earlier_quarter_open', detail });
  }
  for (const { table, attachment } of partitions) {
    if (attachment === 'attached') continue;
    const detail = `The partition of ${table.schema}.${table.name} is ${attachment}. Run \`quartermaster run reconcile-partitions\`.`;
    faults.push({ code: 'partition_not_attached', detail });
  }
  return [...faults, ...(await summaryFaults(house, db, row))];
}

/** Days that were posted to and not yet summed up. A closed quarter's summaries are final, so they come first. */
export async function summaryFaults(house: QuarterHouse, db: Db, row: QuarterRow): Promise<Obstacle[]> {
  const { dayOf } = house.calendar;
  const marked = await db
    .selectFrom('quartermaster.summary_marks')
    .select((mark) => mark.fn.count<bigint>('day').distinct().as('days'))
    .where('day', '>=', dayOf(row.starts_at))
    .where('day', '<=', dayOf(new Date(row.ends_at.getTime() - 1)))
    .executeTakeFirstOrThrow();
  if (marked.days === 0n) return [];
  const detail = `The summaries of ${marked.days} days of ${row.quarter} are not up to date. Run \`quartermaster run refresh-summaries\` first.`;
  return [{ code: 'summaries_outstanding', detail, kind: 'busy' }];
}
