import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import { partitionName, type QuarterTable } from '../core/tables.ts';
import { identifier } from './identifier.ts';
import { withShortLock } from './locks.ts';
import { type LongStatementOptions, withLongStatements } from './long-statement.ts';
import { partitionSql } from './partition.ts';
import type { Db, Trx } from './schema.ts';

/** An index as it would be made elsewhere: all that stands after the name of its table. */
interface IndexFacts {
  readonly name: string;
  readonly of: 'table' | 'partition';
  readonly isUnique: boolean;
  readonly isValid: boolean;
  readonly isAttached: boolean;
  readonly tail: string;
  readonly hash: string;
}

/** True for the name of an index that a build of ours, or a REINDEX CONCURRENTLY, leaves behind when it is killed. */
export function isLeftoverName(partition: string, name: string): boolean {
  return name.startsWith(`${partition}_fix_`) || /_cc(new|old)\d*$/.test(name);
}

/**
 * Gives a quarter's partition an index that its table has, and keeps no reader or writer waiting: it is built
 * CONCURRENTLY and attached, which takes a moment. One that is there already and whole is attached as it is. What an
 * earlier build left half made has the same name, and has to be dropped before.
 *
 * @param session a direct connection outside any transaction
 * @param index the name of the table's index
 * @param attached called in the transaction that attaches it
 * @throws AppError busy/lock_timeout
 */
export async function buildPartitionIndex(
  session: Db,
  table: QuarterTable,
  quarter: string,
  index: string,
  options: Omit<LongStatementOptions, 'relations'>,
  attached: (trx: Trx, name: string) => Promise<void>,
): Promise<void> {
  const indexes = await readIndexes(session, table, quarter);
  const wanted = indexes.find((one) => one.of === 'table' && one.name === index);
  if (wanted === undefined) {
    const detail = `${table.schema}.${table.name} has no index ${index} any more.`;
    throw new AppError('conflict', 'index_missing', detail);
  }
  const alike = indexes.filter(
    (one) =>
      one.of === 'partition' &&
      !one.isAttached &&
      one.tail === wanted.tail &&
      one.isUnique === wanted.isUnique,
  );
  const relations: [string, string][] = [[table.schema, partitionName(table, quarter)]];
  let name = alike.find(({ isValid }) => isValid)?.name;
  if (name === undefined) {
    name = `${partitionName(table, quarter)}_fix_${wanted.hash.slice(0, 8)}`;
    const unique = wanted.isUnique ? 'UNIQUE ' : '';
    const statement = `CREATE ${unique}INDEX CONCURRENTLY ${identifier(name)} ON ${partitionSql(table, quarter)}${wanted.tail}`;
    await withLongStatements(session, { ...options, relations }, async () => {
      await sql.raw(statement).execute(session);
    });
  }
  const made = name;
  const attach = `ALTER INDEX ${identifier(table.schema, index)} ATTACH PARTITION ${identifier(table.schema, made)}`;
  await withShortLock(
    session,
    async (trx) => {
      await sql.raw(attach).execute(trx);
      await attached(trx, made);
    },
    { ...options, relations },
  );
}

/** Drops an index that is not valid, and so of no use to anybody. One that is whole by now is left alone. */
export async function dropLeftoverIndex(
  session: Db,
  table: QuarterTable,
  quarter: string,
  index: string,
  options: Omit<LongStatementOptions, 'relations'>,
  dropped: (trx: Trx) => Promise<void> = async () => {},
): Promise<void> {
  const name = identifier(table.schema, index);
  await withShortLock(
    session,
    async (trx) => {
      const { rows } = await sql<{ valid: boolean }>`
        SELECT indisvalid AS valid FROM pg_catalog.pg_index WHERE indexrelid = to_regclass(${name})`.execute(
        trx,
      );
      if (rows[0]?.valid !== false) return;
      // While somebody builds it this has to wait for them, which it does not for long.
      await sql.raw(`DROP INDEX IF EXISTS ${name}`).execute(trx);
      await dropped(trx);
    },
    { ...options, relations: [[table.schema, partitionName(table, quarter)]], attempts: 10 },
  );
}

async function readIndexes(db: Db, table: QuarterTable, quarter: string): Promise<IndexFacts[]> {
  return db.transaction().execute(async (trx) => {
    // So that everything outside pg_catalog is named in full.
    await sql`SELECT set_config('search_path', 'pg_catalog', true)`.execute(trx);
    const { rows } = await sql<IndexFacts>`
      SELECT name, "of", "isUnique", "isValid", "isAttached", tail, md5(name || tail) AS hash
      FROM (
        SELECT x.relname AS name, CASE WHEN r.relkind = 'p' THEN 'table' ELSE 'partition' END AS "of",
               i.indisunique AS "isUnique", i.indisvalid AS "isValid",
               EXISTS (SELECT FROM pg_inherits AS h WHERE h.inhrelid = x.oid) AS "isAttached",
               substr(pg_get_indexdef(x.oid), 1 + length(
                 format('CREATE %sINDEX %I ON %s%I.%I', CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END, x.relname,
                        CASE WHEN r.relkind = 'p' THEN 'ONLY ' ELSE '' END, n.nspname, r.relname))) AS tail
        FROM pg_class AS r
        JOIN pg_namespace AS n ON n.oid = r.relnamespace
        JOIN pg_index AS i ON i.indrelid = r.oid
        JOIN pg_class AS x ON x.oid = i.indexrelid
        WHERE n.nspname = ${table.schema} AND r.relname IN (${table.name}, ${partitionName(table, quarter)})
      ) AS index
      ORDER BY name`.execute(trx);
    return rows;
  });
}
