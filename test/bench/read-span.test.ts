import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QUARTERS, spanOf } from '../../bench/read-span.ts';
import { calendar as calendarOf } from '../../src/core/quarter.ts';

describe('the span of the rows to read', () => {
  const calendar = calendarOf('UTC');
  const instants = fc.date({ min: new Date('2010-01-01'), max: new Date('2040-01-01'), noInvalidDate: true });

  it('has every row in one quarter, where its instant is, and none in the day that goes on still', () => {
    fc.assert(
      fc.property(instants, fc.integer({ min: 1, max: 10_000_000 }), (now, rows) => {
        const { start, length, parts } = spanOf(calendar, now, rows);
        expect(parts).toHaveLength(QUARTERS);
        expect(parts[0]?.first).toBe(0n);
        expect(parts.at(-1)?.end).toBe(BigInt(rows));
        const at = (row: bigint) => Number(start + (row * length) / BigInt(rows));
        let next = 0n;
        for (const { quarter, first, end } of parts) {
          expect(first).toBe(next);
          next = end;
          if (end === first) continue;
          expect(at(first)).toBeGreaterThanOrEqual(quarter.start.getTime());
          expect(at(end - 1n)).toBeLessThan(quarter.end.getTime());
        }
        expect(at(next - 1n)).toBeLessThan(calendar.startOfDay(calendar.dayOf(now)).getTime());
      }),
    );
  });

  it('ends with the quarter before on the first day of one', () => {
    const last = (now: string) => spanOf(calendar, new Date(now), 10).parts.at(-1)?.quarter.name;
    expect(last('2026-04-01T12:00:00Z')).toBe('2026q1');
    expect(last('2026-04-02T00:00:00Z')).toBe('2026q2');
  });
});
