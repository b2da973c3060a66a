import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Calendar,
  calendar,
  compareQuarters,
  isQuarterName,
  isZone,
  nextName,
} from '../../src/core/quarter.ts';
import { anyCalendar, anyInstant, calendars, iso } from './zones.ts';

const allZones = Intl.supportedValuesOf('timeZone');

/** The local day as Intl says it, with no help from what is tested. */
function intlDay(zone: string): (instant: Date) => string {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  });
  return (instant) => format.format(instant);
}

function firstDay(name: string): string {
  return `${name.slice(0, 4)}-${['01', '04', '07', '10'][Number(name[5]) - 1]}-01`;
}

/** Walks a run of quarters and reports the first thing that is not as it must be. */
function faultIn(book: Calendar, from: string, to: string): string | undefined {
  const quarters = book.range(from, to);
  for (const [index, quarter] of quarters.entries()) {
    const { name, start, end } = quarter;
    const before = quarters[index - 1];
    const lastInstant = new Date(end.getTime() - 1);
    const wrong =
      (before && start.getTime() !== before.end.getTime() && 'does not begin where the one before ends') ||
      (start >= end && 'is empty') ||
      (book.quarter(name) !== quarter && 'is not found by its name') ||
      (nextName(from, index) !== name && 'is not the next name') ||
      (before && book.next(before) !== quarter && 'is not next to the one before') ||
      (book.quarterOf(start).name !== name && 'does not hold its start') ||
      (book.quarterOf(lastInstant).name !== name && 'does not hold its last instant') ||
      (book.dayOf(start) !== firstDay(name) && `begins on ${book.dayOf(start)}`) ||
      (iso(book.startOfDay(firstDay(name))) !== iso(start) && 'does not begin with its first day');
    if (wrong) return `${book.zone} ${name} ${wrong}`;
  }
  return quarters.length === compareQuarters(to, from) + 1 ? undefined : `${book.zone} lost a quarter`;
}

describe('quarters in a time zone', () => {
  it('tile a hundred years of every zone without gap or overlap', () => {
    // Each zone walks twelve years of its own, staggered, so that together they cover the century many times.
    const faults = allZones.map((zone, index) => {
      const first = 1970 + ((index * 7) % 89);
      return faultIn(calendar(zone), `${first}q1`, `${first + 11}q4`);
    });
    expect(allZones.length).toBeGreaterThan(400);
    expect(faults.filter(Boolean)).toEqual([]);
  });

  it('tile the whole century in the zones that have been strange', () => {
    const faults = [...calendars.values()].flatMap((book) => [
      faultIn(book, '1919q1', '1921q4'),
      faultIn(book, '1970q1', '2069q4'),
    ]);
    expect(faults.filter(Boolean)).toEqual([]);
  });

  it('begin at the first instant whose local date is theirs', () => {
    fc.assert(
      fc.property(anyCalendar, anyInstant, (book, instant) => {
        const { name, start } = book.quarterOf(instant);
        const day = intlDay(book.zone);
        expect(day(start)).toBe(firstDay(name));
        expect(day(new Date(start.getTime() - 1)) < firstDay(name)).toBe(true);
      }),
    );
  });

  it('know instants at the edges of time that clocks show', () => {
    const start = (zone: string, name: string) => iso(calendar(zone).quarter(name).start);
    expect(start('UTC', '2026q1')).toBe('2026-01-01T00:00:00.000Z');
    expect(start('Europe/London', '2026q3')).toBe('2026-06-30T23:00:00.000Z');
    // Liberia was 44 minutes and 30 seconds behind until 7 January 1972.
    expect(start('Africa/Monrovia', '1972q1')).toBe('1972-01-01T00:44:30.000Z');
    // Kolkata's local mean time of old was 5:53:28 ahead.
    expect(start('Asia/Kolkata', '0001q1')).toBe('0000-12-31T18:06:32.000Z');
    expect(iso(calendar('UTC').quarter('9999q4').end)).toBe('+010000-01-01T00:00:00.000Z');
  });

  it('stay whole where a day was skipped: Kiritimati had no 31 December 1994', () => {
    const book = calendar('Pacific/Kiritimati');
    expect(book.dayOf(new Date('1994-12-31T09:59:59.999Z'))).toBe('1994-12-30');
    expect(iso(book.quarter('1995q1').start)).toBe('1994-12-31T10:00:00.000Z');
    expect(book.startOfDay('1994-12-31')).toEqual(book.startOfDay('1995-01-01'));
  });

  it('give an hour that came twice over midnight to the quarter whose bounds hold it', () => {
    // Arizona put its clocks back at 00:01 on New Year's Day of 1944: for 59 minutes it was December again.
    const book = calendar('America/Phoenix');
    const again = new Date('1944-01-01T06:30:00Z');
    expect(book.dayOf(again)).toBe('1944-01-01');
    expect(book.quarterOf(again).name).toBe('1944q1');
    expect(iso(book.quarter('1944q1').start)).toBe('1944-01-01T06:00:00.000Z');
    expect(book.startOfDay('1944-01-01') < again).toBe(true);
  });

  it('are refused outside the years 0001 to 9999', () => {
    const book = calendar('UTC');
    for (const name of ['2026Q1', '2026q5', '26q1', '0000q1', '2026q1 ', '']) {
      expect(isQuarterName(name)).toBe(false);
      expect(() => book.quarter(name)).toThrow(/invalid_quarter.*2026q1/);
      expect(() => compareQuarters(name, '2026q1')).toThrow(/invalid_quarter/);
    }
    expect(() => nextName('9999q4')).toThrow(/invalid_quarter/);
    expect(() => book.next(book.quarter('0001q1'), -1)).toThrow(/invalid_quarter/);
    for (const instant of [new Date(Number.NaN), new Date('0000-12-31T23:59:59Z'), new Date(8.64e15)]) {
      expect(() => book.quarterOf(instant)).toThrow(/instant_out_of_range/);
      expect(() => book.dayOf(instant)).toThrow(/instant_out_of_range/);
    }
  });
});

