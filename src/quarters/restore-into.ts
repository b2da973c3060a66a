import { sql } from 'kysely';
import { archiveTables } from '../archive/format.ts';
import type { Manifest, ManifestTable } from '../archive/manifest.ts';
import { checkFiles, withUnloader } from '../archive/unload.ts';
import { transitionOf } from '../core/lifecycle.ts';
import type { Quarter } from '../core/quarter.ts';
import { type QuarterTable, quarterTables } from '../core/tables.ts';
import { type ParentTable, readParents } from '../db/catalog.ts';
import { loadTable } from '../db/copy-in.ts';
import { identifier } from '../db/identifier.ts';
import { constraintsSql, type Relation, readIndexNeeds } from '../db/index-build.ts';
import { withShortLock } from '../db/locks.ts';
import { fenceSql, likeTableSql, roleSql } from '../db/partition.ts';
import type { Db } from '../db/schema.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { nothingToDo, type Obstacle, type Outlook, requireClear, stateObstacle } from './outlook.ts';
import { archiveObstacles, noteDamage, readKnownManifest } from './proof.ts';
import { reasonObstacle } from './reason.ts';
import { type QuarterRow, readQuarter, recordEvent } from './registry.ts';
import { hasSameColumns } from './restore-columns.ts';
import { type LoadPlace, proveTable } from './restore-load.ts';
import { stillOurs } from './restore-tables.ts';
import { untilObstacle, untilOf } from './restore-until.ts';
import {
  copyName,
  dropCopy,
  ensureSchema,
  lockOptions,
  markTableSql,
  readSideCopy,
  type SideCopy,
  schemaObstacle,
} from './side-copy.ts';

export interface CopyReport {
  readonly quarter: string;
  readonly restored: boolean;
  readonly extended: boolean;
  readonly into: string;
  readonly until: Date;
  readonly loaded: readonly string[];
  readonly digest: string | undefined;
}

/**
 * Copies a quarter from its archive into a schema beside the ledger's, reference data and trial balance included, read-only and
 * for a time. The quarter itself and its state are left alone. Killed, it leaves tables that the next run replaces; the
 * row of the copy comes last.
 *
 * @param session that holds the quarter's lock
 * @throws AppError invalid/invalid_schema, conflict/relation_exists, conflict/quarter_state
 * @throws AppError corrupt/archive_damaged, corrupt/digest_differs: nothing stays
 */
export async function restoreCopy(
  house: QuarterHouse,
  run: QuarterRun,
  session: Db,
  quarter: string,
  into: string,
): Promise<CopyReport> {
  requireClear({ done: false, steps: [], obstacles: schemaObstacle(into) });
  const row = await readQuarter(session, quarter);
  const copy = await readSideCopy(session, quarter, into);
  if (isWhole(copy, quarter)) return extendCopy(house, run, session, quarter, copy);
  requireClear(await outlookOf(house, run, session, row, copy));
  const { folder, manifest } = await noteDamage(session, run, quarter, async () => {
    const known = await readKnownManifest(house, session, row);
    await checkFiles(house.store, known.folder, known.manifest, run);
    return known;
  });
  await dropCopy(session, run, copy);
  await run.step?.('restore.checked');
  const parents = await readParents(session);
  const readers = readersOf(parents);
  await ensureSchema(session, into, readers);
  await run.step?.('restore.schema');
  const bounds = { name: quarter, start: row.starts_at, end: row.ends_at };
  const until = untilOf(house, run);
  try {
    await noteDamage(session, run, quarter, () =>
      loadCopy({ house, run, session, quarter: bounds, into, parents, readers, folder, manifest }),
    );
    const names = manifest.tables.map(({ name }) => copyName(name, quarter));
    await withShortLock(
      session,
      async (trx) => {
        for (const { table, relation } of await modelsOf(trx, manifest, quarter, into)) {
          const needs = await readIndexNeeds(trx, [table.schema, table.name], relation);
          const constraints = constraintsSql(relation, needs);
          if (constraints !== '') await sql.raw(constraints).execute(trx);
        }
        const values = {
          reason: run.reason?.trim() ?? '',
          restored_by: run.actor,
          restored_at: house.clock.now(),
          expires_at: until,
        };
        await trx
          .insertInto('quartermaster.restores')
          .values({ quarter, schema_name: into, ...values })
          .onConflict((conflict) => conflict.columns(['quarter', 'schema_name']).doUpdateSet(values))
          .execute();
        await recordEvent(trx, quarter, 'restore', run, {
          into,
          until,
          tables: names,
          digest: manifest.digest,
        });
        await run.step?.('restore.attached');
      },
      lockOptions(run, { ...copy, tables: names }),
    );
  } catch (error) {
    // Even when it was asked to stop.
    const left = await readSideCopy(session, quarter, into).catch(() => undefined);
    if (left !== undefined) await dropCopy(session, { ...run, signal: undefined }, left).catch(() => {});
    throw error;
  }
  await run.step?.('restore.committed');
  const loaded = manifest.tables.map(({ name }) => name);
  return { quarter, restored: true, extended: false, into, until, loaded, digest: manifest.digest };
}

