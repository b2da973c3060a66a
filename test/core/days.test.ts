import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dayAfter, parseUntil, periodName, spanOfDay, wholeDays } from '../../src/core/days.ts';
import { calendar } from '../../src/core/quarter.ts';
import { anyCalendar, anyInstant } from './zones.ts';

describe('a range of instants', () => {
  it('is cut into whole days and ends that hold each instant once', () => {
    fc.assert(
      fc.property(
        anyCalendar,
        anyInstant,
        fc.integer({ min: 0, max: 5 * 86_400_000 }),
        anyInstant,
        fc.boolean(),
        (book, from, length, other, onDay) => {
          const begin = onDay ? book.startOfDay(book.dayOf(from)) : from;
          const to = new Date(begin.getTime() + length);
          const { days, edges } = wholeDays(book, begin, to);
          for (const instant of [
            other,
            begin,
            to,
            new Date(to.getTime() - 1),
            new Date(begin.getTime() - 1),
            new Date(begin.getTime() + length / 2),
          ]) {
            const day = book.dayOf(instant);
            const inDays = days !== undefined && day >= (days.first ?? '') && day < (days.before ?? '~');
            const times =
              edges.filter(({ start, end }) => instant >= start && instant < end).length + Number(inDays);
            expect(times).toBe(Number(instant >= begin && instant < to));
          }
          for (const { start, end } of edges) {
            expect(start < end).toBe(true);
            // No end is longer than its day.
            expect(end <= spanOfDay(book, book.dayOf(start)).end).toBe(true);
          }
        },
      ),
    );
  });

  it('without an end has one edge at most', () => {
    fc.assert(
      fc.property(anyCalendar, anyInstant, (book, instant) => {
        expect(wholeDays(book, undefined, undefined)).toEqual({
          days: { first: undefined, before: undefined },
          edges: [],
        });
        expect(wholeDays(book, instant, undefined).edges.length).toBeLessThanOrEqual(1);
        expect(wholeDays(book, undefined, instant).days?.before).toBe(book.dayOf(instant));
      }),
    );
  });
});

describe('until a day', () => {
  it('is to its end, whatever the zone does in it', () => {
    fc.assert(
      fc.property(anyCalendar, anyInstant, (book, instant) => {
        const day = book.dayOf(instant);
        const until = parseUntil(book, day);
        expect(until).toEqual(spanOfDay(book, day).end);
        expect(until && until > instant).toBe(true);
      }),
    );
    const paris = calendar('Europe/Paris');
    expect(parseUntil(paris, '2026-12-31')).toEqual(new Date('2026-12-31T23:00:00Z'));
    expect(parseUntil(paris, '2026-12-31T18:00:00Z')).toEqual(new Date('2026-12-31T18:00:00Z'));
    for (const text of ['2026-02-30', 'tomorrow', '9999-12-31', '']) {
      expect(parseUntil(paris, text)).toBeUndefined();
    }
  });
});

describe('a period', () => {
  it('is called as ISO 8601 and the calendar have it', () => {
    expect(periodName('2026-03-30', 'week')).toBe('2026-W14');
    expect(periodName('2024-12-30', 'week')).toBe('2025-W01');
    expect(periodName('2020-12-28', 'week')).toBe('2020-W53');
    expect(periodName('2027-01-04', 'week')).toBe('2027-W01');
    expect(periodName('2026-10-01', 'quarter')).toBe('2026q4');
    expect(periodName('2026-03-01', 'month')).toBe('2026-03');
    expect(periodName('2026-03-01', 'day')).toBe('2026-03-01');
    expect(dayAfter('2024-02-28')).toBe('2024-02-29');
    expect(dayAfter('2023-12-31')).toBe('2024-01-01');
  });
});
