import { dayAfter } from '../core/days.ts';
import type { Calendar } from '../core/quarter.ts';

/** What a check found: a sentence for every thing that is wrong; and one for when nothing is. */
export interface Finding {
  readonly faults: readonly string[];
  readonly fine: string;
}

export function joined(findings: readonly Finding[]): Finding {
  return {
    faults: findings.flatMap(({ faults }) => faults),
    fine: findings.map(({ fine }) => fine).join(' '),
  };
}

/** The local days of a quarter and the instants they begin at, in order; and both ends of them. */
export interface Days {
  readonly names: readonly string[];
  readonly starts: readonly Date[];
  readonly first: string;
  readonly last: string;
}

/**
 * The days as the summaries know them: by the calendar, for PostgreSQL's own idea of a local day differs where clocks go back
 * over midnight.
 */
export function daysOf(calendar: Calendar, start: Date, end: Date): Days {
  const first = calendar.dayOf(start);
  const last = calendar.dayOf(new Date(end.getTime() - 1));
  const names: string[] = [];
  for (let day = first; day <= last; day = dayAfter(day)) names.push(day);
  return { names, starts: names.map((day) => calendar.startOfDay(day)), first, last };
}
