import { sql } from 'kysely';
import type { AppError } from '../core/errors.ts';
import type { Calendar, Quarter } from '../core/quarter.ts';
import { partitionName, quarterTables } from '../core/tables.ts';
import { identifier } from '../db/identifier.ts';
import { type LongStatementOptions, withLongStatements } from '../db/long-statement.ts';
import type { Db, Trx } from '../db/schema.ts';
import { toAppError } from '../db/sqlstate.ts';
import { countDays } from './daily.ts';
import { type MarkedDay, takeMarks } from './refresh-marks.ts';
import { type Written, writeDays } from './refresh-write.ts';

/**
 * Counts marked days of one quarter anew, all of them in one transaction and in one snapshot: the marks it sees it deletes, and
 * the rows it sees it counts; what is posted meanwhile it does not see, and that has left a mark of its own for the next run. Who
 * reads sees the days as they were or as they are, in all tables.
 *
 * Undefined, and nothing is changed, when the quarter is not attached.
 *
 * @param session a direct one: it holds the quarter's lock
 */
export async function refreshDays(
  session: Db,
  calendar: Calendar,
  quarter: Quarter,
  days: readonly MarkedDay[],
): Promise<(Written & { readonly days: number }) | undefined> {
  return withRefreshLock(session, quarter, () =>
    inSnapshot(session, async (trx) => {
      if (!(await isAttached(trx, quarter))) return undefined;
      const taken = await takeMarks(trx, days);
      if (taken.length === 0) return { days: 0, summaries: 0, balances: 0 };
      await countDays(trx, calendar, quarter, taken);
      return { days: taken.length, ...(await writeDays(trx, taken)) };
    }),
  );
}

/**
 * Runs `action` with a direct session for long statements. A cancel that is meant for one of them may hit the statement that gives a
 * lock back, so all are given back once more when nobody cancels any longer: a session goes back to the pool without any.
 */
export async function withRefreshSession<T>(
  direct: Db,
  options: LongStatementOptions,
  action: (session: Db) => Promise<T>,
): Promise<T> {
  return direct.connection().execute(async (session) => {
    try {
      return await withLongStatements(session, options, () => action(session));
    } finally {
      await sql`SELECT pg_advisory_unlock_all()`.execute(session).catch(() => undefined);
    }
  });
}

/**
 * Runs `action` while this session alone writes the summaries of the quarter: two that want the same one take turns. Days of different
 * quarters have no row in common, so nobody waits for two locks and there is no deadlock. It is the session's lock
 * and not a transaction's, for the snapshot must be taken after it: one taken while waiting would not see what the other has done.
 */
export async function withRefreshLock<T>(
  session: Db,
  quarter: Quarter,
  action: () => Promise<T>,
): Promise<T> {
  const key = sql`hashtextextended(${`quartermaster refresh-summaries ${quarter.name}`}, 0)`;
  await sql`SELECT pg_advisory_lock(${key})`.execute(session);
  try {
    return await action();
  } finally {
    // When the session is dead the lock is gone with it, and the failure that matters is already on its way.
    await sql`SELECT pg_advisory_unlock(${key})`.execute(session).catch(() => undefined);
  }
}

/** All statements of the transaction see the database as it was at the first of them. */
export async function inSnapshot<T>(session: Db, action: (trx: Trx) => Promise<T>): Promise<T> {
  return session.transaction().setIsolationLevel('repeatable read').execute(action);
}

/**
 * Works on all days at once, and in halves where that fails for what the data are: one day that cannot be summed up must not keep
 * all others, of other ledgers too, from being. `onFault` is told of each such day; any other failure is the caller's.
 */
export async function inHalves<Day>(
  days: readonly Day[],
  work: (days: readonly Day[]) => Promise<void>,
  onFault: (day: Day, error: AppError) => void,
): Promise<void> {
  try {
    await work(days);
  } catch (error) {
    const known = toAppError(error);
    // A database that is away is no fault of the day's; nor is a cancel, which is known further up.
    if (known.kind !== 'invalid') throw error;
    if (days.length === 1) {
      onFault(days[0] as Day, known);
      return;
    }
    const half = Math.ceil(days.length / 2);
    await inHalves(days.slice(0, half), work, onFault);
    await inHalves(days.slice(half), work, onFault);
  }
}

/** True when all tables of the quarter are attached, and none is on its way out. */
export async function isAttached(db: Db, quarter: Quarter): Promise<boolean> {
  const parents = quarterTables.map((table) => identifier(table.schema, table.name));
  const partitions = quarterTables.map((table) =>
    identifier(table.schema, partitionName(table, quarter.name)),
  );
  const { rows } = await sql<{ attached: boolean }>`
    SELECT bool_and(i.inhrelid IS NOT NULL) AS attached
    FROM unnest(${parents}::text[], ${partitions}::text[]) AS t (parent, partition)
    LEFT JOIN pg_catalog.pg_inherits AS i
      ON i.inhparent = to_regclass(t.parent) AND i.inhrelid = to_regclass(t.partition)
      AND NOT i.inhdetachpending`.execute(db);
  return rows[0]?.attached ?? false;
}
