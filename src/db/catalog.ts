import { sql } from 'kysely';
import { assert } from '../core/errors.ts';
import type { FoundPartition, Range } from '../core/partition.ts';
import { isQuarterName } from '../core/quarter.ts';
import { type QuarterTable, quarterTables } from '../core/tables.ts';
import type { Db } from './schema.ts';
import { CLOSED_CONSTRAINT } from './sqlstate.ts';

/** The CHECK that repeats a partition's bounds: with it an attach reads no row, and a detach leaves none behind. */
export const BOUNDS_CONSTRAINT = 'quarter_bounds';

/** What a new partition has to take over from its parent because LIKE does not. */
export interface ParentTable {
  readonly table: QuarterTable;
  /** The owner's role, undefined when it is the one we run as. */
  readonly owner: string | undefined;
  /** All privileges of a role; PUBLIC is the empty grantee. */
  readonly grants: readonly { grantee: string; privileges: readonly string[]; grantable: boolean }[];
  /** Roles that get privileges on every new table by ALTER DEFAULT PRIVILEGES. */
  readonly defaultGrantees: readonly string[];
  /** Columns with a statistics target of their own. */
  readonly statistics: readonly { column: string; target: number }[];
}

export interface PartitionFacts extends FoundPartition {
  /** The planner's estimate; undefined when the table was never analyzed. */
  readonly estimatedRows: number | undefined;
}

/**
 * Every partition of the quarter tables, and every relation that bears the name of one, oldest first. Takes no lock
 * on a partition, so it answers while one is being detached; only tables that stand alone and a DEFAULT partition
 * are looked into, for whether they are empty.
 */
export async function readCatalog(
  db: Db,
  tables: readonly QuarterTable[] = quarterTables,
): Promise<PartitionFacts[]> {
  return inCatalog(db, async (trx) => {
    const { rows } = await sql<{
      table: string;
      schema: string;
      name: string;
      attachment: FoundPartition['attachment'];
      bounds: string | null;
      plain: boolean;
      bounded: boolean;
      fenced: boolean;
      empty: boolean;
      rows: number;
    }>`
      WITH parent AS (
        SELECT c.oid, c.relname, c.relnamespace
        FROM ${parentsOf(tables)} AS t (schema, name)
        JOIN pg_catalog.pg_namespace AS n ON n.nspname = t.schema
        JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = t.name AND c.relkind = 'p'
      ), child AS (
        SELECT i.inhparent AS parent, i.inhrelid AS oid,
               CASE WHEN i.inhdetachpending THEN 'detaching' ELSE 'attached' END AS attachment
        FROM parent JOIN pg_catalog.pg_inherits AS i ON i.inhparent = parent.oid
        UNION ALL
        SELECT parent.oid, c.oid, 'standalone'
        FROM parent JOIN pg_catalog.pg_class AS c ON c.relnamespace = parent.relnamespace
          AND left(c.relname, length(parent.relname) + 1) = parent.relname || '_'
          AND substr(c.relname, length(parent.relname) + 2) ~ '^[0-9]{4}q[1-4]$'
        WHERE NOT EXISTS (
          SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = parent.oid AND i.inhrelid = c.oid)
      )
      SELECT parent.relname AS "table", n.nspname AS schema, c.relname AS name, child.attachment,
             pg_get_expr(c.relpartbound, 0) AS bounds,
             c.relkind = 'r' AND c.relpersistence = 'p' AS plain,
             EXISTS (SELECT FROM pg_catalog.pg_constraint AS o
                     WHERE o.conrelid = c.oid AND o.contype = 'c' AND o.conname = ${BOUNDS_CONSTRAINT}) AS bounded,
             ${fenceOf()} AS fenced,
             CASE WHEN c.relkind = 'r' AND (child.attachment = 'standalone' OR pg_get_expr(c.relpartbound, 0) = 'DEFAULT')
                  THEN pg_relation_size(c.oid) = 0 ELSE false END AS empty,
             c.reltuples::float8 AS rows
      FROM child
      JOIN parent ON parent.oid = child.parent
      JOIN pg_catalog.pg_class AS c ON c.oid = child.oid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      ORDER BY n.nspname, c.relname`.execute(trx);
    return rows.map((row) => ({
      table: row.table,
      schema: row.schema,
      name: row.name,
      quarter: quarterOfName(row.table, row.name),
      attachment: row.attachment,
      bounds: row.attachment === 'standalone' ? undefined : parseBounds(row.bounds ?? ''),
      ours: row.plain && row.bounded,
      fenced: row.fenced,
      empty: row.empty,
      estimatedRows: row.rows < 0 ? undefined : row.rows,
    }));
  });
}

