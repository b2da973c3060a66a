import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { AppError, assert } from '../core/errors.ts';
import { identifier } from './identifier.ts';
import type { IndexStatement } from './index-file.ts';
import type { Db, Trx } from './schema.ts';
import { sqlState, toAppError } from './sqlstate.ts';

/** An index that is wanted, as PostgreSQL itself would print it, so that it can be told from another one. */
export interface WantedIndex {
  readonly schema: string;
  readonly name: string;
  readonly table: string;
  readonly isPartitioned: boolean;
  readonly isUnique: boolean;
  /** ` USING btree (…) …`: what stands behind the name of the table, every name in full. */
  readonly tail: string;
}

/** SQL: all that stands behind the name of the table in the definition of index `x`, with `i` and `t` its pg_index and table. */
export const TAIL = `substr(pg_get_indexdef(x.oid), 1 + length(format('CREATE %sINDEX %I ON %s%I.%I',
  CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END, x.relname, CASE WHEN t.relkind = 'p' THEN 'ONLY ' ELSE '' END, n.nspname, t.relname)))`;

/**
 * SQL: the session that builds an index of table `t` at this moment, or builds one anew. Of which one is told to its own role and
 * to members of pg_read_all_stats; for others it is known by its lock, which nothing takes but DDL, VACUUM and ANALYZE.
 */
export const BUILDER = `(SELECT b.pid FROM pg_stat_progress_create_index AS b
  WHERE b.datname = current_database() AND (b.relid = t.oid OR b.relid IS NULL AND EXISTS (
    SELECT FROM pg_locks AS l
    WHERE l.pid = b.pid AND l.relation = t.oid AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted))
  LIMIT 1)`;

/** So that PostgreSQL names everything outside pg_catalog in full, whatever the path of the role. */
export async function inPlainPath<T>(db: Db, read: (trx: Trx) => Promise<T>): Promise<T> {
  return db.transaction().execute(async (trx) => {
    await sql`SELECT set_config('search_path', 'pg_catalog', true)`.execute(trx);
    return read(trx);
  });
}

/**
 * Has PostgreSQL read the statement, by making it on an empty table like the real one that nobody ever sees: it finds what is
 * wrong with it, and says how it would print it. Takes no lock on the real table that anybody notices.
 *
 * @throws AppError invalid/index_refused with PostgreSQL's own words
 */
