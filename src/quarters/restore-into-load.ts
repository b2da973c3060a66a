import type { Manifest, ManifestTable } from '../archive/manifest.ts';
import { withUnloader } from '../archive/unload.ts';
import type { Quarter } from '../core/quarter.ts';
import { type QuarterTable, quarterTables } from '../core/tables.ts';
import type { ParentTable } from '../db/catalog.ts';
import { loadTable } from '../db/copy-in.ts';
import { identifier } from '../db/identifier.ts';
import type { Relation } from '../db/index-build.ts';
import { fenceSql, likeTableSql, roleSql } from '../db/partition.ts';
import type { Db } from '../db/schema.ts';
import { hasSameColumns } from './restore-columns.ts';
import { type LoadPlace, proveTable } from './restore-load.ts';
import { stillOurs } from './restore-tables.ts';
import { copyName, markTableSql } from './side-copy.ts';

/** What a copy is made with. */
export interface CopyWork extends Omit<LoadPlace, 'rowsOf' | 'requireLock'> {
  readonly quarter: Quarter;
  readonly into: string;
  readonly parents: readonly ParentTable[];
  readonly readers: readonly string[];
  readonly folder: string;
  readonly manifest: Manifest;
}

/**
 * Loads every table of the archive into the schema and proves it: reference data and trial balance as well as the rows.
 *
 * @throws AppError corrupt/digest_differs, corrupt/archive_damaged
 */
export async function loadCopy(work: CopyWork): Promise<void> {
  const { house, run, session, quarter, into, folder, manifest } = work;
  const total = manifest.tables.reduce((sum, { rows }) => sum + rows, 0);
  let done = 0;
  const onRows = (rows: number) => {
    done += rows;
    run.onProgress?.({ what: `restore ${quarter.name} into ${into}, in rows`, done, total });
  };
  const models = await modelsOf(session, manifest, quarter.name, into);
  await withUnloader(house.store, folder, manifest.tables, { signal: run.signal, onRows }, async (rowsOf) => {
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
export async function modelsOf(
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
    `${fenceSql(name)};`,
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
export function readersOf(parents: readonly ParentTable[]): string[] {
  const of = ({ grants }: ParentTable) =>
    grants.filter(({ privileges }) => privileges.includes('SELECT')).map(({ grantee }) => grantee);
  const [first, ...others] = parents.map(of);
  return (first ?? []).filter((role) => others.every((roles) => roles.includes(role))).map(roleSql);
}
