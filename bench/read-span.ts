import type { Calendar, Quarter } from '../src/core/quarter.ts';

/** Over which quarters how many rows are spread. */
export const QUARTERS = 8;

/** A quarter's part of the rows: those with numbers from `first` up to `end`, which is not one of them. */
export interface Part {
  readonly quarter: Quarter;
  readonly first: bigint;
  readonly end: bigint;
}

/** All the time the rows are spread over, evenly: row n is of the instant `start + n * length / rows`, in milliseconds. */
export interface Span {
  readonly rows: bigint;
  readonly start: bigint;
  readonly length: bigint;
  readonly parts: readonly Part[];
}

/** Eight quarters, of which the last goes on still: it has rows up to the day before `now`, whose summaries are whole. */
export function spanOf(calendar: Calendar, now: Date, rows: number): Span {
  const today = calendar.startOfDay(calendar.dayOf(now));
  // On the first day of a quarter it has no rows yet, so the last with rows is the one before.
  const quarters = [calendar.quarterOf(new Date(today.getTime() - 1))];
  while (quarters.length < QUARTERS) {
    const [first] = quarters as [Quarter];
    quarters.unshift(calendar.quarterOf(new Date(first.start.getTime() - 1)));
  }
  const start = BigInt((quarters[0] as Quarter).start.getTime());
  const length = BigInt(today.getTime()) - start;
  const count = BigInt(rows);
  /** The number of the first row at this instant or later. */
  const firstAt = (instant: Date) => {
    const since = BigInt(Math.min(instant.getTime(), today.getTime())) - start;
    return (since * count + length - 1n) / length;
  };
  const parts = quarters.map((quarter) => ({
    quarter,
    first: firstAt(quarter.start),
    end: firstAt(quarter.end),
  }));
  return { rows: count, start, length, parts };
}
