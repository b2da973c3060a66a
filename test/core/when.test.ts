import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calendar, isZone } from '../../src/core/quarter.ts';
import { DAY } from '../../src/core/timestamp.ts';
import { wallClock } from '../../src/core/wall.ts';
import { isUnderstood, parseWhen, sayMoment } from '../../src/core/when.ts';

/** 2026-06-17 is a Wednesday. */
const NOW = new Date('2026-06-17T12:34:56Z');

function read(text: string, { zone = 'UTC', now = NOW, dayMeans = 'end' as 'start' | 'end' } = {}) {
  return parseWhen(text, { calendar: calendar(zone), now, dayMeans });
}

function at(text: string, options: Parameters<typeof read>[1] = {}): string {
  const found = read(text, options);
  return isUnderstood(found) ? found.at.toISOString().replace('.000Z', 'Z') : found.fault;
}

describe('a time as people write it', () => {
  it.each([
    ['2026-12-31', '2027-01-01T00:00:00Z'],
    ['2026-12-31 18:00', '2026-12-31T18:00:00Z'],
    ['2026-12-31T18:00:00+02:00', '2026-12-31T16:00:00Z'],
    ['31 Dec 2026', '2027-01-01T00:00:00Z'],
    ['31 December 2026 18:00', '2026-12-31T18:00:00Z'],
    ['December 31, 2026', '2027-01-01T00:00:00Z'],
    ['Dec. 1st 2026 at 9:05', '2026-12-01T09:05:00Z'],
    ['1 sept 2026', '2026-09-02T00:00:00Z'],
    ['today', '2026-06-18T00:00:00Z'],
    ['Tomorrow', '2026-06-19T00:00:00Z'],
    ['tomorrow 18:00', '2026-06-18T18:00:00Z'],
    ['in 14 days', '2026-07-01T12:34:56Z'],
    ['14 days', '2026-07-01T12:34:56Z'],
    ['2 weeks', '2026-07-01T12:34:56Z'],
    ['90d', '2026-09-15T12:34:56Z'],
    ['in an hour', '2026-06-17T13:34:56Z'],
    ['in 3 months', '2026-09-17T12:34:56Z'],
    ['1 year', '2027-06-17T12:34:56Z'],
    ['end of day', '2026-06-18T00:00:00Z'],
    ['end of week', '2026-06-22T00:00:00Z'],
    ['end of the month', '2026-07-01T00:00:00Z'],
    ['end of quarter', '2026-07-01T00:00:00Z'],
    ['end of next quarter', '2026-10-01T00:00:00Z'],
    ['end of next month', '2026-08-01T00:00:00Z'],
    ['end of year', '2027-01-01T00:00:00Z'],
    ['2026q4', '2027-01-01T00:00:00Z'],
    ['2026Q4', '2027-01-01T00:00:00Z'],
  ])('%s is %s', (text, expected) => {
    expect(at(text)).toBe(expected);
    expect(at(`  ${text.replace(' ', '   ')} `)).toBe(expected);
  });

  it('of a day means the end that is asked for; of a period always its end', () => {
    expect(at('2026-12-31', { dayMeans: 'start' })).toBe('2026-12-31T00:00:00Z');
    expect(at('tomorrow', { dayMeans: 'start' })).toBe('2026-06-18T00:00:00Z');
    expect(at('2026q4', { dayMeans: 'start' })).toBe('2027-01-01T00:00:00Z');
  });

  it.each([
    ['01/02/2026', 'can be read in two ways. Write 2026-02-01 or 2026-01-02'],
    ['1.2.2026', 'can be read in two ways. Write 2026-02-01 or 2026-01-02'],
    ['31/12/2026', 'is not how days are written here. Write 2026-12-31'],
    ['2026/12/31', 'is not how days are written here. Write 2026-12-31'],
    ['5/5/2026', 'is not how days are written here. Write 2026-05-05'],
    ['2026-02-30', 'is no real date. Write a day as 2026-12-31'],
    ['30 Feb 2026', 'is no real date. Write a day as 2026-12-31'],
    ['99/99/2026', 'is no real date. Write a day as 2026-12-31'],
    ['tomorrow 25:00', 'has no real time of day. Write it as 18:00, from 00:00 to 23:59'],
    ['31 Dec 2026 at 9:60', 'has no real time of day. Write it as 18:00, from 00:00 to 23:59'],
    ['30 Feb 2026 18:00', 'is no real date. Write a day as 2026-12-31'],
    ['9999-12-31', 'is the last day there is, and its end is beyond. Write "9999-12-31 18:00" or 9999-12-30'],
    ['in 999999 years', 'is further away than the year 9999'],
  ])('%s %s', (text, fault) => {
    expect(at(text)).toBe(fault);
  });

  it.each([
    '',
    'sometime',
    'in days',
    'in 3 fortnights',
    '2026',
    '31 Foo 2026',
    '2026q5',
    'today 25:00',
    '-3d',
  ])('%j is none, and how to write one is said', (text) => {
    expect(isUnderstood(read(text))).toBe(false);
    expect(at(text)).toMatch(/Write /);
  });

  it('is that of the zone, by its clocks', () => {
    const zone = 'Europe/Paris';
    expect(at('2026-12-31', { zone })).toBe('2026-12-31T23:00:00Z');
    expect(at('2026-07-01 18:00', { zone })).toBe('2026-07-01T16:00:00Z');
    // 02:30 was skipped on that day, and 02:30 came twice on the other.
    expect(at('2026-03-29 02:30', { zone })).toBe('2026-03-29T01:30:00Z');
    expect(at('2026-10-25 02:30', { zone })).toBe('2026-10-25T00:30:00Z');
    // A day is one by the calendar, and an hour is one by the clock.
    const now = new Date('2026-03-28T12:00:00Z');
    expect(at('in 1 day', { zone, now })).toBe('2026-03-29T11:00:00Z');
    expect(at('in 24 hours', { zone, now })).toBe('2026-03-29T12:00:00Z');
    expect(at('in 1 month', { zone, now: new Date('2026-01-31T12:00:00Z') })).toBe('2026-02-28T12:00:00Z');
  });

  it('is said back with its zone', () => {
    const said = (text: string, zone: string, dayMeans: 'start' | 'end' = 'end') => {
      const found = read(text, { zone, dayMeans });
      return isUnderstood(found) ? sayMoment(found, zone) : '';
    };
    expect(said('31 Dec 2026', 'Europe/Paris')).toBe('the end of 2026-12-31 in Europe/Paris');
    expect(said('2026-12-31', 'UTC', 'start')).toBe('the start of 2026-12-31 in UTC');
    expect(said('2026q3', 'Asia/Tokyo')).toBe('the end of 2026-09-30 in Asia/Tokyo');
    expect(said('2026-07-01T16:00:00Z', 'Europe/Paris')).toBe('2026-07-01 18:00 (Europe/Paris, UTC+02:00)');
    expect(said('in 1 day', 'UTC')).toBe('2026-06-18 12:34:56 (UTC)');
  });
});

