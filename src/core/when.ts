import { dayAfter, spanOfDay } from './days.ts';
import { type Calendar, isQuarterName } from './quarter.ts';
import { DAY, midnightOf } from './timestamp.ts';
import { wallClock } from './wall.ts';

/** A time as it was understood: `endOf` and `startOf` where a whole day was meant. */
export interface Moment {
  readonly at: Date;
  readonly endOf?: string;
  readonly startOf?: string;
}

/** What is wrong with a text, as the end of a sentence that begins with it: `… is no time.` */
export interface NotUnderstood {
  readonly fault: string;
}

export interface WhenContext {
  readonly calendar: Calendar;
  readonly now: Date;
  /** Which end of a day is meant where only the day is said. A period, as a quarter, always means its end. */
  readonly dayMeans: 'start' | 'end';
}

/** How a time may be written, for help and for errors. */
export const WHEN_FORMS =
  '2026-12-31, "2026-12-31 18:00", 2026-12-31T18:00:00Z, "31 Dec 2026", tomorrow, "in 14 days", "end of quarter" or 2026q4 (its end)';

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const FULL_MONTHS = [
  ...['january', 'february', 'march', 'april', 'may', 'june'],
  ...['july', 'august', 'september', 'october', 'november', 'december'],
];

/** `[milliseconds]` are exact; days and months are those of the calendar, at the same time of the day. */
const UNITS: readonly (readonly [RegExp, { ms?: number; days?: number; months?: number }])[] = [
  [/^(minutes?|mins?)$/, { ms: 60_000 }],
  [/^(hours?|h)$/, { ms: 3_600_000 }],
  [/^(days?|d)$/, { days: 1 }],
  [/^(weeks?|w)$/, { days: 7 }],
  [/^months?$/, { months: 1 }],
  [/^quarters?$/, { months: 3 }],
  [/^(years?|y)$/, { months: 12 }],
];

/**
 * Reads a time as people write it, in the zone of the calendar. Local times that a change of the clocks skipped are moved on by
 * the gap, and of those that came twice the first is meant, as everywhere. What may be read in two ways is not guessed at.
 */
export function parseWhen(text: string, context: WhenContext): Moment | NotUnderstood {
  const plain = text.trim().replace(/\s+/g, ' ');
  if (plain === '') return { fault: `is no time. Write ${WHEN_FORMS}` };
  const reader = [ambiguous, instant, period, relative, namedDay, wordedDay];
  for (const read of reader) {
    const found = read(plain, context);
    if (found !== undefined) return found;
  }
  return { fault: `is no time. Write ${WHEN_FORMS}` };
}

export function isUnderstood(found: Moment | NotUnderstood): found is Moment {
  return 'at' in found;
}

/** `the end of 2026-12-31 in Europe/Paris`, or the minute with the offset and the zone. */
export function sayMoment({ at, endOf, startOf }: Moment, zone: string): string {
  if (endOf !== undefined) return `the end of ${endOf} in ${zone}`;
  if (startOf !== undefined) return `the start of ${startOf} in ${zone}`;
  const { day, time, offset } = wallClock(zone)(at);
  const offsetSaid = zone === 'UTC' ? '' : `, UTC${offset}`;
  return `${day} ${time.endsWith(':00') ? time.slice(0, 5) : time} (${zone}${offsetSaid})`;
}

type Read = (text: string, context: WhenContext) => Moment | NotUnderstood | undefined;

/** 01/02/2026 is January to some and February to others; neither is guessed, nor where it happens to be plain. */
const ambiguous: Read = (text) => {
  const match = /^(\d{1,4})[/.](\d{1,2})[/.](\d{1,4})(?: .*)?$/.exec(text);
  if (!match) return undefined;
  const [first, second, third] = [match[1] ?? '', match[2] ?? '', match[3] ?? ''];
  const yearFirst = first.length === 4;
  const year = yearFirst ? first : third;
  const readings = yearFirst
    ? [[second, third]]
    : [
        [second, first],
        [first, second],
      ];
  const days = readings
    .map(([month = '', day = '']) => `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`)
    .filter((day, index, all) => midnightOf(day) !== undefined && all.indexOf(day) === index);
  if (days.length === 0) return NO_DAY;
  return days.length === 1
    ? { fault: `is not how days are written here. Write ${days[0]}` }
    : { fault: `can be read in two ways. Write ${days.join(' or ')}` };
};

