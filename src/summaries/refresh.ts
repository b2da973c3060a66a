import { stopwatch } from '../core/clock.ts';
import type { Calendar } from '../core/quarter.ts';
import type { Database } from '../db/database.ts';
import { withLongStatements } from '../db/long-statement.ts';
import type { Db } from '../db/schema.ts';
import { toAppError } from '../db/sqlstate.ts';
import { throwIfAborted } from '../platform/retry.ts';
import { type Backlog, type Chunk, createBacklog } from './refresh-backlog.ts';
import { inHalves, refreshDays } from './refresh-chunk.ts';
import { type MarkedDay, readMarkedDays } from './refresh-marks.ts';
import { recordRefresh } from './refreshes.ts';

export interface RefreshOptions {
  readonly database: Database;
  readonly calendar: Calendar;
  /** Quarters that are worked on side by side, each on a direct connection of its own (2). */
  readonly parallel?: number;
  /** Seconds after which a run that has long work to do looks again for what was marked meanwhile (10). */
  readonly lookAgainAfter?: number;
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

/** How many days one transaction works off: what a killed run loses. It follows from how long the last one took. */
const SIZES = { first: 30, most: 1000 };
const SECONDS = { short: 2, long: 8 };

/**
 * Brings the summaries of every marked day up to date by counting the day anew. Days marked while this runs are the
 * next run's, or this one's if it takes long. Each chunk of days is one transaction; a run that is stopped or killed loses the
 * chunk it is at, whose marks are still there.
 */
export async function refreshSummaries(options: RefreshOptions): Promise<RefreshReport> {
  const { database, calendar, parallel = 2 } = options;
  const seconds = stopwatch();
  const run = createRun(options);
  run.backlog.add(await readMarkedDays(database.write, calendar));
  const lanes = Array.from({ length: Math.min(parallel, run.backlog.quarters()) }, () => run.lane());
  const ends = await Promise.allSettled(lanes);
  const failed = ends.filter((end) => end.status === 'rejected');
  // The first failure told the other lanes to stop, so theirs say only that.
  if (failed.length > 0) throw run.cause() ?? failed[0]?.reason;
  if (run.failures.length > 0) throw run.failures[0];
  await recordRefresh(database.write, 'daily summaries', seconds(), { ...run.report });
  return run.report;
}

interface Run {
  readonly backlog: Backlog<MarkedDay>;
  readonly report: RefreshReport;
  /** Of days that cannot be summed up. */
  readonly failures: readonly unknown[];
  /** Works until nothing is left that another lane does not work on. */
  lane(): Promise<void>;
  /** What ended the run, where something did. */
  cause(): unknown;
}

function createRun(options: RefreshOptions): Run {
  const { database, calendar, signal, onProgress, lookAgainAfter = 10 } = options;
  const backlog = createBacklog<MarkedDay>();
  const report = { days: 0, summaries: 0, balances: 0, skipped: [] as string[] };
  const failures: unknown[] = [];
  const stop = new AbortController();
  const ended = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  let cause: unknown;
  let done = 0;
  let size = SIZES.first;
  let looked = stopwatch();
  /** Chunks since the last look. The first of them is what was found new; with the second something older has its turn. */
  let chunks = 0;

  async function work(session: Db, { quarter, days }: Chunk<MarkedDay>): Promise<void> {
    throwIfAborted(ended);
    const written = await refreshDays(session, calendar, quarter, days);
    if (written === undefined) {
      backlog.giveUp(quarter);
      if (!report.skipped.includes(quarter.name)) report.skipped.push(quarter.name);
      return;
    }
    report.days += written.days;
    report.summaries += written.summaries;
    report.balances += written.balances;
  }

  /** The current quarter does not wait until the load of old ones is worked off. */
  async function lookAgain(): Promise<void> {
    if (looked() < lookAgainAfter || chunks < 2 || backlog.quarters() === 0) return;
    looked = stopwatch();
    chunks = 0;
    backlog.add(await readMarkedDays(database.write, calendar));
  }

  async function workAll(session: Db): Promise<void> {
    for (let chunk = backlog.take(size); chunk !== undefined; chunk = backlog.take(size)) {
      const took = stopwatch();
      const { quarter, days } = chunk;
      await inHalves(
        days,
        (some) => work(session, { quarter, days: some }),
        (_day, error) => failures.push(error),
      );
      backlog.finish(chunk);
      done += days.length;
      chunks++;
      onProgress?.({ what: quarter.name, done, total: done + backlog.days() });
      if (took() < SECONDS.short && days.length >= size) size = Math.min(size * 2, SIZES.most);
      if (took() > SECONDS.long) size = Math.max(1, Math.floor(size / 2));
      await lookAgain();
    }
  }

  return {
    backlog,
    report,
    failures,
    cause: () => cause,
    async lane() {
      try {
        await database.direct
          .connection()
          .execute((session) =>
            withLongStatements(
              session,
              { pool: database.write, relations: [['quartermaster', 'summary_marks']], signal: ended },
              () => workAll(session),
            ),
          );
      } catch (error) {
        cause ??= toAppError(error);
        stop.abort();
        throw error;
      }
    },
  };
}
