import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calendar } from '../../src/core/quarter.ts';
import { anyCalendar, anyInstant, iso } from './zones.ts';

describe('instants as text', () => {
  const london = calendar('Europe/London');
  const parse = (text: string) => iso(london.parseInstant(text));

  it('are read back from every form that names them', () => {
    fc.assert(
      fc.property(
        anyCalendar,
        anyInstant,
        fc.integer({ min: -57599, max: 57599 }),
        (book, instant, seconds) => {
          const shifted = new Date(instant.getTime() + seconds * 1000).toISOString().slice(0, -1);
          const clock = new Date(Math.abs(seconds) * 1000).toISOString().slice(11, 19);
          const offset = `${seconds < 0 ? '-' : '+'}${clock}`;
          expect(book.parseInstant(instant.toISOString())).toEqual(instant);
          expect(book.parseInstant(shifted + offset)).toEqual(instant);
          expect(book.parseInstant(shifted.replace('T', ' ') + offset.replaceAll(':', ''))).toEqual(instant);
        },
      ),
    );
  });

  it('without an offset are local, the first of two', () => {
    fc.assert(
      fc.property(anyCalendar, anyInstant, (book, instant) => {
        const wall = new Intl.DateTimeFormat('sv-SE', {
          timeZone: book.zone,
          dateStyle: 'short',
          timeStyle: 'medium',
        }).format(instant);
        const second = Math.floor(instant.getTime() / 1000) * 1000;
        const read = book.parseInstant(wall)?.getTime() ?? Number.NaN;
        // Equal, or the same reading of the clocks before they went back.
        expect(read).toBeLessThanOrEqual(second);
        expect(second - read).toBeLessThan(25 * 3600 * 1000);
        if (read !== second) expect(book.parseInstant(wall.replace(' ', 'T'))).toEqual(new Date(read));
      }),
    );
    expect(parse('2026-07-01T12:00')).toBe('2026-07-01T11:00:00.000Z');
    expect(parse('2026-10-25 01:30:00')).toBe('2026-10-25T00:30:00.000Z'); // Twice; the first is summer time.
    expect(parse('2026-03-29 01:30:00')).toBe('2026-03-29T01:30:00.000Z'); // Skipped; 02:30 once clocks moved.
    expect(iso(calendar('Africa/Monrovia').parseInstant('1960-01-01 12:00'))).toBe(
      '1960-01-01T12:44:30.000Z',
    );
  });

  it('are cut off at the millisecond, never rounded', () => {
    expect(parse('2025-12-31T23:59:59.9999999Z')).toBe('2025-12-31T23:59:59.999Z');
    expect(parse('1969-12-31T23:59:59.9999Z')).toBe('1969-12-31T23:59:59.999Z');
    expect(parse('2026-01-01T00:00:00,5Z')).toBe('2026-01-01T00:00:00.500Z');
    expect(parse('2026-01-01 00:00:00.123456+00')).toBe('2026-01-01T00:00:00.123Z');
  });

  it('are no date where the zone skipped that day', () => {
    expect(calendar('Pacific/Kiritimati').parseInstant('1994-12-31')).toBeUndefined();
    expect(calendar('Pacific/Apia').parseInstant('2011-12-30')).toBeUndefined();
    expect(iso(calendar('Pacific/Apia').parseInstant('2011-12-31'))).toBe('2011-12-30T10:00:00.000Z');
  });

  it('are refused when they are no real date', () => {
    const wrong =
      `2026-02-29 2026-13-01 2026-00-10 2026-01-00 2026-04-31 0000-01-01 10000-01-01 26-01-01 20260101
      2026-1-1 2026-01-01T 2026-01-01T24:00 2026-01-01T12 2026-01-01T12:60 2026-01-01T12:00:60 2026-01-01T12:00Z5
      2026-01-01T12:00+16:00 2026-01-01T12:00+01:60 2026-01-01T12:00+1 2026-01-01T12:00:00.Z 2026-01-01Z today
      2026-01-01t12:00Z 2026-01-01T12:00z 9999-12-31T23:30-01:00 ٢٠٢٦-٠١-٠١ -2026-01-01 +2026-01-01`.split(
        /\s+/,
      );
    expect(wrong.filter((text) => parse(text) !== undefined)).toEqual([]);
    for (const text of ['', ' 2026-01-01', '2026-01-01 ', '2026-01-01\n', '2026-01-01  12:00']) {
      expect(parse(text)).toBeUndefined();
    }
    expect(parse('2024-02-29')).toBe('2024-02-29T00:00:00.000Z');
    expect(parse('2000-02-29')).toBeDefined();
    expect(parse('1900-02-29')).toBeUndefined();
  });

  it('are as good after the caches were emptied as before', () => {
    const days = Array.from({ length: 20_000 }, (_, day) =>
      new Date(day * 86_400_000).toISOString().slice(0, 10),
    );
    const book = calendar('UTC');
    for (let round = 0; round < 2; round++) {
      expect(days.filter((day) => iso(book.parseInstant(day)) !== `${day}T00:00:00.000Z`)).toEqual([]);
    }
  });
});