export async function readWanted(db: Db, statement: IndexStatement, file: string): Promise<WantedIndex> {
  const { schema, name, table, isUnique } = statement;
  const refuse = (why: string, cause?: unknown) =>
    new AppError(
      'invalid',
      'index_refused',
      `${file}, line ${statement.line}: ${schema}.${name} cannot be built. ${why}`,
      {
        cause,
      },
    );
  const { rows } = await sql<{ relkind: string; key: string | null }>`
    SELECT c.relkind, pg_get_partkeydef(c.oid) AS key
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = ${schema} AND c.relname = ${table}`.execute(db);
  const real = rows[0];
  if (real === undefined || !['r', 'p'].includes(real.relkind)) {
    throw refuse(`There is no table ${schema}.${table}.`);
  }
  // The statement is the file's and the name ours, so that a probe cannot meet the index that is there already.
  const probe = `index_probe_${createHash('md5').update(`${name} ${statement.tail}`).digest('hex').slice(0, 16)}`;
  const made = identifier(schema, probe);
  const partitions = real.key === null ? '' : ` PARTITION BY ${real.key}`;
  let tail = '';
  const undo = new Error('the probe is taken back');
  await inPlainPath(db, async (trx) => {
    await sql.raw(`CREATE TABLE ${made} (LIKE ${identifier(schema, table)})${partitions}`).execute(trx);
    await sql
      .raw(
        `CREATE ${isUnique ? 'UNIQUE ' : ''}INDEX ${identifier(`${probe}_idx`)} ON ${made} ${statement.tail}`,
      )
      .execute(trx);
    const { rows: printed } = await sql<{ tail: string }>`
      SELECT ${sql.raw(TAIL)} AS tail
      FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid JOIN pg_class AS t ON t.oid = i.indrelid
      JOIN pg_namespace AS n ON n.oid = t.relnamespace
      WHERE i.indrelid = to_regclass(${made})`.execute(trx);
    tail = printed[0]?.tail ?? '';
    throw undo;
  }).catch((error: unknown) => {
    if (error === undo) return;
    const state = sqlState(error);
    if (state === undefined || !/^(0A|22|42(?!501))/.test(state)) throw toAppError(error);
    const { message, detail } = error as { message: string; detail?: string };
    throw refuse(`PostgreSQL says: ${message}.${detail === undefined ? '' : ` ${detail}`}`, error);
  });
  assert(/^ USING [a-z]+ \(/.test(tail), `not the definition of an index: ${tail}`);
  return { schema, name, table, isPartitioned: real.relkind === 'p', isUnique, tail };
}

/** An index, or whatever bears the name of one. */
export interface FoundIndex {
  readonly schema: string;
  readonly name: string;
  /** Of the index; undefined when what bears the name is none. */
  readonly table: string | undefined;
  readonly isUnique: boolean;
  readonly isValid: boolean;
  readonly isConstraint: boolean;
  /** The partitioned table's index that it belongs to. */
  readonly parent: string | undefined;
  readonly tail: string;
  /** The session that builds an index of its table at this moment. */
  readonly builder: number | undefined;
}

/** What bears one of these names, or is an index of one of these tables. */
export async function readFound(
  db: Db,
  schema: string,
  of: { readonly names?: readonly string[]; readonly tables?: readonly string[] },
): Promise<FoundIndex[]> {
  return inPlainPath(db, async (trx) => {
    const { rows } = await sql<FoundIndex>`
      SELECT s.nspname AS schema, x.relname AS name, t.relname AS "table", coalesce(i.indisunique, false) AS "isUnique",
             coalesce(i.indisvalid AND i.indisready, false) AS "isValid",
             EXISTS (SELECT FROM pg_constraint AS o WHERE o.conindid = x.oid AND o.contype IN ('p', 'u', 'x')) AS "isConstraint",
             (SELECT p.relname FROM pg_inherits AS h JOIN pg_class AS p ON p.oid = h.inhparent WHERE h.inhrelid = x.oid) AS parent,
             CASE WHEN i.indexrelid IS NULL THEN '' ELSE ${sql.raw(TAIL)} END AS tail,
             ${sql.raw(BUILDER)} AS builder
      FROM pg_class AS x
      JOIN pg_namespace AS s ON s.oid = x.relnamespace
      LEFT JOIN pg_index AS i ON i.indexrelid = x.oid
      LEFT JOIN pg_class AS t ON t.oid = i.indrelid
      LEFT JOIN pg_namespace AS n ON n.oid = t.relnamespace
      WHERE s.nspname = ${schema}
        AND (x.relname = ANY (${of.names ?? []}::text[]) OR t.relname = ANY (${of.tables ?? []}::text[]))
      ORDER BY x.relname`.execute(trx);
    // What is NULL here is not there: the rest of the house says undefined.
    return rows.map((row) => ({
      ...row,
      table: row.table ?? undefined,
      parent: row.parent ?? undefined,
      builder: row.builder ?? undefined,
    }));
  });
}

/** The definition in full, for people. */
export function definitionOf(
  index: Pick<FoundIndex, 'schema' | 'name' | 'table' | 'isUnique' | 'tail'>,
): string {
  if (index.table === undefined) return `something that is no index`;
  return `CREATE ${index.isUnique ? 'UNIQUE ' : ''}INDEX ${index.name} ON ${index.schema}.${index.table}${index.tail}`;
}

/**
 * What an index of a partition is called: the partition's name, and of the table's index what stands behind the table's. Where
 * that is more than the 63 bytes a name may have it is cut, and a digest tells it from others cut alike.
 */
export function partitionIndexName(partition: string, table: string, index: string): string {
  const own = index.startsWith(`${table}_`) ? index.slice(table.length + 1) : index;
  const name = `${partition}_${own}`;
  if (Buffer.byteLength(name) <= 63) return name;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 8);
  let kept = name;
  while (Buffer.byteLength(kept) > 63 - 9) kept = [...kept].slice(0, -1).join('');
  return `${kept}_${digest}`;
}
