import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { balanceLine } from '../../src/console/page/ledger/balance-line.ts';
import { plainAmount, toCsv } from '../../src/console/page/ledger/csv.ts';
import { shiftDay } from '../../src/console/page/ledger/days.ts';
import {
  archivedSpans,
  chartOf,
  nameOfPeriod,
  periodNames,
  startOfPeriod,
  startsBetween,
} from '../../src/console/page/ledger/periods.ts';
import { periodName } from '../../src/core/days.ts';

describe('periods of a chart', () => {
  it('have the first days and the names that the server gives them', () => {
    for (const period of periodNames) {
      for (let day = '2019-12-20'; day < '2021-01-15'; day = shiftDay(day, 1)) {
        const start = startOfPeriod(day, period);
        expect(nameOfPeriod(start, period)).toBe(periodName(start, period));
      }
    }
    expect(startOfPeriod('2026-03-29', 'week')).toBe('2026-03-23');
  });

  it('follow each other without a gap, those with nothing in them too', () => {
    expect(startsBetween('2026-01-15', '2026-04-02', 'month')).toEqual([
      '2026-01-01',
      '2026-02-01',
      '2026-03-01',
      '2026-04-01',
    ]);
    expect(startsBetween('2025-11-01', '2026-04-01', 'quarter')).toEqual([
      '2025-10-01',
      '2026-01-01',
      '2026-04-01',
    ]);
    expect(startsBetween('2026-03-28', '2026-03-30', 'day')).toHaveLength(3);
    expect(startsBetween('2026-03-29', '2026-03-30', 'week')).toEqual(['2026-03-23', '2026-03-30']);
    expect(startsBetween('2026-03-30', '2026-03-29', 'day')).toEqual([]);
  });

  it('hold what the lines say, and amounts to the last unit', () => {
    const line = { period: '', currency: 'EUR', status: 'SUCCESS' } as const;
    const chart = chartOf(
      [
        { ...line, start: '2026-01-01', transaction_count: 2, total_amount: '9007199254740993' },
        { ...line, start: '2026-01-01', transaction_count: 1, total_amount: '7', status: 'FAILED' },
        { ...line, start: '2026-01-03', transaction_count: 4, total_amount: '100', currency: 'AUD' },
        { ...line, start: '2026-02-01', transaction_count: 9, total_amount: '1' },
      ],
      '2026-01-01',
      '2026-01-03',
      'day',
    );
    expect(chart.counts).toEqual({ booked: [2, 0, 4], failed: [1, 0, 0] });
    expect([...chart.amounts.keys()]).toEqual(['AUD', 'EUR']);
    expect(chart.amounts.get('EUR')).toEqual({ booked: [9007199254740993n, 0n, 0n], failed: [7n, 0n, 0n] });
  });

  it('makes one stretch of archived quarters that are neighbours', () => {
    expect(archivedSpans(['2024q4', '2024q2', '2024q3', '2025q2'])).toEqual([
      { from: '2024-04-01', to: '2024-12-31' },
      { from: '2025-04-01', to: '2025-06-30' },
    ]);
    expect(archivedSpans([])).toEqual([]);
  });
});

describe('CSV', () => {
  it('quotes what has to be, and lets nothing become a formula', () => {
    expect(
      toCsv([
        ['Week', 'a "b", c'],
        ['2026-W01', -5],
        ['=1+1', '-12.50'],
      ]),
    ).toBe('Week,"a ""b"", c"\r\n2026-W01,-5\r\n\'=1+1,-12.50\r\n');
  });

  it('writes amounts with their decimals and nothing else', () => {
    expect(plainAmount('-1234567', 2)).toBe('-12345.67');
    expect(plainAmount('5', 3)).toBe('0.005');
    expect(plainAmount('-5', 2)).toBe('-0.05');
    expect(plainAmount('98765432109876543210', 0)).toBe('98765432109876543210');
  });
});

describe('the line of a balance', () => {
  it('is steps in time: a balance stays as it is until the next entry', () => {
    const line = balanceLine(
      [
        { at: 0, balance: -100n },
        { at: 50, balance: 100n },
        { at: 100, balance: 0n },
      ],
      1000,
      100,
    );
    expect(line).toEqual({
      path: 'M0 100H500V0H1000V50',
      lowest: -100n,
      highest: 100n,
      zero: 50,
    });
  });

  it('is level where nothing changes, and none where there is nothing', () => {
    expect(balanceLine([{ at: 5, balance: 7n }], 100, 10)?.path).toBe('M0 5H100');
    expect(balanceLine([], 100, 10)).toBeUndefined();
  });

  it('stays in its box, however large the numbers', () => {
    const steps = fc.array(
      fc.record({
        at: fc.integer({ min: 0, max: 1e12 }),
        balance: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }),
      }),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(steps, (some) => {
        const sorted = some.toSorted((a, b) => a.at - b.at);
        const line = balanceLine(sorted, 300, 60);
        for (const [, x] of line?.path.matchAll(/H([\d.]+)/g) ?? [])
          expect(Number(x)).toBeLessThanOrEqual(300);
        for (const [, y] of line?.path.matchAll(/V([\d.]+)/g) ?? [])
          expect(Number(y)).toBeLessThanOrEqual(60);
        expect(line?.path).not.toMatch(/NaN|-|e/);
      }),
    );
  });
});
