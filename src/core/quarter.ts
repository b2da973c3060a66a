import { IANAZone } from 'luxon';
import { AppError } from './errors.ts';
import { clockTime, DAY, MINUTE, midnightOf, offsetOf, SECOND, TIME_TEXT, utc } from './timestamp.ts';

/** A calendar quarter of one zone: every instant in `[start, end)`. The dates are shared; do not change them. */
export interface Quarter {
  /** `2026q1`. */
  readonly name: string;
  readonly start: Date;
  readonly end: Date;
}

/** Quarters, days and instants as one time zone sees them, for the years 0001 to 9999. */
export interface Calendar {
  readonly zone: string;
  /** The quarter of that name. Throws `invalid_quarter`. */
  quarter(name: string): Quarter;
  /** The quarter that holds the instant. Throws `instant_out_of_range`. */
  quarterOf(instant: Date): Quarter;
  /** The quarter `steps` (1) later; negative steps go back. */
  next(quarter: Quarter, steps?: number): Quarter;
  /** All quarters between two names, both included; none when `from` is after `to`. */
  range(from: string, to: string): Quarter[];
  /**
   * The local day of the instant, `YYYY-MM-DD`: the last one whose `startOfDay` is not after it. Throws
   * `instant_out_of_range`.
   */
  dayOf(instant: Date): string;
  /** The first instant of that local day, or of what follows where the zone skipped it. Throws `invalid_day`. */
  startOfDay(day: string): Date;
  /**
   * `YYYY-MM-DD` is the start of that local day. A date-time (`T` or a space between, seconds optional) with `Z` or
   * an offset is that instant; without one it is local time: the first of two where clocks went back, moved on by
   * the gap where they went forward (RFC 5545, section 3.3.5). Digits past the millisecond are cut off, not
   * rounded. Undefined when the text is no such thing, or no real date.
   */
  parseInstant(text: string): Date | undefined;
}

/** Offsets from UTC in milliseconds, around the one instant `at` at which they change (Infinity: they do not). */
interface Change {
  readonly before: number;
  readonly after: number;
  readonly at: number;
}

// No zone in the tz database (2026c) ever changed its offset twice within 3.9 days (Freetown, September 1939, came
// nearest), so a stretch of up to three days holds one change at most, and two looks at its ends find it.
const STRETCH = 2 * DAY;

// Caches are emptied when full: a load walks through time, so what it needs next was seldom kept for long anyway.
const CACHE_LIMIT = 16_384;

const QUARTER_NAME = /^(?!0000)\d{4}q[1-4]$/;

// Quarters are counted from 0000q1, so that arithmetic on them is arithmetic on whole numbers.
const FIRST_INDEX = 4;
const END_INDEX = 40_000;

/** True for an IANA zone name. Plain offsets such as `+03:00` and words such as `local` are not zones. */
export function isZone(zone: string): boolean {
  return /^[A-Za-z]/.test(zone) && IANAZone.isValidZone(zone);
}

/** True for `2026q1` and its like, 0001q1 to 9999q4. */
export function isQuarterName(text: string): boolean {
  return QUARTER_NAME.test(text);
}

/** Negative, zero or positive as `a` is before, the same as or after `b`. Throws `invalid_quarter`. */
export function compareQuarters(a: string, b: string): number {
  return indexOf(a) - indexOf(b);
}

/** The name `steps` quarters later; negative steps go back. Throws `invalid_quarter`. */
export function nextName(name: string, steps = 1): string {
  return nameOf(indexOf(name) + steps);
}

