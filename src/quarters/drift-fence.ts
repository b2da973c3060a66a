import { sql } from 'kysely';
import { combineDigests, type TableDigest } from '../core/digest.ts';
import { AppError } from '../core/errors.ts';
import { partitionName, quarterTables } from '../core/tables.ts';
import { readQuarterPartitions } from '../db/catalog.ts';
import {
  createBlockerAges,
  lockHolders,
  type ShortLockOptions,
  withQuarterLock,
  withShortLock,
} from '../db/locks.ts';
import { withLongStatements } from '../db/long-statement.ts';
import { fenceSql, holdWriters, partitionSql } from '../db/partition.ts';
import type { Db, Trx } from '../db/schema.ts';
import { sqlState, toAppError } from '../db/sqlstate.ts';
import { retry } from '../platform/retry.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import type { Repair } from './drift-fix.ts';
import { readQuarter, recordEvent } from './registry.ts';
import { digestOfTable } from './table-digest.ts';

/**
 * Fences a closed quarter again whose fence somebody took away, when it still holds what was closed. Writers of the
 * quarter are kept out while that is looked at, in one transaction: killed in between nothing is fenced, so that a
 * quarter that was changed cannot look as if it had not been.
 *
 * @returns undefined when there is nothing to do any more
 * @throws AppError corrupt/quarter_changed when it holds something else; then it stays without, for a person to see
 * @throws AppError busy/quarter_busy, busy/lock_timeout
 */
export async function fenceAgain(
  house: QuarterHouse,
  session: Db,
  run: QuarterRun,
  quarter: string,
): Promise<Repair | undefined> {
  return withQuarterLock(session, quarter, async (locked) => {
    const row = await readQuarter(locked, quarter);
    const partitions = await readQuarterPartitions(locked, quarter);
    const tables = partitions
      .filter(({ attachment, fenced }) => attachment === 'attached' && !fenced)
      .map(({ table }) => table);
    const closed = row.state === 'closed' || row.state === 'archived' || row.state === 'restored';
    // A table that is gone is a finding of its own, and without it nothing can be compared.
    const whole = partitions.every(({ attachment }) => attachment !== 'missing');
    if (!closed || !whole || tables.length === 0) return undefined;
    const relations = tables.map((table) => [table.schema, partitionName(table, quarter)] as const);
    const relation = relations.map((parts) => parts.join('.')).join(', ');
    const did = tables.map((table) => fenceSql(partitionSql(table, quarter)));
    const options = { signal: run.signal, onBlocked: run.onBlocked, relations };
    await run.step?.('repair.before.fence');
    await withLongStatements(locked, { ...options, pool: house.database.direct }, () =>
      withShortLock(
        locked,
        async (trx) => {
          await holdWriters(trx, tables, quarter);
          const found = await digestQuarter(trx, quarter);
          if (found.digest !== row.digest) throw changed(quarter, found.rows, row);
          await fence(trx, did, options);
          await recordEvent(trx, quarter, 'repair', run, { relation, code: 'fence_missing', did });
          await run.step?.('repair.fenced');
        },
        options,
      ),
    );
    await run.step?.('repair.after.fence');
    return { code: 'fence_missing', quarter, relation, did };
  });
}

/** The last step needs everybody out for a moment, and to fail there must not cost the reading of the quarter. */
async function fence(
  trx: Trx,
  statements: readonly string[],
  { relations, signal, onBlocked }: ShortLockOptions,
): Promise<void> {
  const names = relations.map((parts) => parts.join('.'));
  const aged = createBlockerAges();
  try {
    await retry(
      async () => {
        await sql`SAVEPOINT fence`.execute(trx);
        await sql.raw(statements.join(';\n')).execute(trx);
      },
      {
        retryable: (error) => sqlState(error) === '55P03',
        attempts: 60,
        baseMs: 50,
        capMs: 2000,
        signal,
        onRetry: async (_error, attempt) => {
          await sql`ROLLBACK TO SAVEPOINT fence`.execute(trx);
          onBlocked?.(names, aged(await lockHolders(trx, relations)), attempt, 'short');
        },
      },
    );
  } catch (error) {
    throw toAppError(error);
  }
}

async function digestQuarter(
  trx: Trx,
  quarter: string,
): Promise<{ readonly digest: string; readonly rows: ReadonlyMap<string, bigint> }> {
  const digests: TableDigest[] = [];
  for (const table of quarterTables) {
    const counted = await digestOfTable(trx, table.columns, partitionSql(table, quarter));
    digests.push({ name: table.name, ...counted });
  }
  return {
    digest: combineDigests(digests),
    rows: new Map(digests.map(({ name, rows }) => [name, rows])),
  };
}

function changed(
  quarter: string,
  rows: ReadonlyMap<string, bigint>,
  row: { readonly transactions: bigint | null; readonly entries: bigint | null },
): AppError {
  const found = [...rows].map(([name, count]) => `${count} ${name}`).join(' and ');
  const detail = `${quarter} was closed with ${row.transactions} transactions and ${row.entries} entries, lost its fence, and holds other rows now: ${found}. It is not fenced again. Find what came or went (the archive has what was closed), put it right, then run \`quartermaster reconcile --fix\`.`;
  return new AppError('corrupt', 'quarter_changed', detail);
}
