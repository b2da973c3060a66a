import type { Calendar } from './quarter.ts';
import { DAY, midnightOf } from './timestamp.ts';

/** Every instant in `[start, end)`. */
export interface Span {
  readonly start: Date;
  readonly end: Date;
}

/** Days from `first` on and before `before`; without an end where it is undefined. */
export interface DayRange {
  readonly first: string | undefined;
  readonly before: string | undefined;
}

/** What summaries are grouped by. */
export type Period = 'day' | 'week' | 'month' | 'quarter';

/** Nothing lies behind it, so that it serves as an end where there is none. */
const LAST_DAY = '9999-12-31';

/** The day after, whether or not the zone has it. */
export function dayAfter(day: string): string {
  return shifted(day, 1);
}

/** From the one day to the other, both included. */
export function daysBetween(first: string, last: string): DayRange {
  return { first, before: last === LAST_DAY ? undefined : dayAfter(last) };
}

/** All of a local day. */
export function spanOfDay(calendar: Calendar, day: string): Span {
  return { start: calendar.startOfDay(day), end: calendar.startOfDay(dayAfter(day)) };
}

/** The end of a local day, as `2026-12-31`, or an instant as the calendar reads it. Undefined when the text is neither. */
export function parseUntil(calendar: Calendar, text: string): Date | undefined {
  if (midnightOf(text) === undefined) return calendar.parseInstant(text);
  return text === LAST_DAY ? undefined : spanOfDay(calendar, text).end;
}

/**
 * The whole local days between two instants, and what is left of days at the ends. Undefined days where not one is whole.
 *
 * @throws AppError invalid/instant_out_of_range
 */
export function wholeDays(
  calendar: Calendar,
  from: Date | undefined,
  to: Date | undefined,
): { readonly days: DayRange | undefined; readonly edges: readonly Span[] } {
  if (from && to && from >= to) return { days: undefined, edges: [] };
  const edges: Span[] = [];
  let [first, before]: (string | undefined)[] = [];
  if (from) {
    const day = calendar.dayOf(from);
    const { start, end } = spanOfDay(calendar, day);
    first = from.getTime() === start.getTime() ? day : dayAfter(day);
    if (first !== day) edges.push({ start: from, end: to && to < end ? to : end });
  }
  if (to) {
    before = calendar.dayOf(to);
    const start = calendar.startOfDay(before);
    // From and to within one day are one span, which the first end has taken already.
    const isTaken = from !== undefined && from > start;
    if (start < to && !isTaken) edges.push({ start, end: to });
  }
  const isEmpty = first !== undefined && before !== undefined && first >= before;
  return { days: isEmpty ? undefined : { first, before }, edges };
}

/** `2026-03-31`, `2026-W14` (ISO 8601), `2026-03` or `2026q1`, of the period that begins on that day. */
export function periodName(start: string, period: Period): string {
  switch (period) {
    case 'day':
      return start;
    case 'month':
      return start.slice(0, 7);
    case 'quarter':
      return `${start.slice(0, 4)}q${Math.ceil(Number(start.slice(5, 7)) / 3)}`;
    case 'week': {
      // A week belongs to the year of its Thursday, and that year's first Thursday is in its week 1.
      const thursday = shifted(start, 3);
      const year = thursday.slice(0, 4);
      const days = (Date.parse(thursday) - Date.parse(`${year}-01-01`)) / DAY;
      return `${year}-W${String(Math.floor(days / 7) + 1).padStart(2, '0')}`;
    }
  }
}

function shifted(day: string, days: number): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}
