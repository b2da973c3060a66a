import { sql } from 'kysely';
import { type QuarterTable, quarterTables } from '../core/tables.ts';
import { BOUNDS_CONSTRAINT, FENCE_CONDITION, type QuarterPartition } from './catalog.ts';
import type { Db } from './schema.ts';

/** A quarter's own table of one of the partitioned tables: all that has to be known before it is dropped or attached. */
export interface OwnTable extends QuarterPartition {
  /** Tells a table from another that took its name since; undefined when it is missing. */
  readonly oid: number | undefined;
  /** A plain, logged table that inherits from nothing but where it is attached. */
  readonly isPlain: boolean;
  /** It has our CHECK of the bounds. */
  readonly isBounded: boolean;
  /** Columns that it has and its table has not, or with another type, and the other way round. */
  readonly otherColumns: readonly string[];
}

/** The own tables of one quarter, in the order of `tables`; may be asked within a transaction. */
export async function readOwnTables(
  db: Db,
  quarter: string,
  tables: readonly QuarterTable[] = quarterTables,
): Promise<OwnTable[]> {
  const { rows } = await sql<
    Omit<OwnTable, 'table' | 'oid'> & { schema: string; name: string; oid: number | null }
  >`
    SELECT t.schema, t.name, c.oid::int8::float8 AS oid,
           CASE WHEN c.oid IS NULL THEN 'missing' WHEN i.inhrelid IS NULL THEN 'standalone'
                WHEN i.inhdetachpending THEN 'detaching' ELSE 'attached' END AS attachment,
           coalesce(c.relkind = 'r' AND c.relpersistence = 'p' AND NOT EXISTS (
             SELECT FROM pg_catalog.pg_inherits AS o WHERE o.inhrelid = c.oid AND o.inhparent <> p.oid), false)
             AS "isPlain",
           EXISTS (SELECT FROM pg_catalog.pg_constraint AS o
                   WHERE o.conrelid = c.oid AND ${sql.raw(FENCE_CONDITION)}) AS fenced,
           EXISTS (SELECT FROM pg_catalog.pg_constraint
                   WHERE conrelid = c.oid AND contype = 'c' AND conname = ${BOUNDS_CONSTRAINT}) AS "isBounded",
           ARRAY(SELECT a.attname::text
                 FROM pg_catalog.pg_attribute AS a
                 WHERE c.oid IS NOT NULL AND a.attrelid IN (p.oid, c.oid) AND a.attnum > 0 AND NOT a.attisdropped
                 GROUP BY a.attname, a.atttypid, a.atttypmod, a.attcollation
                 HAVING count(*) < 2 ORDER BY a.attname) AS "otherColumns"
    FROM unnest(${tables.map(({ schema }) => schema)}::text[], ${tables.map(({ name }) => name)}::text[])
      AS t (schema, name)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = t.schema
    JOIN pg_catalog.pg_class AS p ON p.relnamespace = n.oid AND p.relname = t.name
    LEFT JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = t.name || '_' || ${quarter}
    LEFT JOIN pg_catalog.pg_inherits AS i ON i.inhparent = p.oid AND i.inhrelid = c.oid`.execute(db);
  return tables.flatMap((table) => {
    const row = rows.find(({ schema, name }) => schema === table.schema && name === table.name);
    if (row === undefined) return [];
    const { attachment, fenced, isPlain, isBounded, otherColumns } = row;
    return [{ table, attachment, fenced, isPlain, isBounded, otherColumns, oid: row.oid ?? undefined }];
  });
}
