import { describe, expect, it } from 'vitest';
import { arrivals, createPairs, createRandom, createZipf } from '../../bench/distributions.ts';

const ACCOUNTS = 1000;
const DRAWS = 200_000;

describe('the load of the benches', () => {
  it('is the same for the same seed, and another for another', () => {
    const first = (seed: number) => Array.from({ length: 20 }, createRandom(seed));
    expect(first(7)).toEqual(first(7));
    expect(first(7)).not.toEqual(first(8));
    expect(Math.min(...first(7))).toBeGreaterThanOrEqual(0);
    expect(Math.max(...first(7))).toBeLessThan(1);
  });

  it.each(['spread', 'zipf', 'hot'] as const)('%s: is between two accounts that exist', (distribution) => {
    const next = createPairs(distribution, ACCOUNTS, createRandom(1));
    for (let draw = 0; draw < 2_000; draw++) {
      const [from, to] = next();
      expect(from).not.toBe(to);
      for (const account of [from, to]) {
        expect(Number.isInteger(account) && account >= 1 && account <= ACCOUNTS).toBe(true);
      }
    }
  });

  it('spread: uses all accounts about equally', () => {
    const next = createPairs('spread', ACCOUNTS, createRandom(2));
    const used = countOf(() => next()[0]);
    expect(Math.min(...used.slice(1))).toBeGreaterThan((0.6 * DRAWS) / ACCOUNTS);
    expect(Math.max(...used.slice(1))).toBeLessThan((1.4 * DRAWS) / ACCOUNTS);
  });

  it('hot: always arrives at the same account, from all others', () => {
    const next = createPairs('hot', ACCOUNTS, createRandom(3));
    const pairs = Array.from({ length: 20_000 }, next);
    expect(new Set(pairs.map(([, to]) => to))).toEqual(new Set([ACCOUNTS / 2]));
    expect(new Set(pairs.map(([from]) => from)).size).toBe(ACCOUNTS - 1);
  });

  it('zipf: the k-th busiest account is used in proportion to 1/k, and the busiest are not neighbours', () => {
    const used = countOf(createZipf(ACCOUNTS, createRandom(4)));
    const ranked = used
      .map((count, account) => ({ count, account }))
      .slice(1)
      .sort((a, b) => b.count - a.count);
    const harmonic = Array.from({ length: ACCOUNTS }, (_, rank) => 1 / (rank + 1)).reduce((a, b) => a + b);
    for (const rank of [1, 2, 5, 20]) {
      const expected = DRAWS / (rank * harmonic);
      expect((ranked[rank - 1]?.count ?? 0) / expected).toBeCloseTo(1, 1);
    }
    expect(used.slice(1).every((count) => count > 0)).toBe(true);
    expect(Math.abs((ranked[0]?.account ?? 0) - (ranked[1]?.account ?? 0))).toBeGreaterThan(10);
  });

  it('arrives in order, within the time, at the rate that was asked for', () => {
    const times = arrivals(500, 40, createRandom(5));
    expect(times.length / 40).toBeGreaterThan(480);
    expect(times.length / 40).toBeLessThan(520);
    expect(times).toEqual(times.toSorted());
    expect(times.at(-1)).toBeLessThan(40_000);
    // Independent arrivals come in bursts: the gaps' standard deviation is about their mean, which a metronome's is not.
    const gaps = Array.from(times.slice(1), (at, index) => at - (times[index] as number));
    const mean = gaps.reduce((a, b) => a + b) / gaps.length;
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
    expect(deviation / mean).toBeCloseTo(1, 1);
  });
});

function countOf(next: () => number): number[] {
  const found = new Array<number>(ACCOUNTS + 1).fill(0);
  for (let draw = 0; draw < DRAWS; draw++) {
    const account = next();
    found[account] = (found[account] as number) + 1;
  }
  return found;
}
