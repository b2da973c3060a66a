import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { calendar as calendarOf } from '../../src/core/quarter.ts';
import { readAlerts } from '../support/alert-rules.ts';

const DAY = 86_400;
const alerts = readAlerts(
  join(import.meta.dirname, '..', '..', 'helm', 'quartermaster', 'files', 'alerts.yaml'),
);
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Tokyo',
  'Australia/Sydney',
  'America/Santiago',
];

/** Below how many seconds it fires. */
function limitOf(alert: string): number {
  const { expr = '' } = alerts.find((one) => one.alert === alert) ?? {};
  return Number(/< (\d+) \* 86400$/.exec(expr)?.[1]) * DAY;
}

/** How far the horizon is when a quarter has just ended and the next one is not created yet, at the least in forty years. */
function leastAhead(quarters: number): number {
  return Math.min(
    ...zones.flatMap((zone) => {
      const calendar = calendarOf(zone);
      let current = calendar.quarterOf(new Date('2020-02-02T00:00:00Z'));
      return Array.from({ length: 160 }, () => {
        const last = calendar.next(current, quarters);
        const ahead = (last.end.getTime() - current.end.getTime()) / 1000;
        current = calendar.next(current);
        return ahead;
      });
    }),
  );
}

describe('the limits of the horizon', () => {
  // The reconcile runs each hour, and three hours without it are told by an alert of their own.
  const late = 3 * 3600;

  it('wake nobody who keeps one quarter ahead, and warn nobody who keeps two', () => {
    expect(limitOf('QuartermasterHorizonCritical')).toBeLessThan(leastAhead(1) - late);
    expect(limitOf('QuartermasterHorizonLow')).toBeLessThan(leastAhead(2) - late);
  });

  it('are no further from that than a day and a half', () => {
    expect(limitOf('QuartermasterHorizonCritical')).toBeGreaterThan(leastAhead(1) - 1.5 * DAY);
    expect(limitOf('QuartermasterHorizonLow')).toBeGreaterThan(leastAhead(2) - 1.5 * DAY);
  });
});
