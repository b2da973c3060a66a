import { sql } from 'kysely';
import type { Manifest } from '../archive/manifest.ts';
import { type QuarterTable, quarterTables } from '../core/tables.ts';
import type { Db } from '../db/schema.ts';
import type { Obstacle } from './outlook.ts';
import { tableIn } from './proof.ts';

/** A column of one of the ledger's tables as it is today. */
interface PresentColumn {
  readonly name: string;
  /** A row that says nothing of it is refused. */
  readonly isNeeded: boolean;
}

/**
 * What keeps an archive from going back into the tables, which may have changed since it was written. A column that came later is
 * no obstacle: old rows get its default, or NULL. One that the tables have no more would be lost on the way.
 */
export async function columnObstacles(db: Db, manifest: Manifest): Promise<Obstacle[]> {
  const faults: string[] = [];
  for (const table of quarterTables) {
    const present = await readColumns(db, table);
    const archived = tableIn(manifest, table.name).columns.map(({ name }) => name);
    const lost = archived.filter((name) => !present.some((one) => one.name === name));
    const needed = present.filter(({ name, isNeeded }) => isNeeded && !archived.includes(name));
    const whole = `${table.schema}.${table.name}`;
    if (lost.length > 0) faults.push(`${whole} has no ${lost.join(', ')} any more.`);
    if (needed.length > 0)
      faults.push(
        `${whole} has ${needed.map(({ name }) => name).join(', ')} since, which must not be NULL and has no default.`,
      );
  }
  if (faults.length === 0) return [];
  const detail = `The archive of ${manifest.quarter} has other columns than the tables. ${faults.join(' ')} Restore it into a schema of its own (--into), which takes the archive as it is.`;
  return [{ code: 'archive_columns', kind: 'conflict', detail }];
}

/** True when a table of the archive has the columns of the ledger's own, by name. */
export async function hasSameColumns(db: Db, manifest: Manifest, table: QuarterTable): Promise<boolean> {
  const archived = tableIn(manifest, table.name).columns;
  const present = await readColumns(db, table);
  return (
    archived.length === present.length &&
    archived.every(({ name }) => present.some((one) => one.name === name))
  );
}

async function readColumns(db: Db, { schema, name }: QuarterTable): Promise<PresentColumn[]> {
  const { rows } = await sql<PresentColumn>`
    SELECT a.attname AS name, a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS "isNeeded"
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE n.nspname = ${schema} AND c.relname = ${name}
    ORDER BY a.attnum`.execute(db);
  return rows;
}