/** How a quarter's partition of one table stands, by its name alone. */
export interface QuarterPartition {
  readonly table: QuarterTable;
  readonly attachment: FoundPartition['attachment'] | 'missing';
  /** It has the constraint that refuses every row. */
  readonly fenced: boolean;
}

/** The partitions of one quarter, in the order of `tables`; may be asked within a transaction. */
export async function readQuarterPartitions(
  db: Db,
  quarter: string,
  tables: readonly QuarterTable[] = quarterTables,
): Promise<QuarterPartition[]> {
  const { rows } = await sql<Omit<QuarterPartition, 'table'> & { schema: string; name: string }>`
    SELECT t.schema, t.name,
           CASE WHEN c.oid IS NULL THEN 'missing' WHEN i.inhrelid IS NULL THEN 'standalone'
                WHEN i.inhdetachpending THEN 'detaching' ELSE 'attached' END AS attachment,
           ${fenceOf()} AS fenced
    FROM ${parentsOf(tables)} AS t (schema, name)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = t.schema
    JOIN pg_catalog.pg_class AS p ON p.relnamespace = n.oid AND p.relname = t.name
    LEFT JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = t.name || '_' || ${quarter}
    LEFT JOIN pg_catalog.pg_inherits AS i ON i.inhparent = p.oid AND i.inhrelid = c.oid`.execute(db);
  return tables.map((table) => {
    const row = rows.find(({ schema, name }) => schema === table.schema && name === table.name);
    return { table, attachment: row?.attachment ?? 'missing', fenced: row?.fenced ?? false };
  });
}

/** The parents in the order of `tables`. @throws AppError internal when a migration forgot one */
export async function readParents(
  db: Db,
  tables: readonly QuarterTable[] = quarterTables,
): Promise<ParentTable[]> {
  const { rows } = await sql<Omit<ParentTable, 'table'> & { schema: string; name: string }>`
    SELECT t.schema, t.name, nullif(pg_get_userbyid(c.relowner), current_user) AS owner,
           (SELECT coalesce(json_agg(json_build_object(
                     'grantee', CASE WHEN g.grantee = 0 THEN '' ELSE pg_get_userbyid(g.grantee) END,
                     'privileges', g.privileges, 'grantable', g.is_grantable)), '[]')
            FROM (SELECT grantee, is_grantable, array_agg(privilege_type) AS privileges
                  FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner)))
                  GROUP BY grantee, is_grantable) AS g) AS grants,
           ARRAY(SELECT DISTINCT CASE WHEN acl.grantee = 0 THEN '' ELSE pg_get_userbyid(acl.grantee)::text END
                 FROM pg_catalog.pg_default_acl AS d, aclexplode(d.defaclacl) AS acl
                 WHERE d.defaclobjtype = 'r' AND pg_get_userbyid(d.defaclrole) = current_user) AS "defaultGrantees",
           (SELECT coalesce(json_agg(json_build_object('column', a.attname, 'target', a.attstattarget)), '[]')
            FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attstattarget >= 0) AS statistics
    FROM ${parentsOf(tables)} AS t (schema, name)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = t.schema
    JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = t.name AND c.relkind = 'p'`.execute(
    db,
  );
  return tables.map((table) => {
    const row = rows.find(({ schema, name }) => schema === table.schema && name === table.name);
    assert(row, `${table.schema}.${table.name} is not a partitioned table`);
    const { owner, grants, defaultGrantees, statistics } = row;
    return { table, owner: owner ?? undefined, grants, defaultGrantees, statistics };
  });
}

