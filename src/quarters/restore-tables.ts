import { sql } from 'kysely';
import { withUnloader } from '../archive/unload.ts';
import type { Quarter } from '../core/quarter.ts';
import { partitionName, type QuarterTable } from '../core/tables.ts';
import { readParents } from '../db/catalog.ts';
import { dropTables } from '../db/drop-tables.ts';
import { constraintsSql, type Relation, readIndexNeeds } from '../db/index-build.ts';
import { withShortLock } from '../db/locks.ts';
import { type OwnTable, readOwnTables } from '../db/own-tables.ts';
import { attachSql, fencePartitions, finalizeDetach, partitionSql } from '../db/partition.ts';
import type { Db, Trx } from '../db/schema.ts';
import { toAppError } from '../db/sqlstate.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { type KnownArchive, tableIn } from './proof.ts';
import { loadOwnTable, proveTable } from './restore-load.ts';

/** A quarter's own tables, made ready to be attached. */
export interface ReadyTables {
  /** Made from the archive by this run; the others were there. */
  readonly loaded: readonly string[];
  readonly tables: readonly OwnTable[];
}

export interface RestoreWork {
  readonly house: QuarterHouse;
  readonly run: QuarterRun;
  readonly session: Db;
  readonly quarter: Quarter;
  readonly archive: KnownArchive;
  /** What stands alone is what a killed restore left, as the quarter was dropped: it is made anew. */
  readonly replaces: boolean;
}

/**
 * Brings every table of the quarter to where it only has to be attached: there, with the rows of the manifest as PostgreSQL
 * counts them, indexed like its parent, closed to every row. Killed, it leaves tables of their own that the next run
 * uses or replaces; when it fails it leaves none that it made.
 *
 * @throws AppError corrupt/digest_differs, corrupt/archive_damaged
 */
export async function readyTables(work: RestoreWork): Promise<ReadyTables> {
  const { run, session, quarter, archive } = work;
  await endDetaches(work);
  if (work.replaces) await dropLeftovers(work);
  const found = await readOwnTables(session, quarter.name);
  const unfenced = found.filter(({ oid, fenced }) => oid !== undefined && !fenced);
  await fencePartitions(
    session,
    unfenced.map(({ table }) => table),
    quarter.name,
    run,
  );
  await run.step?.('restore.begun');

  const loaded: string[] = [];
  try {
    const missing = found.filter(({ oid }) => oid === undefined);
    if (missing.length > 0) await loadAll(work, missing, loaded);
    for (const { table } of found.filter(({ oid }) => oid !== undefined)) {
      await proveTable(work, table, tableIn(archive.manifest, table.name), relationOf(table, quarter.name));
      await run.step?.(`restore.proved.${table.name}`);
    }
  } catch (error) {
    // What stayed there would take up room, and nobody may come to use it.
    // Even when it was asked to stop; by the session that holds the lock: were it lost, the tables could be somebody else's by now.
    const made = found.filter(({ table }) => loaded.includes(table.name));
    await dropOwn({ ...work, run: { ...run, signal: undefined } }, made).catch(() => {});
    throw error;
  }
  return { loaded, tables: await readOwnTables(session, quarter.name) };
}

/**
 * Attaches what is ready, in the caller's transaction: with the indexes that a parent has, and rows that their CHECK bounds,
 * PostgreSQL has nothing to build and nothing to read.
 *
 * @returns the tables that were not attached before
 */
export async function attachTables(
  trx: Trx,
  quarter: Quarter,
  tables: readonly OwnTable[],
): Promise<string[]> {
  const attached: string[] = [];
  for (const { table, attachment } of tables) {
    if (attachment === 'attached') continue;
    const relation = relationOf(table, quarter.name);
    const needs = await readIndexNeeds(trx, [table.schema, table.name], relation);
    await sql.raw([constraintsSql(relation, needs), attachSql(table, quarter)].join('\n')).execute(trx);
    attached.push(table.name);
  }
  return attached;
}

async function loadAll(work: RestoreWork, missing: readonly OwnTable[], loaded: string[]): Promise<void> {
  const { house, run, session, quarter, archive } = work;
  const { manifest, folder } = archive;
  const parents = await readParents(session);
  const promises = missing.map(({ table }) => tableIn(manifest, table.name));
  const total = promises.reduce((sum, { rows }) => sum + rows, 0);
  let done = 0;
  const onRows = (rows: number) => {
    done += rows;
    run.onProgress?.({ what: `restore ${quarter.name}, in rows`, done, total });
  };
  const requireLock = () => stillOurs(session);
  await withUnloader(house.store, folder, promises, { signal: run.signal, onRows }, async (rowsOf) => {
    for (const { table } of missing) {
      const parent = parents.find((one) => one.table === table);
      if (parent === undefined) continue;
      const relation = relationOf(table, quarter.name);
      const promised = tableIn(manifest, table.name);
      await loadOwnTable({ ...work, rowsOf, requireLock }, parent, quarter, promised, relation);
      loaded.push(table.name);
      await run.step?.(`restore.loaded.${table.name}`);
      await proveTable(work, table, promised, relation);
      await run.step?.(`restore.proved.${table.name}`);
    }
  });
}

/** The lock ends with its session, and another process may have begun: then nothing of ours may stay. */
export async function stillOurs(session: Db): Promise<void> {
  await sql`SELECT 1`.execute(session).catch((error: unknown) => {
    throw toAppError(error);
  });
}

/** A detach, or a release, that was interrupted has to be ended before its partition can be attached. */
async function endDetaches({ house, run, session, quarter }: RestoreWork): Promise<void> {
  for (const { table, attachment } of await readOwnTables(session, quarter.name)) {
    if (attachment !== 'detaching') continue;
    const partition = { schema: table.schema, name: partitionName(table, quarter.name) };
    await finalizeDetach(session, table, partition, { ...run, pool: house.database.direct });
  }
}

async function dropLeftovers(work: RestoreWork): Promise<void> {
  const own = await readOwnTables(work.session, work.quarter.name);
  await dropOwn(
    work,
    own.filter(
      ({ attachment, isPlain, isBounded, fenced }) =>
        attachment === 'standalone' && isPlain && isBounded && fenced,
    ),
  );
}

async function dropOwn({ run, session, quarter }: RestoreWork, tables: readonly OwnTable[]): Promise<void> {
  if (tables.length === 0) return;
  const names = tables.map(({ table }) => partitionSql(table, quarter.name));
  await withShortLock(session, (trx) => dropTables(trx, names), {
    ...run,
    relations: tables.map(({ table }) => relationOf(table, quarter.name)),
  });
}

/** The quarter's own table of one of the partitioned tables. */
export function relationOf(table: QuarterTable, quarter: string): Relation {
  return [table.schema, partitionName(table, quarter)];
}
