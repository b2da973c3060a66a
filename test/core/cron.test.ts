import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { longestInterval } from '../../src/core/cron.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;

describe('the longest time between two runs of a schedule', () => {
  it.each([
    ['* * * * *', 60],
    ['30 * * * *', HOUR],
    ['*/20 * * * *', 20 * 60],
    ['5/20 * * * *', 20 * 60],
    // From 59 to the full hour is a minute, and from 0 to 59 the rest.
    ['0,59 * * * *', 59 * 60],
    ['15 */6 * * *', 6 * HOUR],
    ['0 2 * * *', DAY],
    // By night, so the day lies between.
    ['0 22-23 * * *', 23 * HOUR],
    ['0 9-17/4 * * *', 16 * HOUR],
    ['10 3 * * 0', 7 * DAY],
    ['10 3 * * 7', 7 * DAY],
    ['0 12 * * 1-5', 3 * DAY],
    ['0 0 1 * *', 31 * DAY],
    ['0 0 31 * *', 61 * DAY],
    ['0 0 1 1 *', 366 * DAY],
    ['0 0 29 2 *', 1461 * DAY],
    // A day of the month or of the week, whichever comes first: never longer than a week.
    ['0 0 1 * 1', 7 * DAY],
  ])('of %s is %d seconds', (cron, seconds) => {
    expect(longestInterval(cron)).toBe(seconds);
  });

  it('is the widest gap of the minutes and hours that are listed, whatever they are', () => {
    const some = (to: number) => fc.uniqueArray(fc.integer({ min: 0, max: to }), { minLength: 1 });
    fc.assert(
      fc.property(some(59), some(23), (minutes, hours) => {
        const times = hours.flatMap((hour) => minutes.map((minute) => hour * 60 + minute));
        times.sort((a, b) => a - b);
        const gaps = times.map((time, i) => (times[i + 1] ?? (times[0] ?? 0) + 24 * 60) - time);
        expect(longestInterval(`${minutes.join()} ${hours.join()} * * *`)).toBe(60 * Math.max(...gaps));
      }),
      { numRuns: 20 },
    );
  });

  it.each([
    '* * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * * JAN *',
    '*/0 * * * *',
    '5-1 * * * *',
    '1,, * * * *',
    '0 0 31 2 *',
  ])('is not asked of "%s"', (cron) => {
    expect(() => longestInterval(cron)).toThrow('assertion_failed');
  });
});
