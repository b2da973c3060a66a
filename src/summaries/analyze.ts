import { sql } from 'kysely';
import { AppError, type ErrorKind } from '../core/errors.ts';
import { quarterTables } from '../core/tables.ts';
import type { Database } from '../db/database.ts';
import { identifier } from '../db/identifier.ts';
import { type OnBlocked, withShortLock } from '../db/locks.ts';
import type { Db } from '../db/schema.ts';
import { toAppError } from '../db/sqlstate.ts';
import { throwIfAborted } from '../platform/retry.ts';

export interface AnalyzeOptions {
  readonly database: Database;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: { what: string; done: number; total: number }) => void;
  readonly onBlocked?: OnBlocked | undefined;
}

export interface AnalyzeReport {
  /** Qualified names of the tables whose statistics are new, in the order in which it was done. */
  readonly analyzed: readonly string[];
  /** Tables that need it and did not get it, with the reason. */
  readonly failed: readonly { table: string; kind: ErrorKind; code: string; detail: string }[];
}

interface Table {
  readonly schema: string;
  readonly name: string;
  readonly partitioned: boolean;
}

/** Plain tables that a load changes as much as it does the partitions. */
const companions = [
  { schema: 'ledger', name: 'accounts' },
  { schema: 'ledger', name: 'balances' },
];

/**
 * Gives every partition that has changed much since its last ANALYZE new statistics, and then the partitioned tables
 * themselves: PostgreSQL's autovacuum never analyzes those, and it comes to a fresh partition only in its own time.
 * What autovacuum has done already is left alone. A table that cannot be analyzed now is reported; the others are done.
 */
export async function analyzePartitions(options: AnalyzeOptions): Promise<AnalyzeReport> {
  const { database, signal } = options;
  const report = { analyzed: [] as string[], failed: [] as AnalyzeReport['failed'][number][] };

  async function analyzeAll(tables: readonly Table[]): Promise<void> {
    for (const [done, table] of tables.entries()) {
      throwIfAborted(signal);
      const name = `${table.schema}.${table.name}`;
      options.onProgress?.({ what: name, done, total: tables.length });
      try {
        await analyze(database.direct, table, options);
        report.analyzed.push(name);
      } catch (error) {
        const { kind, code, detail } = toAppError(error);
        if (kind !== 'busy' && kind !== 'config') throw error;
        report.failed.push({ table: name, kind, code, detail });
      }
    }
  }

  await analyzeAll(await changedTables(database.direct));
  await analyzeAll(await staleParents(database.direct, report.analyzed));
  return report;
}

/**
 * Partitions and their companions that need new statistics: those with rows that were never analyzed, or changed by
 * more than a tenth, or grew by more than a tenth. The last is read from the file itself, for the counters of changes
 * arrive up to ten seconds after the transaction, and this may run right behind a load.
 */
async function changedTables(db: Db): Promise<Table[]> {
  const { rows } = await sql<Table>`
    WITH candidates AS (
      SELECT c.oid, n.nspname, c.relname, c.relpages,
             pg_catalog.pg_relation_size(c.oid) / current_setting('block_size')::bigint AS pages
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r'
        AND (c.oid = ANY (SELECT to_regclass(name) FROM unnest(${namesOf(companions)}::text[]) AS name)
          OR c.oid IN (
            SELECT i.inhrelid FROM pg_catalog.pg_inherits AS i
            WHERE i.inhparent = ANY (SELECT to_regclass(name) FROM unnest(${namesOf(quarterTables)}::text[]) AS name)
          ))
    )
    SELECT c.nspname AS schema, c.relname AS name, false AS partitioned
    FROM candidates AS c
    LEFT JOIN pg_catalog.pg_stat_user_tables AS s ON s.relid = c.oid
    WHERE c.pages > 0
      AND (coalesce(s.last_analyze, s.last_autoanalyze) IS NULL
        OR c.pages > c.relpages * 1.1 + 10
        OR s.n_mod_since_analyze > greatest(1000, 0.1 * s.n_live_tup))
    ORDER BY c.nspname, c.relname`.execute(db);
  return rows;
}

/**
 * The partitioned tables whose partitions have newer statistics than they have themselves, by autovacuum or by us.
 * Before version 18 the ANALYZE of a parent ends with its partitions, which are then always newer: there only those
 * that this run, or autovacuum, has analyzed count.
 */
async function staleParents(db: Db, analyzed: readonly string[]): Promise<Table[]> {
  const { rows } = await sql<Table>`
    SELECT n.nspname AS schema, c.relname AS name, true AS partitioned
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent = c.oid
    JOIN pg_catalog.pg_stat_user_tables AS p ON p.relid = i.inhrelid
    WHERE c.oid = ANY (SELECT to_regclass(name) FROM unnest(${namesOf(quarterTables)}::text[]) AS name)
    GROUP BY c.oid, n.nspname, c.relname
    HAVING bool_or(p.schemaname || '.' || p.relname = ANY (${analyzed}::text[]))
      OR max(greatest(p.last_autoanalyze,
           CASE WHEN current_setting('server_version_num')::integer >= 180000 THEN p.last_analyze END))
         > coalesce(pg_catalog.pg_stat_get_last_analyze_time(c.oid), '-infinity')
    ORDER BY n.nspname, c.relname`.execute(db);
  return rows;
}

/**
 * One ANALYZE in a transaction of its own. It takes SHARE UPDATE EXCLUSIVE, which waits for DDL and for another
 * ANALYZE, but for no reader or writer.
 *
 * @throws AppError busy/lock_timeout, config/insufficient_privilege
 */
async function analyze(db: Db, table: Table, options: AnalyzeOptions): Promise<void> {
  const { schema, name } = table;
  const target = identifier(schema, name);
  const { rows } = await sql<{ version: number; before: Date | null }>`
    SELECT current_setting('server_version_num')::integer AS version,
           pg_catalog.pg_stat_get_last_analyze_time(to_regclass(${target})) AS before`.execute(db);
  // Since 18 the parent can be sampled alone; older versions analyze every partition anew with it.
  const only = table.partitioned && (rows[0]?.version ?? 0) >= 180_000 ? 'ONLY ' : '';
  await withShortLock(db, (trx) => sql`ANALYZE ${sql.raw(only + target)}`.execute(trx), {
    relations: [[schema, name]],
    attempts: 5,
    signal: options.signal,
    onBlocked: options.onBlocked,
  });
  // Who may not analyze a table gets a warning and no error, so whether it was done is looked up.
  const after = await sql<{ at: Date | null }>`
    SELECT pg_catalog.pg_stat_get_last_analyze_time(to_regclass(${target})) AS at`.execute(db);
  if (after.rows[0]?.at?.getTime() === rows[0]?.before?.getTime()) {
    const detail = `${schema}.${name} was not analyzed: the role of the worker must own it, or have MAINTAIN on it.`;
    throw new AppError('config', 'insufficient_privilege', detail);
  }
}

function namesOf(tables: readonly { schema: string; name: string }[]): string[] {
  return tables.map(({ schema, name }) => identifier(schema, name));
}