describe('in any zone and at any time', () => {
  const zones = [
    'Europe/Paris',
    'America/New_York',
    'Asia/Kathmandu',
    'Australia/Lord_Howe',
    'America/Sao_Paulo',
  ];
  const moments = fc.record({
    zone: fc.constantFrom(...zones),
    now: fc.date({ min: new Date('1990-01-01'), max: new Date('2060-01-01'), noInvalidDate: true }),
    count: fc.integer({ min: 0, max: 4000 }),
  });

  it('so many days later the clocks show the same time, or what it was moved to', () => {
    expect(zones.every(isZone)).toBe(true);
    fc.assert(
      fc.property(moments, ({ zone, now, count }) => {
        const show = wallClock(zone);
        const found = read(`in ${count} days`, { zone, now });
        if (!isUnderstood(found)) return false;
        const [before, after] = [show(now), show(found.at)];
        const wanted = new Date(Date.parse(`${before.day}T00:00:00Z`) + count * DAY)
          .toISOString()
          .slice(0, 10);
        const asLocal = calendar(zone).parseInstant(`${wanted}T${before.time}`);
        // Only a gap moves it, and by no more than an hour.
        const moved = after.time !== before.time || after.day !== wanted;
        const gap = found.at.getTime() - Date.parse(`${wanted}T${before.time}${before.offset}`);
        return found.at.getTime() === asLocal?.getTime() && (!moved || Math.abs(gap) <= 3_600_000);
      }),
      { numRuns: 300 },
    );
  });

  it('the end of a day is the start of the next one', () => {
    fc.assert(
      fc.property(moments, ({ zone, now }) => {
        const day = calendar(zone).dayOf(now);
        const next = new Date(Date.parse(`${day}T00:00:00Z`) + DAY).toISOString().slice(0, 10);
        const end = read(day, { zone, now });
        return isUnderstood(end) && end.at.getTime() === calendar(zone).startOfDay(next).getTime();
      }),
      { numRuns: 300 },
    );
  });

  it('an instant is itself, and what is said of it leads back to it', () => {
    fc.assert(
      fc.property(moments, ({ zone, now }) => {
        const found = read(now.toISOString(), { zone });
        if (!isUnderstood(found) || found.at.getTime() !== now.getTime()) return false;
        const { day, time, offset } = wallClock(zone)(now);
        const back = read(`${day}T${time}${offset}`, { zone });
        return isUnderstood(back) && Math.abs(back.at.getTime() - now.getTime()) < 1000;
      }),
      { numRuns: 300 },
    );
  });

  it('no text whatever makes it throw', () => {
    const words = fc.constantFrom(
      'in',
      '14',
      'days',
      'end',
      'of',
      'quarter',
      '2026',
      'dec',
      '31',
      '/',
      '-',
      ':',
      '99999',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(words).map((all) => all.join(' ')),
        ),
        (text) => {
          const found = read(text);
          return isUnderstood(found) ? !Number.isNaN(found.at.getTime()) : found.fault.length > 0;
        },
      ),
      { numRuns: 1000 },
    );
  });
});
