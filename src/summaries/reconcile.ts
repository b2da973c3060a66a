import type { Clock } from '../core/clock.ts';
import type { Calendar, Quarter } from '../core/quarter.ts';
import type { Database } from '../db/database.ts';
import type { Db, Trx } from '../db/schema.ts';
import { throwIfAborted } from '../platform/retry.ts';
import { countDays, type LedgerDay } from './daily.ts';
import { type Comparison, compareDays, type Difference, deleteSurplus } from './reconcile-compare.ts';
import { recordRepair } from './reconcile-event.ts';
import { remarkDays } from './reconcile-remark.ts';
import { sampleDays } from './reconcile-sample.ts';
import { inHalves, inSnapshot, isAttached, withRefreshLock, withRefreshSession } from './refresh-chunk.ts';
import { writeDays } from './refresh-write.ts';

export interface ReconcileOptions {
  readonly database: Database;
  readonly calendar: Calendar;
  readonly clock: Clock;
  /** Who asked: a person's name, or `schedule`. */
  readonly actor: string;
  /** Days of a ledger to look at, beside yesterday of every ledger (100). */
  readonly days?: number;
  /** All days of this quarter instead, of every ledger. */
  readonly quarter?: string | undefined;
  /** Repairs what differs (yes). */
  readonly fix?: boolean;
  /** In [0, 1), as Math.random, which it is unless told otherwise. */
  readonly random?: () => number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: { what: string; done: number; total: number }) => void;
  /** Told of what differs as it is found, before it is repaired: a run that is stopped or killed has told what it changed. */
  readonly onDifference?: (found: FoundDifferences) => void;
}

/** What differs of some days of a quarter. */
export interface FoundDifferences {
  readonly quarter: string;
  readonly differences: number;
  readonly differingDays: number;
  /** The first of them. */
  readonly differing: readonly (Difference & { readonly quarter: string })[];
}

export interface SummaryReconcileReport {
  /** Days that were marked again at the start, because totals by kind of account were never made of them. */
  readonly remarkedDays: number;
  /** Days of a ledger that were held against the rows. */
  readonly checkedDays: number;
  /** Days that were marked, so that their summaries lag and need not be right. */
  readonly markedDays: number;
  /** Rows that are missing, other or too much, and days that have such. */
  readonly differences: number;
  readonly differingDays: number;
  /** Those of the days that this run repaired. */
  readonly repairedDays: number;
  /** Those that are as they were. Of the others that are not repaired, another run was faster, or the next refresh counts them. */
  readonly remainingDays: number;
  /** Quarters that left while the run went, so that their days were not, or not all, looked at. */
  readonly skipped: readonly string[];
  /** The first hundred of the differences, with their numbers. */
  readonly differing: readonly (Difference & { readonly quarter: string })[];
  /** Days that could not be counted, and why. */
  readonly failed: readonly { readonly ledgerId: number; readonly day: string; readonly detail: string }[];
}

/** Differences that a report tells in full. */
const MOST_TOLD = 100;

/** Days that are counted in one transaction. */
const CHUNK = 50;

interface Found extends Comparison {
  readonly checked: number;
  readonly marked: number;
}

/**
 * Holds a sample of days against the rows they are made of: each in one snapshot, with all four tables. A day that is marked in it is
 * left to the refresh. What differs is counted again under the lock of the quarter, and repaired in that transaction, with an event of
 * the quarter: rows that are missing are written, others corrected, and those of what was never booked deleted.
 *
 * The rows of a closed quarter cannot change, so there a difference is damage or somebody's hand; the event says so. Days that lack what no
 * refresh before an upgrade could make of them are no difference: they are marked at the start (`remarkDays`).
 *
 * @throws AppError not_found/no_such_quarter, conflict/quarter_state, refused/partition_not_attached: of `quarter`
 */