/**
 * Bytes on disk of each relation with its indexes, by `schema.name`. One that is exclusively locked is counted by its
 * last known pages: to ask its size would be to wait for the lock.
 */
export async function readSizes(
  db: Db,
  relations: readonly Pick<FoundPartition, 'schema' | 'name'>[],
): Promise<Map<string, bigint>> {
  if (relations.length === 0) return new Map();
  return inCatalog(db, async (trx) => {
    const { rows } = await sql<{ relation: string; bytes: bigint }>`
      SELECT t.schema || '.' || t.name AS relation,
             CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_locks AS l
                               WHERE l.relation = c.oid AND l.mode = 'AccessExclusiveLock')
                  THEN c.relpages::bigint * current_setting('block_size')::bigint
                  ELSE coalesce(pg_total_relation_size(c.oid), 0) END AS bytes
      FROM unnest(${relations.map((one) => one.schema)}::text[], ${relations.map((one) => one.name)}::text[])
        AS t (schema, name)
      JOIN pg_catalog.pg_namespace AS n ON n.nspname = t.schema
      JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = t.name`.execute(trx);
    return new Map(rows.map(({ relation, bytes }) => [relation, bytes]));
  });
}

/** `transactions_2026q1` of `transactions` is 2026q1; undefined when the name is built otherwise. */
export function quarterOfName(table: string, name: string): string | undefined {
  const rest = name.startsWith(`${table}_`) ? name.slice(table.length + 1) : '';
  return isQuarterName(rest) ? rest : undefined;
}

/** PostgreSQL's words for bounds, in UTC and ISO. What is no instant, such as MINVALUE, is no bound. */
export function parseBounds(text: string): Range | 'default' {
  if (text === 'DEFAULT') return 'default';
  const [, from, to] = /^FOR VALUES FROM \((.*)\) TO \((.*)\)$/.exec(text) ?? [];
  return { from: parseInstant(from), to: parseInstant(to) };
}

function parseInstant(text: string | undefined): Date | undefined {
  const [, year, rest, time] =
    /^'(\d{4,6})(-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)\+00'$/.exec(text ?? '') ?? [];
  if (year === undefined) return undefined;
  return new Date(`${year.length === 4 ? year : `+${year.padStart(6, '0')}`}${rest}T${time}Z`);
}

/**
 * Whether the relation refuses every row. A constraint of the fence's name that says something else, or that is not
 * enforced (since 18 there is such a thing), is no fence. pg_get_constraintdef() would wait for who has locked the table, and
 * without the table pg_get_expr() can only print what names no column.
 */
export const FENCE_CONDITION = `o.contype = 'c' AND o.conname = '${CLOSED_CONSTRAINT}' AND CASE WHEN coalesce(cardinality(o.conkey), 0) = 0 THEN pg_catalog.pg_get_expr(o.conbin, 0) = 'false' ELSE false END
  AND coalesce(to_jsonb(o) ->> 'conenforced', 'true') = 'true'`;

/** The oids of all relations that refuse every row: read at once, for the catalog finds a constraint by its name and not by its relation. */
export const fencedSql = sql`
  SELECT o.conrelid AS oid FROM pg_catalog.pg_constraint AS o WHERE ${sql.raw(FENCE_CONDITION)}`;

function fenceOf() {
  return sql`EXISTS (SELECT FROM pg_catalog.pg_constraint AS o
                     WHERE o.conrelid = c.oid AND ${sql.raw(FENCE_CONDITION)})`;
}

function parentsOf(tables: readonly QuarterTable[]) {
  return sql`unnest(${tables.map((table) => table.schema)}::text[], ${tables.map((table) => table.name)}::text[])`;
}

/** The catalog prints instants as the session's settings say, so they are set: for one transaction alone, the caller's where it has one. */
async function inCatalog<T>(db: Db, read: (trx: Db) => Promise<T>): Promise<T> {
  const set = async (trx: Db) => {
    await sql`SELECT set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true),
                     set_config('lock_timeout', '2s', true)`.execute(trx);
    return read(trx);
  };
  return db.isTransaction ? set(db) : db.transaction().execute(set);
}