export async function previewCopy(
  house: QuarterHouse,
  run: QuarterRun,
  db: Db,
  quarter: string,
  into: string,
): Promise<Outlook> {
  const row = await readQuarter(db, quarter);
  const copy = await readSideCopy(db, quarter, into);
  if (!isWhole(copy, quarter)) return outlookOf(house, run, db, row, copy);
  if (!isLater(run, copy)) return nothingToDo;
  const obstacles = untilObstacle(house, run, quarter);
  return { done: false, obstacles, steps: [`the copy in ${into} stays until ${run.until?.toISOString()}`] };
}

/** Finished, and nobody has dropped any of it since. */
function isWhole({ tables, expiresAt }: SideCopy, quarter: string): boolean {
  return (
    expiresAt !== undefined && archiveTables.every(({ name }) => tables.includes(copyName(name, quarter)))
  );
}

function isLater({ until }: QuarterRun, { expiresAt }: SideCopy): boolean {
  return until !== undefined && expiresAt !== undefined && until > expiresAt;
}

async function extendCopy(
  house: QuarterHouse,
  run: QuarterRun,
  session: Db,
  quarter: string,
  copy: SideCopy,
): Promise<CopyReport> {
  const into = copy.schema;
  const extended = isLater(run, copy);
  const until = (extended ? run.until : copy.expiresAt) ?? untilOf(house, run);
  if (extended) {
    requireClear({ done: false, steps: [], obstacles: untilObstacle(house, run, quarter) });
    await session.transaction().execute(async (trx) => {
      await trx
        .updateTable('quartermaster.restores')
        .set({ expires_at: until })
        .where('quarter', '=', quarter)
        .where('schema_name', '=', into)
        .execute();
      await recordEvent(trx, quarter, 'restore_extended', run, { into, until, before: copy.expiresAt });
    });
  }
  return { quarter, restored: false, extended, into, until, loaded: [], digest: undefined };
}

async function outlookOf(
  house: QuarterHouse,
  run: QuarterRun,
  db: Db,
  row: QuarterRow,
  { schema, hasSchema, tables, strangers }: SideCopy,
): Promise<Outlook> {
  const { quarter, state } = row;
  const names = archiveTables.map(({ name }) => copyName(name, quarter));
  const hasArchive = transitionOf('verify').from.includes(state);
  const clash: Obstacle[] = names
    .filter((name) => strangers.includes(name))
    .map((name) => {
      const detail = `${schema}.${name} is there and is no copy of ours. Rename it, or name another schema.`;
      return { code: 'relation_exists', kind: 'conflict', detail };
    });
  return {
    done: false,
    obstacles: [
      ...schemaObstacle(schema),
      ...reasonObstacle(run, 'restore', quarter),
      ...untilObstacle(house, run, quarter),
      ...(hasArchive ? await archiveObstacles(db, row) : stateObstacle(quarter, state, 'verify')),
      ...clash,
    ],
    steps: [
      'compare every file of the archive with its SHA-256',
      ...(tables.length > 0
        ? [`drop ${tables.join(', ')} of ${schema}, which are of an unfinished copy`]
        : []),
      ...(hasSchema ? [] : [`make the schema ${schema}`]),
      ...names.map(
        (name) => `make ${schema}.${name} from the archive and compare its rows with the manifest`,
      ),
      `the copy stays until ${untilOf(house, run).toISOString()}; ${quarter} itself stays ${state}`,
    ],
  };
}

