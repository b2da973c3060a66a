import { daysOfQuarter, shiftDay } from './days.ts';

export const periodNames = ['day', 'week', 'month', 'quarter'] as const;
export type Period = (typeof periodNames)[number];

/** A line of `summaries/daily`. */
export interface SummaryLine {
  readonly period: string;
  readonly start: string;
  readonly currency: string;
  readonly status: 'SUCCESS' | 'FAILED';
  readonly transaction_count: number;
  readonly total_amount: string;
}

/** What was booked and what failed, period by period; an amount is in minor units and no float. */
export interface Column<T> {
  readonly booked: readonly T[];
  readonly failed: readonly T[];
}

export interface Chart {
  /** First days of the periods, oldest first, those in which nothing was too. */
  readonly starts: readonly string[];
  /** 2026-03-31, 2026-W14, 2026-03 or 2026q1. */
  readonly names: readonly string[];
  readonly counts: Column<number>;
  readonly amounts: ReadonlyMap<string, Column<bigint>>;
}

/** The first day of the period that holds the day; weeks begin on Monday, as the API has them. */
export function startOfPeriod(day: string, period: Period): string {
  switch (period) {
    case 'day':
      return day;
    case 'week': {
      const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
      return shiftDay(day, -((weekday + 6) % 7));
    }
    case 'month':
      return `${day.slice(0, 8)}01`;
    case 'quarter':
      return daysOfQuarter(`${day.slice(0, 4)}q${Math.ceil(Number(day.slice(5, 7)) / 3)}`).from;
  }
}

/** The first day of the period after the one that begins on `start`. */
export function nextStart(start: string, period: Period): string {
  switch (period) {
    case 'day':
      return shiftDay(start, 1);
    case 'week':
      return shiftDay(start, 7);
    case 'month':
      return startOfPeriod(shiftDay(start, 31), 'month');
    case 'quarter':
      return startOfPeriod(shiftDay(start, 92), 'quarter');
  }
}

/** First days of all periods that the range touches. */
export function startsBetween(from: string, to: string, period: Period): string[] {
  const starts: string[] = [];
  for (let start = startOfPeriod(from, period); start <= to; start = nextStart(start, period))
    starts.push(start);
  return starts;
}

/** What the periods are called, as the API calls them. */
export function nameOfPeriod(start: string, period: Period): string {
  switch (period) {
    case 'day':
      return start;
    case 'month':
      return start.slice(0, 7);
    case 'quarter':
      return `${start.slice(0, 4)}q${Math.ceil(Number(start.slice(5, 7)) / 3)}`;
    case 'week': {
      // A week belongs to the year of its Thursday.
      const thursday = shiftDay(start, 3);
      const year = thursday.slice(0, 4);
      const days = (Date.parse(thursday) - Date.parse(`${year}-01-01`)) / 86_400_000;
      return `${year}-W${String(Math.floor(days / 7) + 1).padStart(2, '0')}`;
    }
  }
}

/** Lines of a summary as columns over all periods of the range. Currencies come in the order of their names. */
export function chartOf(lines: readonly SummaryLine[], from: string, to: string, period: Period): Chart {
  const starts = startsBetween(from, to, period);
  const place = new Map(starts.map((start, index) => [start, index]));
  const counts = { booked: starts.map(() => 0), failed: starts.map(() => 0) };
  const amounts = new Map<string, { booked: bigint[]; failed: bigint[] }>();
  for (const { start, currency, status, transaction_count, total_amount } of lines) {
    const at = place.get(start);
    if (at === undefined) continue;
    const column = status === 'SUCCESS' ? 'booked' : 'failed';
    counts[column][at] = (counts[column][at] ?? 0) + transaction_count;
    const money = amounts.get(currency) ?? { booked: starts.map(() => 0n), failed: starts.map(() => 0n) };
    money[column][at] = (money[column][at] ?? 0n) + BigInt(total_amount);
    amounts.set(currency, money);
  }
  return {
    starts,
    names: starts.map((start) => nameOfPeriod(start, period)),
    counts,
    amounts: new Map([...amounts].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Stretches of a range that are archived, as days with both ends included; neighbours are one. */
export function archivedSpans(quarters: readonly string[]): { from: string; to: string }[] {
  const spans: { from: string; to: string }[] = [];
  for (const quarter of quarters.toSorted()) {
    const { from, to } = daysOfQuarter(quarter);
    const last = spans.at(-1);
    if (last !== undefined && shiftDay(last.to, 1) === from) last.to = to;
    else spans.push({ from, to });
  }
  return spans;
}
