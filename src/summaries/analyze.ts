import { sql } from 'kysely';
import { AppError, type ErrorKind } from '../core/errors.ts';
import type { Database } from '../db/database.ts';
import { identifier } from '../db/identifier.ts';
import { type OnBlocked, withShortLock } from '../db/locks.ts';
import type { Db } from '../db/schema.ts';
import { toAppError } from '../db/sqlstate.ts';
import { throwIfAborted } from '../platform/retry.ts';
import { type StaleTable, staleStatistics } from './stale.ts';

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

/**
 * Gives every partition that has changed much since its last ANALYZE new statistics, and then the partitioned tables
 * themselves: PostgreSQL's autovacuum never analyzes those, and it comes to a fresh partition only in its own time.
 * What autovacuum has done already is left alone. A table that cannot be analyzed now is reported; the others are done.
 */
export async function analyzePartitions(options: AnalyzeOptions): Promise<AnalyzeReport> {
  const { database, signal } = options;
  const report = { analyzed: [] as string[], failed: [] as AnalyzeReport['failed'][number][] };

  async function analyzeAll(tables: readonly StaleTable[]): Promise<void> {
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

  // Read anew in between: what was just learned of the partitions says whether their table has to follow.
  for (const partitioned of [false, true]) {
    const stale = await staleStatistics(database.direct);
    await analyzeAll(stale.filter((table) => table.partitioned === partitioned));
  }
  return report;
}

/**
 * One ANALYZE in a transaction of its own. It takes SHARE UPDATE EXCLUSIVE, which waits for DDL and for another
 * ANALYZE, but for no reader or writer.
 *
 * @throws AppError busy/lock_timeout, config/insufficient_privilege
 */
async function analyze(db: Db, table: StaleTable, options: AnalyzeOptions): Promise<void> {
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
