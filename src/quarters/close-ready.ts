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
    const detail = `${row.quarter} ends at ${row.ends_at.toISOString()}. Close it from then on.`;
    faults.push({ code: 'quarter_not_ended', detail });
  }
  faults.push(...orderFaults(await readEarlier(db, row)));
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

type Earlier = readonly Pick<QuarterRow, 'quarter' | 'state' | 'stale_reason'>[];

/**
 * What the openings of a quarter rest on: that every earlier one is closed. Looked at twice, before the work and at
 * its end.
 */
export interface Chain {
  readonly faults: readonly Obstacle[];
  /** The last time that an earlier quarter was closed, reopened or found stale: it tells whether they are as they were. */
  readonly lastChange: string | undefined;
}

/**
 * Reads the chain; with `lock` nothing earlier is reopened until the transaction ends. Rows are locked from the oldest on, as
 * a reopen does, so that the two wait for each other in one direction.
 */
export async function readChain(db: Db, row: QuarterRow, lock: boolean): Promise<Chain> {
  const faults = orderFaults(await readEarlier(db, row, lock));
  const last = await db
    .selectFrom('quartermaster.quarter_events')
    .select('id')
    .where('quarter', '<', row.quarter)
    .where('event', 'in', ['close', 'reopen', 'stale'])
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return { faults, lastChange: last?.id.toString() };
}

/** What became of the chain while the quarter was being counted, if anything did. */
export function chainFaults(before: Chain, after: Chain): Obstacle[] {
  if (after.faults.length > 0 || after.lastChange === before.lastChange) return [...after.faults];
  const detail =
    'An earlier quarter was reopened and closed again meanwhile, so the openings may be others. Try again.';
  return [{ code: 'quarter_busy', kind: 'busy', detail }];
}

async function readEarlier(db: Db, row: QuarterRow, lock = false): Promise<Earlier> {
  return db
    .selectFrom('quartermaster.quarters')
    .select(['quarter', 'state', 'stale_reason'])
    .where('ends_at', '<=', row.starts_at)
    .orderBy('quarter')
    .$if(lock, (query) => query.forShare())
    .execute();
}

function orderFaults(earlier: Earlier): Obstacle[] {
  const faults: Obstacle[] = [];
  const name = (rows: Earlier, what: string) => {
    const names = rows.map(({ quarter }) => quarter);
    return `Quarters close in order, and ${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} ${what}. Close ${names[0]} first.`;
  };
  const open = earlier.filter(({ state }) => state === 'planned' || state === 'open');
  if (open.length > 0) faults.push({ code: 'earlier_quarter_open', detail: name(open, 'still open') });
  const stale = earlier.filter(({ stale_reason }) => stale_reason !== null);
  if (stale.length > 0) {
    const detail = name(stale, 'stale since an earlier one was reopened');
    faults.push({ code: 'earlier_quarter_stale', detail });
  }
  return faults;
}
