import { assert } from './errors.ts';
import { DAY, MINUTE } from './timestamp.ts';

/** The values a field may have, both ends included. */
interface Span {
  readonly from: number;
  readonly to: number;
}

const MINUTES: Span = { from: 0, to: 59 };
const HOURS: Span = { from: 0, to: 23 };
const DAYS: Span = { from: 1, to: 31 };
const MONTHS: Span = { from: 1, to: 12 };
/** 0 and 7 are Sunday. */
const WEEKDAYS: Span = { from: 0, to: 7 };

/** Weekdays and leap years fall together again after so many years, so what happens in them happens for ever. */
const CYCLE_YEARS = 28;
/** A Saturday, the first day of a cycle without a year that is no leap year for its century. */
const CYCLE_START = Date.UTC(2000, 0, 1);
const CYCLE_END = Date.UTC(2000 + CYCLE_YEARS, 0, 1);

/**
 * The longest time, in seconds, between two runs of a schedule in five cron fields of numbers: `*`, lists, ranges and steps.
 * By the wall: where clocks go back it is an hour more.
 */
export function longestInterval(cron: string): number {
  const fields = cron.trim().split(/\s+/);
  assert(fields.length === 5, `a schedule has five fields, and not as "${cron}"`);
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields;
  const [hours, minutes] = [valuesOf(hour, HOURS), valuesOf(minute, MINUTES)];
  const times = [...hours].flatMap((h) => [...minutes].map((m) => h * 60 + m)).sort((a, b) => a - b);
  const [days, months] = [valuesOf(day, DAYS), valuesOf(month, MONTHS)];
  const weekdays = new Set([...valuesOf(weekday, WEEKDAYS)].map((one) => one % 7));
  // Where days and weekdays are both named, either will do; so cron has always read them.
  const either = !day.startsWith('*') && !weekday.startsWith('*');

  let [longest, last, first] = [0, undefined as number | undefined, undefined as number | undefined];
  for (let midnight = CYCLE_START; midnight < CYCLE_END; midnight += DAY) {
    const date = new Date(midnight);
    const [ofMonth, ofWeek] = [days.has(date.getUTCDate()), weekdays.has(date.getUTCDay())];
    if (!months.has(date.getUTCMonth() + 1) || !(either ? ofMonth || ofWeek : ofMonth && ofWeek)) continue;
    for (const time of times) {
      const at = midnight + time * MINUTE;
      if (last !== undefined) longest = Math.max(longest, at - last);
      first ??= at;
      last = at;
    }
  }
  assert(first !== undefined && last !== undefined, `"${cron}" never comes`);
  // From the last run of a cycle to the first one of the next.
  return Math.max(longest, first + (CYCLE_END - CYCLE_START) - last) / 1000;
}

function valuesOf(field: string, span: Span): ReadonlySet<number> {
  const values = new Set<number>();
  for (const part of field.split(',')) {
    const [, range = '', step = '1'] = /^(\*|\d+(?:-\d+)?)(?:\/(\d+))?$/.exec(part) ?? [];
    const [from = '', to] = range === '*' ? [String(span.from), String(span.to)] : range.split('-');
    const [first, every] = [Number(from), Number(step)];
    // `5/15` begins at 5 and goes on to the end.
    const last = to === undefined ? (part.includes('/') ? span.to : first) : Number(to);
    const fits = range !== '' && first >= span.from && last <= span.to && first <= last && every > 0;
    assert(fits, `"${part}" is no part of a schedule`);
    for (let value = first; value <= last; value += every) values.add(value);
  }
  return values;
}
