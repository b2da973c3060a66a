import { isAppError } from '../core/errors.ts';
import { obstacle } from '../core/partition.ts';
import { partitionName } from '../core/tables.ts';
import { readCatalog } from '../db/catalog.ts';
import type { OwnTable } from '../db/own-tables.ts';
import type { Db } from '../db/schema.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { type Obstacle, type Outlook, stateObstacle } from './outlook.ts';
import { archiveObstacles, readKnownManifest } from './proof.ts';
import { reasonObstacle } from './reason.ts';
import type { QuarterRow } from './registry.ts';
import { columnObstacles } from './restore-columns.ts';
import { untilObstacle, untilOf } from './restore-until.ts';

/** All of it is in the ledger's tables again. */
export function isRestored({ state }: QuarterRow, tables: readonly OwnTable[]): boolean {
  return state === 'restored' && tables.every(({ attachment }) => attachment === 'attached');
}

/** The run wants it for longer than it is restored for. */
export function isLater({ until }: QuarterRun, { restored_until }: QuarterRow): boolean {
  return until !== undefined && restored_until !== null && until > restored_until;
}

/** What stands in the way of a restore, but for what the manifest says. */
export async function outlookOf(
  house: QuarterHouse,
  db: Db,
  run: QuarterRun,
  row: QuarterRow,
  tables: readonly OwnTable[],
): Promise<Outlook> {
  const { quarter, state } = row;
  const isOut = state === 'detached' || state === 'dropped';
  const outside = tables.filter(({ attachment }) => attachment !== 'attached');
  // What should be in and is not is brought back as well, and the state stays.
  const mends = (state === 'archived' || state === 'restored') && outside.length > 0;
  const until = untilOf(house, run).toISOString();
  const obstacles = [
    ...reasonObstacle(run, 'restore', quarter),
    ...untilObstacle(house, run, quarter),
    ...(isOut || mends ? [] : stateObstacle(quarter, state, 'restore')),
    ...(isOut || mends ? await archiveObstacles(db, row) : []),
    ...(isOut || mends ? await catalogObstacles(db, row, outside) : []),
  ];
  const load = outside.filter(({ oid }) => oid === undefined || state === 'dropped');
  const steps = [
    'compare every file of the archive with its SHA-256',
    ...load.map(({ table }) => `make ${partitionName(table, quarter)} from the archive, with its indexes`),
    ...tables.map(({ table }) => `count ${partitionName(table, quarter)} and compare it with the manifest`),
    ...outside.map(({ table }) => `attach ${partitionName(table, quarter)} to ${table.name}, read-only`),
    isOut ? `${quarter} is restored then until ${until}` : `${quarter} stays ${state}`,
  ];
  return { done: false, obstacles, steps };
}

/** What lies where the tables have to go. */
async function catalogObstacles(db: Db, row: QuarterRow, outside: readonly OwnTable[]): Promise<Obstacle[]> {
  const { quarter } = row;
  const found = await readCatalog(db);
  const bounds = { name: quarter, start: row.starts_at, end: row.ends_at };
  return outside.flatMap(({ table, oid, isPlain, isBounded, otherColumns, attachment, fenced }) => {
    const name = `${table.schema}.${partitionName(table, quarter)}`;
    const blocked = obstacle(
      table.name,
      bounds,
      found.filter((one) => one.quarter !== quarter),
    );
    if (blocked !== undefined) {
      const detail = `${blocked.schema}.${blocked.name} lies where ${name} has to go, or is a DEFAULT partition with rows. Detach it first.`;
      return [{ code: 'range_occupied', kind: 'conflict' as const, detail }];
    }
    if (oid === undefined) return [];
    if (!isPlain || !isBounded || (row.state === 'dropped' && (attachment !== 'standalone' || !fenced))) {
      const detail = `${name} is there and was not made by Quartermaster. Rename it, or move it to another schema.`;
      return [{ code: 'relation_in_the_way', kind: 'conflict' as const, detail }];
    }
    if (otherColumns.length === 0 || row.state === 'dropped') return [];
    const detail = `${name} and its table differ in ${otherColumns.join(', ')}: the table was altered since it was detached. Drop the quarter and restore it from its archive.`;
    return [{ code: 'columns_differ', kind: 'conflict' as const, detail }];
  });
}

/** What stands in the way by the manifest: damage, and columns that the tables have no more. */
export async function manifestObstacles(house: QuarterHouse, db: Db, row: QuarterRow): Promise<Obstacle[]> {
  try {
    return await columnObstacles(db, (await readKnownManifest(house, db, row)).manifest);
  } catch (error) {
    if (isAppError(error, 'corrupt') || isAppError(error, 'not_in_store'))
      return [{ code: error.code, kind: error.kind, detail: error.detail }];
    throw error;
  }
}
