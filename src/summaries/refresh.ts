import { sql } from 'kysely';
import { spanOfDay } from '../core/days.ts';
import { isAppError } from '../core/errors.ts';
import type { Calendar, Quarter } from '../core/quarter.ts';
import { partitionName, quarterTables } from '../core/tables.ts';
import type { Database } from '../db/database.ts';
import { identifier } from '../db/identifier.ts';
import type { Db, Trx } from '../db/schema.ts';
import { toAppError } from '../db/sqlstate.ts';
import { throwIfAborted } from '../platform/retry.ts';
import { closeBalances, countTransactions, type LedgerDay, totalDays } from './daily.ts';

export interface RefreshOptions {
  readonly database: Database;
  readonly calendar: Calendar;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: { what: string; done: number; total: number }) => void;
}

export interface RefreshReport {
  /** Days of a ledger that were worked off. */
  readonly days: number;
  /** Rows of daily_transaction_summary and of daily_balances that were written because they were new or different. */
  readonly summaries: number;
  readonly balances: number;
  /** Quarters that are not attached: their marks are kept until they are. */
  readonly skipped: readonly string[];
}

/** How many days one transaction works off: a killed run loses that much and no more. */
const CHUNK = 100;

/**
 * Brings the summaries of every marked day up to date by counting the day anew. Days marked while this runs are the
 * next run's.
 */
export async function refreshSummaries(options: RefreshOptions): Promise<RefreshReport> {
  const { database, calendar, signal } = options;
  const quarters = await markedDays(database.write, calendar);
  const total = quarters.reduce((sum, { days }) => sum + days.length, 0);
  const report = { days: 0, summaries: 0, balances: 0, skipped: [] as string[] };
  const failures: unknown[] = [];
  let done = 0;
  for (const { quarter, days } of quarters) {
    for (let from = 0; from < days.length; from += CHUNK) {
      throwIfAborted(signal);
      const chunk = days.slice(from, from + CHUNK);
      const written = await refreshDays(database.write, quarter, chunk).catch((error: unknown) => {
        // One day that cannot be summed up must not keep all others, of other ledgers too, from being. A database
        // that is away is no fault of the day's.
        if (!isAppError(error, 'invalid')) throw error;
        failures.push(error);
        return { days: 0, summaries: 0, balances: 0 };
      });
      if (written === undefined) {
        report.skipped.push(quarter.name);
        break;
      }
      report.days += written.days;
      report.summaries += written.summaries;
      report.balances += written.balances;
      done += chunk.length;
      options.onProgress?.({ what: quarter.name, done, total });
    }
  }
  if (failures.length > 0) throw failures[0];
  return report;
}

/** The marked days, quarter by quarter, oldest first. */
async function markedDays(db: Db, calendar: Calendar): Promise<{ quarter: Quarter; days: LedgerDay[] }[]> {
  const marks = await db
    .selectFrom('quartermaster.summary_marks')
    .select(['ledger_id', 'day'])
    .distinct()
    .orderBy('day')
    .orderBy('ledger_id')
    .execute();
  const quarters = new Map<string, { quarter: Quarter; days: LedgerDay[] }>();
  for (const { ledger_id: ledgerId, day } of marks) {
    // The bounds come from the calendar that gave the mark its day, so that no session's time zone can shift them.
    const start = calendar.startOfDay(day);
    const quarter = calendar.quarterOf(start);
    const found = quarters.get(quarter.name) ?? { quarter, days: [] };
    found.days.push({ ledgerId, day, ...spanOfDay(calendar, day) });
    quarters.set(quarter.name, found);
  }
  return [...quarters.values()];
}

/** Undefined, and nothing is changed, when the quarter is not attached. */
async function refreshDays(
  db: Db,
  quarter: Quarter,
  days: readonly LedgerDay[],
): Promise<{ days: number; summaries: number; balances: number } | undefined> {
  const trx = await db.startTransaction().setIsolationLevel('read committed').execute();
  try {
    // Two runs take turns. The rows of the marks would see to that too, but in any order: with deadlocks.
    await sql`SELECT pg_advisory_xact_lock(hashtextextended('quartermaster refresh-summaries', 0))`.execute(
      trx,
    );
    const taken = await takeMarks(trx, days);
    const summaries = await countTransactions(trx, quarter, taken);
    await totalDays(trx, taken);
    const balances = await closeBalances(trx, quarter, taken);
    // Asked last, for a quarter that is detached meanwhile reads as empty, and its marks must then stay.
    if (!(await isAttached(trx, quarter))) {
      await trx.rollback().execute();
      return undefined;
    }
    await trx.commit().execute();
    return { days: taken.length, summaries, balances };
  } catch (error) {
    if (!trx.isRolledBack && !trx.isCommitted)
      await trx
        .rollback()
        .execute()
        .catch(() => {});
    throw toAppError(error);
  }
}

/**
 * Deletes the marks of these days and says which days had any. It comes before the counting, whose statements see
 * more: what is posted in between is counted now or not, and has left a mark of its own for the next run.
 */
async function takeMarks(trx: Trx, days: readonly LedgerDay[]): Promise<LedgerDay[]> {
  const { rows } = await sql<{ ledger_id: number; day: string }>`
    DELETE FROM quartermaster.summary_marks AS m
    USING unnest(${days.map(({ ledgerId }) => ledgerId)}::integer[], ${days.map(({ day }) => day)}::date[]) AS d (ledger_id, day)
    WHERE m.ledger_id = d.ledger_id AND m.day = d.day
    RETURNING m.ledger_id, m.day`.execute(trx);
  const marked = new Set(rows.map((row) => `${row.ledger_id} ${row.day}`));
  return days.filter(({ ledgerId, day }) => marked.has(`${ledgerId} ${day}`));
}

/** True when all tables of the quarter are attached, and none is on its way out. */
async function isAttached(trx: Trx, quarter: Quarter): Promise<boolean> {
  const parents = quarterTables.map((table) => identifier(table.schema, table.name));
  const partitions = quarterTables.map((table) =>
    identifier(table.schema, partitionName(table, quarter.name)),
  );
  const { rows } = await sql<{ attached: boolean }>`
    SELECT bool_and(i.inhrelid IS NOT NULL) AS attached
    FROM unnest(${parents}::text[], ${partitions}::text[]) AS t (parent, partition)
    LEFT JOIN pg_catalog.pg_inherits AS i
      ON i.inhparent = to_regclass(t.parent) AND i.inhrelid = to_regclass(t.partition)
      AND NOT i.inhdetachpending`.execute(trx);
  return rows[0]?.attached ?? false;
}