describe('quarter names', () => {
  it('are counted forwards and backwards, and compared', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 9000 }),
        fc.integer({ min: 1, max: 4 }),
        fc.nat(3000),
        (y, q, steps) => {
          const name = `${String(y).padStart(4, '0')}q${q}`;
          const later = nextName(name, steps);
          expect(nextName(later, -steps)).toBe(name);
          expect(compareQuarters(later, name)).toBe(steps);
          expect(later >= name).toBe(true);
        },
      ),
    );
    expect(nextName('2026q4')).toBe('2027q1');
    expect(nextName('2026q1', -1)).toBe('2025q4');
  });

  it('give an empty range when the first is after the last', () => {
    expect(calendar('UTC').range('2026q2', '2026q1')).toEqual([]);
    expect(
      calendar('UTC')
        .range('2025q4', '2026q2')
        .map((quarter) => quarter.name),
    ).toEqual(['2025q4', '2026q1', '2026q2']);
  });
});

describe('zones', () => {
  it('are IANA names and nothing else', () => {
    expect(allZones.filter((zone) => !isZone(zone))).toEqual([]);
    expect(['UTC', 'Etc/UTC', 'Europe/London'].every(isZone)).toBe(true);
    for (const zone of ['UTC+3', '+03:00', '-03', 'local', 'system', 'default', 'Mars/Olympus', '']) {
      expect(isZone(zone)).toBe(false);
      expect(() => calendar(zone)).toThrow(/invalid_zone/);
    }
  });
});

/** `2024-02-28` → `2024-02-29`. */
function dayAfter(day: string): string {
  return new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
}

describe('days', () => {
  it('go on when clocks go back over midnight', () => {
    // In Newfoundland clocks went back at 00:01, so for 59 minutes it was the 28th once more.
    const book = calendar('America/St_Johns');
    expect(book.dayOf(new Date('2006-10-29T02:30:30Z'))).toBe('2006-10-29');
    expect(book.dayOf(new Date('2006-10-29T03:00:00Z'))).toBe('2006-10-29');
    expect(book.dayOf(new Date('2006-10-29T02:29:59Z'))).toBe('2006-10-28');
  });

  it('hold the instants from their start to the next one, and are those Intl names', () => {
    fc.assert(
      fc.property(anyCalendar, anyInstant, (book, instant) => {
        const day = book.dayOf(instant);
        const start = book.startOfDay(day);
        expect(instant < book.startOfDay(dayAfter(day))).toBe(true);
        // Where clocks go back over midnight they show a day that was over; the day that has begun goes on.
        const shown = intlDay(book.zone)(instant);
        if (instant < book.startOfDay(dayAfter(shown))) expect(day).toBe(shown);
        expect(book.dayOf(start)).toBe(day);
        expect(start <= instant).toBe(true);
        expect(book.dayOf(new Date(start.getTime() - 1)) < day).toBe(true);
        expect(book.parseInstant(day)).toEqual(start);
      }),
      { numRuns: 1000 },
    );
  });

  it('begin where the clocks say so', () => {
    const start = (zone: string, day: string) => iso(calendar(zone).startOfDay(day));
    expect(start('America/Sao_Paulo', '2018-11-04')).toBe('2018-11-04T03:00:00.000Z'); // No midnight: 00:00 → 01:00.
    expect(start('America/Toronto', '1919-03-31')).toBe('1919-03-31T04:30:00.000Z'); // 23:30 → 00:30, over midnight.
    expect(start('Atlantic/Azores', '2025-10-26')).toBe('2025-10-26T00:00:00.000Z'); // Midnight twice: the first.
    expect(start('America/St_Johns', '2006-10-29')).toBe('2006-10-29T02:30:00.000Z'); // Twice, a minute past it.
    expect(start('Pacific/Apia', '2011-12-30')).toBe('2011-12-30T10:00:00.000Z'); // The day that was not.
    expect(() => calendar('UTC').startOfDay('2026-02-29')).toThrow(/invalid_day/);
  });
});
