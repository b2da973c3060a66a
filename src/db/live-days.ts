import { sql } from 'kysely';
import { type DayRange, type Span, spanOfDay } from '../core/days.ts';
import type { Calendar } from '../core/quarter.ts';
import { readLeaving, readOfflineQuarters } from './offline-quarters.ts';
import type { Db } from './schema.ts';

/** A day whose stored figures may be behind, so that its rows are counted instead. */
export interface LiveDay extends Span {
  readonly day: string;
}

/** What a reader of summaries has to know of the marks. */
export interface LiveDays {
  /** At most 62, the newest. */
  readonly live: readonly LiveDay[];
  /** Marked days whose stored figures are taken all the same, oldest first: what is posted there may be missing. */
  readonly stale: readonly string[];
}

/** More than two months of rows are not counted for one answer. */
const MAX_LIVE = 62;

/** How often an answer is read: first as if no day were marked, and again while marks were found that it did not know of. */
const TRIES = 5;

/**
 * Reads exact figures of a range of days: marked days from their rows, all others as they are stored. `read` is one statement,
 * hence one snapshot, and names the marked days that it was not told of (`missedDays`); then it is asked again with
 * them. A day that was told and is not marked any more is counted all the same, and is right.
 *
 * Days whose quarter is not online have no rows to count, and their stored figures are taken. One that may leave is asked for once more
 * after the read: rows that left in between count as none, so then it is read again.
 */
export async function readWithLiveDays<T extends { readonly missed: readonly string[] }>(
  house: { readonly db: Db; readonly calendar: Calendar },
  read: (days: LiveDays) => Promise<T>,
): Promise<{ readonly result: T; readonly stale: readonly string[] }> {
  const { db, calendar } = house;
  let marked: readonly string[] = [];
  for (let attempt = 1; ; attempt++) {
    const days = await sortOut(db, calendar, marked);
    const result = await read(days);
    const left = await leftMeanwhile(db, days);
    if (result.missed.length === 0 && left.length === 0) return { result, stale: days.stale };
    if (attempt === TRIES) return { result, stale: [...days.stale, ...left, ...result.missed].sort() };
    marked = [...marked, ...result.missed];
  }
}

/**
 * The marked days of the range that are not among those known, as an array of text. It reads all marks, which a refresh keeps few;
 * after hours without one there may be a million, and that takes an eighth of a second.
 */
export function missedDays(ledgerId: number, range: DayRange, known: readonly string[]) {
  return sql<string[]>`ARRAY(
    SELECT to_char(d.day, 'YYYY-MM-DD') FROM (
      SELECT DISTINCT m.day FROM quartermaster.summary_marks AS m
      WHERE m.ledger_id = ${ledgerId}::integer AND m.day >= ${range.first ?? '-infinity'}::date
        AND m.day < ${range.before ?? 'infinity'}::date AND m.day <> ALL (${known}::date[])
    ) AS d)`;
}

interface SortedDays extends LiveDays {
  /** Those of the live days whose quarter may leave at any moment. */
  readonly leaving: readonly LiveDay[];
}

async function sortOut(db: Db, calendar: Calendar, marked: readonly string[]): Promise<SortedDays> {
  if (marked.length === 0) return { live: [], stale: [], leaving: [] };
  const all = [...marked].sort().map((day) => ({ day, ...spanOfDay(calendar, day) }));
  const quarters = await readLeaving(db, all[0]?.start, all.at(-1)?.end);
  const offline = quarters.filter(({ leaving }) => !leaving);
  const online = all.filter((day) => !isIn(offline, day));
  const live = online.slice(-MAX_LIVE);
  const counted = new Set(live.map(({ day }) => day));
  const stale = all.filter(({ day }) => !counted.has(day)).map(({ day }) => day);
  return { live, stale, leaving: live.filter((day) => isIn(quarters, day)) };
}

/** Days that were counted from rows that may have left before they were read. */
async function leftMeanwhile(db: Db, { leaving }: SortedDays): Promise<string[]> {
  if (leaving.length === 0) return [];
  const offline = await readOfflineQuarters(db, leaving[0]?.start, leaving.at(-1)?.end);
  return leaving.filter((day) => isIn(offline, day)).map(({ day }) => day);
}

function isIn(quarters: readonly Span[], { start }: LiveDay): boolean {
  return quarters.some((quarter) => start >= quarter.start && start < quarter.end);
}