/** A day, or a date-time as ISO 8601 has it. */
const instant: Read = (text, context) => {
  if (!/^\d{4}-\d\d-\d\d/.test(text)) return undefined;
  if (text.length === 10) return dayMoment(text, context);
  const at = context.calendar.parseInstant(text);
  if (at !== undefined) return { at };
  return { fault: 'is no real date and time. Write "2026-12-31 18:00", or 2026-12-31T18:00:00Z' };
};

/** `2026q4` and `end of quarter`: the end of it, which is the start of what follows. */
const period: Read = (text, { calendar, now }) => {
  const name = text.toLowerCase().replace(/^(\d{4})-?q([1-4])$/, '$1q$2');
  if (isQuarterName(name)) return endBefore(calendar.quarter(name).end, calendar);
  const match = /^(?:the )?end of (?:the |this )?(next )?(day|week|month|quarter|year)$/i.exec(text);
  if (!match) return undefined;
  const [next, unit] = [match[1] !== undefined, (match[2] ?? '').toLowerCase()];
  const today = calendar.dayOf(now);
  if (unit === 'quarter') {
    const quarter = calendar.quarterOf(now);
    return endBefore((next ? calendar.next(quarter) : quarter).end, calendar);
  }
  if (unit === 'day') return endOfDay(next ? dayAfter(today) : today, calendar);
  if (unit === 'week') {
    // Weeks end with Sunday, as in ISO 8601; day 0 of the epoch was a Thursday.
    const weekday = (((midnightOf(today) ?? 0) / DAY + 3) % 7) + 1;
    return endOfDay(shiftDay(today, 7 - weekday + (next ? 7 : 0)), calendar);
  }
  const ahead = next ? 1 : 0;
  const first = unit === 'month' ? `${today.slice(0, 7)}-01` : `${today.slice(0, 4)}-01-01`;
  return endOfDay(shiftDay(shiftMonth(first, (ahead + 1) * (unit === 'month' ? 1 : 12)), -1), calendar);
};

/** `in 14 days`, `2 weeks`, `90d`. */
const relative: Read = (text, { calendar, now }) => {
  const match = /^(?:in )?(\d{1,6}|an?|one) ?([a-z]+)(?: from now)?$/i.exec(text);
  if (!match) return undefined;
  const unit = UNITS.find(([name]) => name.test((match[2] ?? '').toLowerCase()))?.[1];
  if (unit === undefined) return undefined;
  const count = /^\d/.test(match[1] ?? '') ? Number(match[1]) : 1;
  if (unit.ms !== undefined) return within(now.getTime() + count * unit.ms);
  const today = wallClock(calendar.zone)(now);
  const day =
    unit.days === undefined
      ? shiftMonth(today.day, count * (unit.months ?? 0))
      : shiftDay(today.day, count * unit.days);
  const at = day === undefined ? undefined : calendar.parseInstant(`${day}T${today.time}`);
  return at === undefined ? TOO_FAR : { at };
};

/** `today`, `tomorrow`, either with a time of the day. */
const namedDay: Read = (text, context) => {
  const match = /^(today|tomorrow)(?:(?: at)? (\d{1,2}:\d\d))?$/i.exec(text);
  if (!match) return undefined;
  const today = context.calendar.dayOf(context.now);
  return dayAndTime(match[1]?.toLowerCase() === 'today' ? today : dayAfter(today), match[2], context);
};