export async function reconcileSummaries(options: ReconcileOptions): Promise<SummaryReconcileReport> {
  const { database, calendar, clock, days = 100, quarter: only, random = Math.random, signal } = options;
  const at = { db: database.write, calendar, now: clock.now() };
  const remarkedDays = await remarkDays(at);
  const sample = await sampleDays({ ...at, days, quarter: only, random });
  const total = sample.reduce((sum, one) => sum + one.days.length, 0);
  const report = {
    remarkedDays,
    checkedDays: 0,
    markedDays: 0,
    differences: 0,
    differingDays: 0,
    repairedDays: 0,
    remainingDays: 0,
    skipped: [] as string[],
    differing: [] as SummaryReconcileReport['differing'][number][],
    failed: [] as SummaryReconcileReport['failed'][number][],
  };
  let done = 0;

  async function look(session: Db, quarter: Quarter, some: readonly LedgerDay[]): Promise<void> {
    throwIfAborted(signal);
    const found = await inSnapshot(session, (trx) => compare(trx, options, quarter, some));
    // The catalog is asked as it is now: a quarter that left while it was read may have had no rows.
    if (found === undefined || !(await isAttached(database.write, quarter))) {
      skip(quarter);
      return;
    }
    report.checkedDays += found.checked;
    report.markedDays += found.marked;
    if (found.count === 0) return;
    report.differences += found.count;
    report.differingDays += found.days.length;
    const differing = found.differences.map((one) => ({ ...one, quarter: quarter.name }));
    report.differing.push(...differing.slice(0, MOST_TOLD - report.differing.length));
    const differingDays = found.days.length;
    options.onDifference?.({ quarter: quarter.name, differences: found.count, differingDays, differing });
    if (options.fix === false) {
      report.remainingDays += differingDays;
      return;
    }
    const wanted = some.filter((one) => found.days.some((day) => isSame(day, one)));
    const repaired = await repair(session, options, quarter, wanted);
    if (repaired === undefined) {
      report.remainingDays += differingDays;
      skip(quarter);
    } else report.repairedDays += repaired;
  }

  function skip({ name }: Quarter): void {
    if (!report.skipped.includes(name)) report.skipped.push(name);
  }

  if (sample.length === 0) return report;
  const long = { pool: database.write, relations: [], signal };
  await withRefreshSession(database.direct, long, async (session) => {
    for (const { quarter, days: all } of sample) {
      for (let from = 0; from < all.length; from += CHUNK) {
        const chunk = all.slice(from, from + CHUNK);
        await inHalves(
          chunk,
          (some) => look(session, quarter, some),
          ({ ledgerId, day }, { detail }) => report.failed.push({ ledgerId, day, detail }),
        );
        done += chunk.length;
        options.onProgress?.({ what: quarter.name, done, total });
      }
    }
  });
  return report;
}

/** Counts and compares in the snapshot of the transaction. Undefined when the quarter is not attached in it. */
async function compare(
  trx: Trx,
  { calendar }: ReconcileOptions,
  quarter: Quarter,
  days: readonly LedgerDay[],
): Promise<Found | undefined> {
  if (!(await isAttached(trx, quarter))) return undefined;
  const marks = await trx
    .selectFrom('quartermaster.summary_marks')
    .select(['ledger_id as ledgerId', 'day'])
    .distinct()
    .where(
      'day',
      'in',
      days.map(({ day }) => day),
    )
    .execute();
  const clean = days.filter((day) => !marks.some((mark) => isSame(mark, day)));
  const nothing = { count: 0, days: [], differences: [] };
  const marked = days.length - clean.length;
  if (clean.length === 0) return { ...nothing, checked: 0, marked };
  await countDays(trx, calendar, quarter, clean);
  return { ...(await compareDays(trx, clean, MOST_TOLD)), checked: clean.length, marked };
}

/**
 * Compares again with nobody else writing the quarter's summaries, and repairs what still differs; how many days that were. Days that
 * were marked meanwhile are the refresh's. Undefined, and nothing is repaired, when the quarter has left.
 */
async function repair(
  session: Db,
  options: ReconcileOptions,
  quarter: Quarter,
  days: readonly LedgerDay[],
): Promise<number | undefined> {
  return withRefreshLock(session, quarter, () =>
    inSnapshot(session, async (trx) => {
      const found = await compare(trx, options, quarter, days);
      if (found === undefined) return undefined;
      if (found.count === 0) return 0;
      const differing = days.filter((one) => found.days.some((day) => isSame(day, one)));
      await writeDays(trx, differing);
      await deleteSurplus(trx);
      await recordRepair(trx, options.actor, quarter, found);
      return differing.length;
    }),
  );
}

function isSame(a: { ledgerId: number; day: string }, b: { ledgerId: number; day: string }): boolean {
  return a.ledgerId === b.ledgerId && a.day === b.day;
}