/** The calendar of an IANA zone. It remembers what it computed: make one and keep it. Throws `invalid_zone`. */
export function calendar(zone: string): Calendar {
  if (!isZone(zone)) {
    throw new AppError(
      'invalid',
      'invalid_zone',
      `"${zone}" is not a time zone; use an IANA name such as Europe/London.`,
    );
  }
  const iana = new IANAZone(zone);
  const quarters = new Map<number, Quarter>();
  const stretches = new Map<number, Change>();
  const days = new Map<string, { midnight: number; change: Change }>();
  const dayNames = new Map<number, string>();

  /** Luxon gives minutes with a fraction, for the local mean times of old carry seconds. */
  function offsetAt(instant: number): number {
    return Math.round(iana.offset(instant) * MINUTE);
  }

  /** The change between two instants that are no more than three days apart. */
  function changeBetween(from: number, to: number): Change {
    const before = offsetAt(from);
    const after = offsetAt(to);
    if (before === after) return { before, after, at: Number.POSITIVE_INFINITY };
    let [low, high] = [from, to];
    while (high - low > SECOND) {
      const middle = low + Math.ceil((high - low) / 2 / SECOND) * SECOND;
      if (offsetAt(middle) === before) low = middle;
      else high = middle;
    }
    return { before, after, at: high };
  }

  /** The change that matters to the local day beginning at `midnight`: offsets stay well below a day. */
  function changeAround(midnight: number): Change {
    return changeBetween(midnight - DAY, midnight + 2 * DAY);
  }

  /** Milliseconds of an instant as the zone's wall shows them, to be read with UTC functions. */
  function wallOf(instant: number): number {
    const number = Math.floor(instant / STRETCH);
    const change = remember(stretches, number, () => changeBetween(number * STRETCH, (number + 1) * STRETCH));
    return instant + (instant < change.at ? change.before : change.after);
  }

  /** The first instant at which quarter number `index` has begun. */
  function startOfQuarter(index: number): number {
    const midnight = utc(Math.floor(index / 4), (index % 4) * 3 + 1, 1);
    return firstInstant(midnight, changeAround(midnight));
  }

  function quarterAt(index: number): Quarter {
    return remember(quarters, index, () =>
      Object.freeze({
        name: nameOf(index),
        start: new Date(startOfQuarter(index)),
        end: new Date(startOfQuarter(index + 1)),
      }),
    );
  }

  const earliest = startOfQuarter(FIRST_INDEX);
  const latest = startOfQuarter(END_INDEX);
  let lastQuarter = quarterAt(1970 * 4);

  function quarterOf(instant: Date): Quarter {
    const time = instant.getTime();
    if (time >= lastQuarter.start.getTime() && time < lastQuarter.end.getTime()) return lastQuarter;
    if (!(time >= earliest && time < latest)) throw outOfRange(instant, zone);
    const wall = new Date(wallOf(time));
    let index = wall.getUTCFullYear() * 4 + Math.floor(wall.getUTCMonth() / 3);
    // Where clocks went back over midnight the old day returns for a while: the bounds decide, not the wall.
    while (time < quarterAt(index).start.getTime()) index--;
    while (time >= quarterAt(index).end.getTime()) index++;
    lastQuarter = quarterAt(index);
    return lastQuarter;
  }

  const dayName = (number: number) =>
    remember(dayNames, number, () => new Date(number * DAY).toISOString().slice(0, 10));

  function dayOf(instant: Date): string {
    const time = instant.getTime();
    if (!(time >= earliest && time < latest)) throw outOfRange(instant, zone);
    const number = Math.floor(wallOf(time) / DAY);
    // Clocks that go back over midnight show the day before once more; the day that has begun goes on.
    const next = findDay(dayName(number + 1));
    return dayName(
      next !== undefined && time >= firstInstant(next.midnight, next.change) ? number + 1 : number,
    );
  }

  /** Millions of rows share a few thousand days, so each day is worked out once. */
  function findDay(text: string): { midnight: number; change: Change } | undefined {
    const known = days.get(text);
    if (known) return known;
    const midnight = midnightOf(text);
    if (midnight === undefined) return undefined;
    return remember(days, text, () => ({ midnight, change: changeAround(midnight) }));
  }

  function parseInstant(text: string): Date | undefined {
    const day = findDay(text.length === 10 ? text : text.slice(0, 10));
    if (!day) return undefined;
    if (text.length === 10) {
      const first = firstInstant(day.midnight, day.change);
      return wallOf(first) - day.midnight < DAY ? new Date(first) : undefined; // The zone skipped that day.
    }
    const time = TIME_TEXT.exec(text.slice(10));
    if (!time) return undefined;
    const fraction = Number((time[4] ?? '').padEnd(3, '0'));
    const wall = day.midnight + clockTime(23, time[1], time[2], time[3]) + fraction;
    const instant = time[5] === undefined ? instantShowing(wall, day.change) : wall - offsetOf(time[5]);
    return instant >= earliest && instant < latest ? new Date(instant) : undefined;
  }

  return {
    zone,
    quarter: (name) => quarterAt(indexOf(name)),
    quarterOf,
    next: (quarter, steps = 1) => quarterAt(indexOf(quarter.name) + steps),
    range(from, to) {
      const first = indexOf(from);
      return Array.from({ length: Math.max(0, indexOf(to) - first + 1) }, (_, step) =>
        quarterAt(first + step),
      );
    },
    dayOf,
    startOfDay(day) {
      const found = findDay(day);
      if (!found) {
        throw new AppError(
          'invalid',
          'invalid_day',
          `"${day}" is not a day; write it YYYY-MM-DD, as 2026-03-31.`,
        );
      }
      return new Date(firstInstant(found.midnight, found.change));
    },
    parseInstant,
  };
}

/** The first instant at which the wall shows `wall` or later: the instant of the change when `wall` was skipped. */
function firstInstant(wall: number, { before, after, at }: Change): number {
  return wall - before < at ? wall - before : Math.max(at, wall - after);
}

/** The first instant at which the wall shows `wall`; where it was skipped, as if the clocks had not been moved. */
function instantShowing(wall: number, { before, after, at }: Change): number {
  return wall - before < at || wall - after < at ? wall - before : wall - after;
}

function indexOf(name: string): number {
  if (!isQuarterName(name)) throw invalidQuarter(name);
  return Number(name.slice(0, 4)) * 4 + Number(name[5]) - 1;
}

function nameOf(index: number): string {
  const name = `${String(Math.floor(index / 4)).padStart(4, '0')}q${(index % 4) + 1}`;
  if (!isQuarterName(name)) throw invalidQuarter(name);
  return name;
}

function invalidQuarter(name: string): AppError {
  return new AppError(
    'invalid',
    'invalid_quarter',
    `"${name}" is not a quarter; write it as year, q and 1 to 4, as in 2026q1, from 0001q1 to 9999q4.`,
  );
}

function outOfRange(instant: Date, zone: string): AppError {
  const shown = Number.isNaN(instant.getTime()) ? 'An invalid date' : instant.toISOString();
  return new AppError(
    'invalid',
    'instant_out_of_range',
    `${shown} is not within the years 0001 to 9999 in ${zone}.`,
  );
}

/** Reads a bounded cache, filling it. */
function remember<K, V>(cache: Map<K, V>, key: K, compute: () => V): V {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const value = compute();
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(key, value);
  return value;
}