/** `31 Dec 2026` or `December 31, 2026`, with a time of the day or without. */
const wordedDay: Read = (text, context) => {
  const match =
    /^(?<day>\d{1,2})(?:st|nd|rd|th)? (?<month>[a-z]+)\.?,? (?<year>\d{4})(?:,?(?: at)? (?<time>\d{1,2}:\d\d))?$/i.exec(
      text,
    ) ??
    /^(?<month>[a-z]+)\.? (?<day>\d{1,2})(?:st|nd|rd|th)?,? (?<year>\d{4})(?:,?(?: at)? (?<time>\d{1,2}:\d\d))?$/i.exec(
      text,
    );
  const { day = '', month = '', year = '', time } = match?.groups ?? {};
  const word = month.toLowerCase();
  const number = Math.max(MONTHS.indexOf(word), FULL_MONTHS.indexOf(word), word === 'sept' ? 8 : -1) + 1;
  if (!match || number === 0) return undefined;
  return dayAndTime(`${year}-${String(number).padStart(2, '0')}-${day.padStart(2, '0')}`, time, context);
};

const TOO_FAR: NotUnderstood = { fault: 'is further away than the year 9999' };
const NO_DAY: NotUnderstood = { fault: 'is no real date. Write a day as 2026-12-31' };
const NO_TIME: NotUnderstood = { fault: 'has no real time of day. Write it as 18:00, from 00:00 to 23:59' };
const NO_END: NotUnderstood = {
  fault: 'is the last day there is, and its end is beyond. Write "9999-12-31 18:00" or 9999-12-30',
};

function dayAndTime(day: string, time: string | undefined, context: WhenContext): Moment | NotUnderstood {
  if (time === undefined) return dayMoment(day, context);
  const padded = time.padStart(5, '0');
  if (!/^([01]\d|2[0-3]):[0-5]\d$/.test(padded)) return NO_TIME;
  const at = context.calendar.parseInstant(`${day}T${padded}`);
  return at === undefined ? NO_DAY : { at };
}

function dayMoment(day: string, { calendar, dayMeans }: WhenContext): Moment | NotUnderstood {
  // The calendar says whether the zone has that day.
  const start = calendar.parseInstant(day);
  if (start === undefined) return NO_DAY;
  return dayMeans === 'start' ? { at: start, startOf: day } : endOfDay(day, calendar);
}

function endOfDay(day: string | undefined, calendar: Calendar): Moment | NotUnderstood {
  if (day === undefined) return TOO_FAR;
  if (day >= '9999-12-31') return NO_END;
  return { at: spanOfDay(calendar, day).end, endOf: day };
}

/** The end of the last day before an instant at which one begins. */
function endBefore(at: Date, calendar: Calendar): Moment {
  return { at, endOf: calendar.dayOf(new Date(at.getTime() - 1)) };
}

function within(time: number): Moment | NotUnderstood {
  return time < Date.UTC(9999, 0) ? { at: new Date(time) } : TOO_FAR;
}

function shiftDay(day: string | undefined, days: number): string | undefined {
  const midnight = day === undefined ? undefined : midnightOf(day);
  if (midnight === undefined) return undefined;
  const shifted = midnight + days * DAY;
  return shifted < Date.UTC(9999, 11, 31) ? new Date(shifted).toISOString().slice(0, 10) : undefined;
}

/** The same day so many months later, or the last of a month that is too short for it. */
function shiftMonth(day: string, months: number): string | undefined {
  const index = Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7)) - 1 + months;
  const [year, month] = [Math.floor(index / 12), (index % 12) + 1];
  if (year > 9999) return undefined;
  const start = `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}`;
  const wanted = Number(day.slice(8, 10));
  for (let last = wanted; last > 27; last--) {
    if (midnightOf(`${start}-${String(last).padStart(2, '0')}`) !== undefined)
      return `${start}-${String(last).padStart(2, '0')}`;
  }
  return `${start}-${String(wanted).padStart(2, '0')}`;
}