interface CopyWork extends Omit<LoadPlace, 'rowsOf' | 'requireLock'> {
  readonly quarter: Quarter;
  readonly into: string;
  readonly parents: readonly ParentTable[];
  readonly readers: readonly string[];
  readonly folder: string;
  readonly manifest: Manifest;
}

async function loadCopy(work: CopyWork): Promise<void> {
  const { house, run, session, quarter, into, folder, manifest } = work;
  const total = manifest.tables.reduce((sum, { rows }) => sum + rows, 0);
  let done = 0;
  const onRows = (rows: number) => {
    done += rows;
    run.onProgress?.({ what: `restore ${quarter.name} into ${into}, in rows`, done, total });
  };
  const models = await modelsOf(session, manifest, quarter.name, into);
  await withUnloader(house.store, folder, manifest, { signal: run.signal, onRows }, async (rowsOf) => {
    for (const table of manifest.tables) {
      const relation: Relation = [into, copyName(table.name, quarter.name)];
      const model = models.find((one) => one.table.name === table.name)?.table;
      const name = identifier(...relation);
      await loadTable(
        house.database,
        {
          create: createSql(table, model, name, quarter),
          schema: into,
          name: relation[1],
          columns: table.columns.map((column) => column.name),
          finish: finishSql(work, model, name),
          beforeCommit: () => stillOurs(session),
          signal: run.signal,
        },
        rowsOf(table),
      );
      await run.step?.(`restore.loaded.${table.name}`);
      await proveTable(work, model, table, relation);
      await run.step?.(`restore.proved.${table.name}`);
    }
  });
}

/** The tables that can be made like the ledger's own: those whose columns are still the same. */
async function modelsOf(
  db: Db,
  manifest: Manifest,
  quarter: string,
  into: string,
): Promise<{ readonly table: QuarterTable; readonly relation: Relation }[]> {
  const models: { table: QuarterTable; relation: Relation }[] = [];
  for (const table of quarterTables) {
    if (await hasSameColumns(db, manifest, table))
      models.push({ table, relation: [into, copyName(table.name, quarter)] });
  }
  return models;
}

function createSql(
  { columns, key }: ManifestTable,
  model: QuarterTable | undefined,
  name: string,
  quarter: Quarter,
): string {
  if (model !== undefined) return likeTableSql(model, name, quarter, 'INCLUDING ALL EXCLUDING INDEXES');
  const types = columns.map((column) => `${identifier(column.name)} ${column.type}`);
  return `CREATE TABLE ${name} (${types.join(', ')}, PRIMARY KEY (${key.map((one) => identifier(one)).join(', ')}))`;
}

/** Nobody writes into a copy, and who may read the ledger's tables may read it. */
function finishSql(
  { parents, readers, quarter }: CopyWork,
  model: QuarterTable | undefined,
  name: string,
): string {
  const parent = parents.find((one) => one.table === model);
  const strangers = new Set(['', ...parents.flatMap(({ defaultGrantees }) => defaultGrantees)]);
  return [
    fenceSql(name),
    markTableSql(name, quarter.name),
    `REVOKE ALL ON ${name} FROM ${[...strangers].map(roleSql).join(', ')}, CURRENT_USER;`,
    `GRANT SELECT ON ${name} TO ${['CURRENT_USER', ...readers].join(', ')};`,
    ...(parent?.statistics ?? []).map(
      ({ column, target }) =>
        `ALTER TABLE ${name} ALTER COLUMN ${identifier(column)} SET STATISTICS ${target};`,
    ),
  ].join('\n');
}

/** The roles that may read every one of the ledger's partitioned tables, quoted. */
function readersOf(parents: readonly ParentTable[]): string[] {
  const of = ({ grants }: ParentTable) =>
    grants.filter(({ privileges }) => privileges.includes('SELECT')).map(({ grantee }) => grantee);
  const [first, ...others] = parents.map(of);
  return (first ?? []).filter((role) => others.every((roles) => roles.includes(role))).map(roleSql);
}
