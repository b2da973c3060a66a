import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { figureOf, isReached, median, percentile, rounded } from '../../bench/figures.ts';

describe('figures of the benches', () => {
  const what = { figure: 'a/b', rows: 10, goal: 5 };

  it('have a ratio of which more is better, whatever the unit', () => {
    expect(figureOf({ ...what, unit: 'tx/s' }, [900, 1000, 1100], [200])).toEqual({
      ...what,
      unit: 'tx/s',
      ours: 1000,
      other: 200,
      ratio: 5,
    });
    expect(figureOf({ ...what, unit: 'ms' }, [2], [10, 30]).ratio).toBe(10);
  });

  it('have no ratio where there is nothing to divide by, and none of what is counted', () => {
    expect(figureOf({ ...what, unit: 'ms' }, [0], [10]).ratio).toBeNull();
    expect(figureOf({ ...what, unit: 'tx/s' }, [0], [0]).ratio).toBeNull();
    const none = figureOf({ ...what, unit: 'count', goal: 0 }, [0], [412]);
    expect(JSON.parse(JSON.stringify(none))).toEqual({
      ...what,
      unit: 'count',
      ours: 0,
      other: 412,
      ratio: null,
      goal: 0,
    });
    expect(figureOf({ ...what, unit: 'count', goal: 0 }, [3], [9]).ratio).toBeNull();
  });

  it('reach their goal by the ratio, and what is counted by staying within it', () => {
    const reached = (unit: 'ms' | 'count', ours: number, other: number, goal: number | null) =>
      isReached(figureOf({ ...what, unit, goal }, [ours], [other]));
    expect([reached('ms', 2, 10, 5), reached('ms', 2, 9.8, 5), reached('ms', 0, 10, 5)]).toEqual([
      true,
      false,
      false,
    ]);
    expect([reached('count', 0, 0, 0), reached('count', 1, 1000, 0)]).toEqual([true, false]);
    expect(reached('ms', 1, 100, null)).toBeUndefined();
  });

  it('have the median as it is defined', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(() => median([])).toThrow('nothing');
  });

  it('have percentiles by the nearest rank', () => {
    const finite = fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1 });
    fc.assert(
      fc.property(finite, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, part) => {
        const found = percentile(values, part);
        const below = values.filter((value) => value < found).length;
        const upTo = values.filter((value) => value <= found).length;
        expect(values).toContain(found);
        expect(upTo).toBeGreaterThanOrEqual(part * values.length);
        expect(below).toBeLessThan(part * values.length);
      }),
    );
    expect(percentile([1, 2, 3, 4], 0.99)).toBe(4);
    expect(() => percentile([], 0.5)).toThrow('nothing');
  });

  it('are rounded to what is not noise, and lose no whole digit', () => {
    expect([12345.6, 100.4, 12.345, 0.012345, -512.7].map(rounded)).toEqual([12346, 100, 12.3, 0.0123, -513]);
  });
});
