import { stopwatch } from '../core/clock.ts';
import { AppError, assert } from '../core/errors.ts';
import type { Calendar } from '../core/quarter.ts';
import type { Database } from '../db/database.ts';
import type { Db } from '../db/schema.ts';
import { toAppError } from '../db/sqlstate.ts';
import { throwIfAborted } from '../platform/retry.ts';
import { type Backlog, type Chunk, createBacklog } from './refresh-backlog.ts';
import { inHalves, refreshDays, withRefreshSession } from './refresh-chunk.ts';
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
  await run.work(parallel);
  if (run.faults.length > 0) throw faultOf(run.faults);
  await recordRefresh(database.write, 'daily summaries', seconds(), { ...run.report });
  return run.report;
}

interface Run {
  readonly backlog: Backlog<MarkedDay>;
  readonly report: RefreshReport;
  /** Days that cannot be summed up. */
  readonly faults: readonly Fault[];
  /** Works until nothing is left, in so many lanes at most: on as many quarters at a time. */
  work(parallel: number): Promise<void>;
}

interface Fault {
  readonly ledgerId: number;
  readonly day: string;
  readonly error: AppError;
}

/** The first of the faults, with the day it is of. */
function faultOf(faults: readonly Fault[]): AppError {
  const [first] = faults;
  assert(first !== undefined, 'there is no fault');
  const { ledgerId, day, error } = first;
  const others = faults.length === 1 ? '' : ` So it is with ${faults.length - 1} other days.`;
  const detail = `${day} of ledger ${ledgerId} cannot be summed up: ${error.detail}${others} All other days are done.`;
  return new AppError(error.kind, error.code, detail, { cause: error.cause });
}

function createRun(options: RefreshOptions): Run {
  const { database, calendar, signal, onProgress, lookAgainAfter = 10 } = options;
  const backlog = createBacklog<MarkedDay>();
  const report = { days: 0, summaries: 0, balances: 0, skipped: [] as string[] };
  const faults: Fault[] = [];
  const stop = new AbortController();
  const ended = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
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

  async function workAll(session: Db, onFound: () => void): Promise<void> {
    for (let chunk = backlog.take(size); chunk !== undefined; chunk = backlog.take(size)) {
      const took = stopwatch();
      const { quarter, days } = chunk;
      await inHalves(
        days,
        (some) => work(session, { quarter, days: some }),
        ({ ledgerId, day }, error) => faults.push({ ledgerId, day, error }),
      );
      backlog.finish(chunk);
      done += days.length;
      chunks++;
      onProgress?.({ what: quarter.name, done, total: done + backlog.days() });
      if (took() < SECONDS.short && days.length >= size) size = Math.min(size * 2, SIZES.most);
      if (took() > SECONDS.long) size = Math.max(1, Math.floor(size / 2));
      await lookAgain();
      onFound();
    }
  }

  async function lane(onFound: () => void): Promise<void> {
    const relations = [['quartermaster', 'summary_marks']] as const;
    const long = { pool: database.write, relations, signal: ended };
    await withRefreshSession(database.direct, long, (session) => workAll(session, onFound));
  }

  return {
    backlog,
    report,
    faults,
    async work(parallel) {
      const lanes: Promise<void>[] = [];
      let working = 0;
      let cause: AppError | undefined;
      // More may be found than there was at the start, so a lane that has finished a chunk, and takes another itself, asks again.
      const start = (own: number) => {
        for (let free = backlog.free() - own; free > 0 && working < parallel && cause === undefined; free--) {
          working++;
          const end = lane(() => start(1))
            // The first failure tells the other lanes to stop, so theirs say only that.
            .catch((error: unknown) => {
              cause ??= toAppError(error);
              stop.abort();
            })
            .finally(() => working--);
          lanes.push(end);
        }
      };
      start(0);
      // One that is started meanwhile comes behind the others, and is waited for too.
      for (const one of lanes) await one;
      if (cause !== undefined) throw cause;
    },
  };
}
