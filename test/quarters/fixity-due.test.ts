import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DAY } from '../../src/core/timestamp.ts';
import { type AgingArchive, dueForFixity } from '../../src/quarters/fixity.ts';

const now = new Date('2026-05-05T04:20:00Z');
const daysAgo = (days: number) => new Date(now.getTime() - days * DAY);

/** Archives of any size, verified at any time or never. */
const archives = fc
  .array(
    fc.record({
      bytes: fc.bigInt(1n, 1_000_000n),
      age: fc.option(fc.double({ min: 0, max: 400, noNaN: true })),
    }),
    { maxLength: 40 },
  )
  .map((all) =>
    all.map(
      ({ bytes, age }, i): AgingArchive => ({
        quarter: `${2000 + (i >> 2)}q${1 + (i % 4)}`,
        bytes,
        verifiedAt: age === null ? null : daysAgo(age),
      }),
    ),
  );

describe('the archives that are due', () => {
  it('begin with those that are damaged or were never verified, and then the oldest', () => {
    const some = [
      { quarter: '2024q1', bytes: 10n, verifiedAt: daysAgo(10) },
      { quarter: '2024q2', bytes: 10n, verifiedAt: daysAgo(100) },
      { quarter: '2024q3', bytes: 10n, verifiedAt: null },
      { quarter: '2024q4', bytes: 10n, verifiedAt: daysAgo(89.5) },
    ];
    expect(dueForFixity(some, now, 90)).toEqual(['2024q3', '2024q2', '2024q4']);
    expect(dueForFixity([], now, 90)).toEqual([]);
  });

  it('are each read within the days, whatever their sizes, and no day has much more than another', () => {
    fc.assert(
      fc.property(
        archives,
        fc.integer({ min: 1, max: 120 }),
        fc.integer({ min: 0, max: 12 }),
        (all, days, late) => {
          let state = all;
          const read: bigint[] = [];
          const total = all.reduce((sum, { bytes }) => sum + bytes, 0n);
          const largest = BigInt(Math.max(0, ...all.map(({ bytes }) => Number(bytes))));
          for (let day = 0; day < 2 * days + 2; day++) {
            // A run begins a few minutes late now and then.
            const at = new Date(now.getTime() + day * DAY + ((day * late) % 7) * 60_000);
            const due = new Set(dueForFixity(state, at, days));
            read.push(state.reduce((sum, { quarter, bytes }) => sum + (due.has(quarter) ? bytes : 0n), 0n));
            state = state.map((one) => (due.has(one.quarter) ? { ...one, verifiedAt: at } : one));
            for (const { verifiedAt } of state) {
              expect(verifiedAt).not.toBeNull();
              expect(at.getTime() - (verifiedAt?.getTime() ?? 0)).toBeLessThan(days * DAY);
            }
          }
          // Once all were read in their turn, a day has its share and what the last archive of it is too long.
          if (days > 2) {
            for (const bytes of read.slice(days + 1)) {
              expect(bytes).toBeLessThanOrEqual(total / BigInt(days - 2) + 1n + 2n * largest);
            }
          }
        },
      ),
    );
  });

  it('are none when a run is repeated', () => {
    fc.assert(
      fc.property(archives, fc.integer({ min: 1, max: 120 }), (all, days) => {
        const due = dueForFixity(all, now, days);
        const read = all.map((one) => (due.includes(one.quarter) ? { ...one, verifiedAt: now } : one));
        expect(dueForFixity(read, new Date(now.getTime() + 60_000), days)).toEqual([]);
      }),
    );
  });
});
