import { describe, expect, it } from 'vitest';
import {
  dayOf,
  daysOfMonth,
  daysOfQuarter,
  instantOfId,
  isDay,
  quarterOfDay,
  shiftDay,
} from '../../src/console/page/ledger/days.ts';
import { createIds } from '../../src/core/id.ts';
import { calendar as calendarOf } from '../../src/core/quarter.ts';

describe('days of the page', () => {
  it.each([
    // An hour before and at midnight, on the days on which clocks go forward and back.
    ['Europe/Berlin', '2026-03-28T22:59:59.999Z', '2026-03-28'],
    ['Europe/Berlin', '2026-03-28T23:00:00Z', '2026-03-29'],
    ['Europe/Berlin', '2026-03-29T21:59:59.999Z', '2026-03-29'],
    ['Europe/Berlin', '2026-03-29T22:00:00Z', '2026-03-30'],
    ['Europe/Berlin', '2026-10-25T22:59:59.999Z', '2026-10-25'],
    ['Europe/Berlin', '2026-10-25T23:00:00Z', '2026-10-26'],
    // There the day begins at one: midnight was skipped.
    ['America/Sao_Paulo', '2018-11-04T02:59:59.999Z', '2018-11-03'],
    ['America/Sao_Paulo', '2018-11-04T03:00:00Z', '2018-11-04'],
    ['Pacific/Kiritimati', '2026-01-01T10:00:00Z', '2026-01-02'],
    ['UTC', '0999-12-31T23:59:59Z', '0999-12-31'],
  ])('in %s %s is on %s', (zone, instant, day) => {
    expect(dayOf(new Date(instant), zone)).toBe(day);
    expect(dayOf(new Date(instant), zone)).toBe(calendarOf(zone).dayOf(new Date(instant)));
  });

  it('are the days and quarters of the server, whatever the zone', () => {
    const newYork = calendarOf('America/New_York');
    for (
      let at = Date.parse('2024-01-01T00:30:00Z');
      at < Date.parse('2026-01-01');
      at += 7 * 3_600_000 + 1
    ) {
      const day = dayOf(new Date(at), 'America/New_York');
      expect(day).toBe(newYork.dayOf(new Date(at)));
      const { name } = newYork.quarterOf(new Date(at));
      expect(quarterOfDay(day)).toBe(name);
      const { from, to } = daysOfQuarter(name);
      expect(newYork.startOfDay(from)).toEqual(newYork.quarter(name).start);
      expect(newYork.startOfDay(shiftDay(to, 1))).toEqual(newYork.quarter(name).end);
    }
  });

  it('knows the days of months and of quarters before and after', () => {
    expect(daysOfMonth('2024-02-29')).toEqual({ from: '2024-02-01', to: '2024-02-29' });
    expect(daysOfMonth('2026-12-31')).toEqual({ from: '2026-12-01', to: '2026-12-31' });
    expect(daysOfQuarter('2026q1', -1)).toEqual({ from: '2025-10-01', to: '2025-12-31' });
    expect(daysOfQuarter('2026q4', 1)).toEqual({ from: '2027-01-01', to: '2027-03-31' });
  });

  it('leaves to the server what is no day', () => {
    for (const text of ['2026-02-30', '31.03.2026', '', '2026-3-1', 'today']) {
      expect(isDay(text)).toBe(false);
      expect(shiftDay(text, 1)).toBe(text);
    }
    expect(isDay('2024-02-29')).toBe(true);
  });

  it('reads from an id when it was booked', () => {
    const at = new Date('2024-09-30T18:55:38.181Z');
    const id = createIds()(at);
    expect(instantOfId(id)).toEqual(at);
    expect(instantOfId(id.toUpperCase())).toEqual(at);
    // Of version 4, and no id at all.
    expect(instantOfId('7d9f0d0e-52a9-4b7e-9c56-1f2b3c4d5e6f')).toBeUndefined();
    expect(instantOfId('x')).toBeUndefined();
    expect(instantOfId('ffffffff-ffff-7fff-8fff-ffffffffffff')).toBeUndefined();
  });
});
