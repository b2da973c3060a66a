import { AppError } from '../core/errors.ts';
import { partitionName, type QuarterTable, quarterTables } from '../core/tables.ts';
import { readCatalog, readQuarterPartitions } from '../db/catalog.ts';
import { withQuarterLock } from '../db/locks.ts';
import { detachPartition, finalizeDetach } from '../db/partition.ts';
import type { Db } from '../db/schema.ts';
import { summaryFaults } from './close-ready.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import type { Obstacle } from './outlook.ts';
import type { QuarterRow } from './registry.ts';

/**
 * Takes the partitions of a quarter out of their tables, one after the other, from wherever each of them stands. Readers
 * and writers are never kept waiting: the wait for those who began earlier is ours. Killed in between, the next run goes on.
 *
 * @param session that holds the quarter's lock
 * @param step how the steps are called, as `detach`
 * @returns the tables that this run took out
 * @throws AppError conflict/partition_missing, busy/detach_pending, busy/lock_timeout
 */
export async function takeOut(
  house: QuarterHouse,
  session: Db,
  run: QuarterRun,
  quarter: string,
  step: 'detach' | 'release',
): Promise<string[]> {
  const taken: string[] = [];
  for (const table of quarterTables) {
    await run.step?.(`${step}.before.${table.name}`);
    if (await takeTableOut(house, session, run, table, quarter)) taken.push(table.name);
    await run.step?.(`${step}.after.${table.name}`);
  }
  return taken;
}

/** What a look at the catalog says before: a table that is gone, or that takes rows though its quarter is closed. */
export async function takeOutObstacles(db: Db, quarter: string): Promise<Obstacle[]> {
  return (await readQuarterPartitions(db, quarter)).flatMap(({ table, attachment, fenced }) => {
    if (attachment === 'missing') return [missing(table, quarter)];
    if (attachment !== 'attached' || fenced) return [];
    const name = `${table.schema}.${partitionName(table, quarter)}`;
    const detail = `${name} takes rows, though ${quarter} is closed: somebody took its constraint away. Run \`quartermaster reconcile --fix\`: it puts it back when the quarter still holds what was closed.`;
    return [{ code: 'fence_missing', kind: 'conflict', detail }];
  });
}

/**
 * Days that were marked and not summed up yet, as those of before an upgrade are for a while: once the rows are out nothing can count them. Of
 * a quarter that has begun to leave nothing can already, and waiting would be for ever.
 */
export async function outstandingObstacles(
  house: QuarterHouse,
  db: Db,
  row: QuarterRow,
): Promise<Obstacle[]> {
  const partitions = await readQuarterPartitions(db, row.quarter);
  if (partitions.some(({ attachment }) => attachment !== 'attached')) return [];
  return summaryFaults(house, db, row);
}

/** A sentence for each table that is still in. */
export async function takeOutSteps(db: Db, quarter: string): Promise<string[]> {
  return (await readQuarterPartitions(db, quarter)).flatMap(({ table, attachment }) => {
    const name = partitionName(table, quarter);
    if (attachment === 'attached') return [`detach ${name} from ${table.name} concurrently`];
    return attachment === 'detaching' ? [`end the interrupted detach of ${name}`] : [];
  });
}

/** Brings one table to the end of its detach from wherever it stands. False when it had left before. */
async function takeTableOut(
  house: QuarterHouse,
  session: Db,
  run: QuarterRun,
  table: QuarterTable,
  quarter: string,
): Promise<boolean> {
  const found = await readCatalog(session, [table]);
  const options = { ...run, pool: house.database.direct };
  // PostgreSQL lets one detach of a table be pending at a time, so another quarter's is ended before ours begins.
  const pending = found.find((one) => one.attachment === 'detaching' && one.quarter !== quarter);
  if (pending !== undefined) {
    const end = (locked: Db) => finalizeDetach(locked, table, pending, options);
    await (pending.quarter === undefined ? end(session) : withQuarterLock(session, pending.quarter, end));
  }
  const mine = found.find((one) => one.quarter === quarter);
  switch (mine?.attachment) {
    case 'attached': {
      const hasDefault = found.some(({ bounds }) => bounds === 'default');
      await detachPartition(session, table, quarter, { ...options, hasDefault });
      return true;
    }
    case 'detaching':
      await finalizeDetach(session, table, mine, options);
      return true;
    case 'standalone':
      return false;
    case undefined: {
      const { code, detail } = missing(table, quarter);
      throw new AppError('conflict', code, detail);
    }
  }
}

function missing(table: QuarterTable, quarter: string): Obstacle {
  const detail = `${table.schema}.${table.name} has no partition of ${quarter}, and there is no table of that name. Somebody dropped it; restore the quarter.`;
  return { code: 'partition_missing', kind: 'conflict', detail };
}
