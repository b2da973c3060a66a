import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matters, type StaleTable, staleness, type TableFacts } from '../../src/summaries/stale.ts';

const analyzed = new Date('2026-01-01T00:00:00Z');
const later = new Date('2026-01-02T00:00:00Z');

/** A table that is known as it is. */
const table: TableFacts = {
  ...{ schema: 'ledger', name: 't', partitioned: false },
  ...{ pages: 1000, knownPages: 1000, knownRows: 50_000, liveRows: 50_000, changedRows: 0 },
  ...{ analyzedAt: analyzed, hasStatistics: true, notBuilt: null },
  ...{ partitionRows: 0, partitionAnalyzedAt: null },
};
const whole: TableFacts = { ...table, partitioned: true, knownPages: 0, liveRows: 0, partitionRows: 50_000 };

const reasonOf = (facts: TableFacts, changes: Partial<TableFacts>) =>
  staleness({ ...facts, ...changes })?.reason;

describe('staleness', () => {
  it.each<[string, TableFacts, Partial<TableFacts>, string | undefined]>([
    ['known as it is', table, {}, undefined],
    ['empty', table, { pages: 0, analyzedAt: null, hasStatistics: false, knownRows: -1 }, undefined],
    ['unknown', table, { analyzedAt: null, hasStatistics: false }, 'never_analyzed'],
    ['without counters after a crash', table, { analyzedAt: null, liveRows: 0 }, undefined],
    ['analyzed without a statistic to show for it', table, { hasStatistics: false }, undefined],
    ['larger by a little', table, { pages: 1109 }, undefined],
    ['larger by more than a tenth', table, { pages: 1111 }, 'grown'],
    ['tiny and twice as large', table, { pages: 9, knownPages: 4 }, undefined],
    ['changed a little', table, { changedRows: 5000 }, undefined],
    ['changed by more than a tenth', table, { changedRows: 5001 }, 'changed'],
    ['small and changed altogether', table, { liveRows: 900, changedRows: 900 }, undefined],
    ['with statistics that hold nothing', table, { notBuilt: 's' }, 'not_built'],
    ['empty, with statistics that hold nothing', table, { notBuilt: 's', knownRows: 0 }, undefined],
    ['partitioned, known as it is', whole, {}, undefined],
    ['partitioned and unknown', whole, { analyzedAt: null, hasStatistics: false }, 'never_analyzed'],
    ['partitioned, with more rows', whole, { partitionRows: 56_000 }, 'partitions_changed'],
    ['partitioned, with fewer rows', whole, { partitionRows: 44_000 }, 'partitions_changed'],
    ['partitioned, with a few rows more', whole, { partitionRows: 55_000 }, undefined],
    ['partitioned, and older than a partition', whole, { partitionAnalyzedAt: later }, 'partitions_newer'],
    ['partitioned, and as old as a partition', whole, { partitionAnalyzedAt: analyzed }, undefined],
    ['partitioned, whose file cannot grow', whole, { pages: 5000 }, undefined],
  ])('of a table that is %s', (_what, facts, changes, reason) => {
    expect(reasonOf(facts, changes)).toBe(reason);
  });

  it('is gone once the table is analyzed, and its share is a share', () => {
    const count = fc.integer({ min: 0, max: 1e9 });
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.record({ pages: count, knownPages: count, knownRows: count, liveRows: count, changedRows: count }),
        fc.record({ partitionRows: count, hasStatistics: fc.boolean() }),
        (partitioned, counts, more) => {
          const facts: TableFacts = { ...table, ...counts, ...more, partitioned, notBuilt: 's' };
          const { share = 0, detail = 'ledger.t' } = staleness(facts) ?? {};
          expect(share).toBeGreaterThanOrEqual(0);
          expect(share).toBeLessThanOrEqual(1);
          expect(detail).toContain('ledger.t');
          const { pages, partitionRows } = facts;
          const done = { knownPages: pages, changedRows: 0, knownRows: partitionRows, hasStatistics: true };
          expect(staleness({ ...facts, ...done, notBuilt: null })).toBeUndefined();
        },
      ),
    );
  });
});

describe('what matters', () => {
  const stale: StaleTable = {
    ...{ schema: 'ledger', name: 't', partitioned: false, detail: '' },
    reason: 'changed',
    ...{ rows: 1_000_000, pages: 10_000, share: 0.6 },
  };

  it('is much of a table that is not small', () => {
    expect(matters(stale)).toBe(true);
    expect(matters({ ...stale, share: 0.2 })).toBe(false);
    expect(matters({ ...stale, share: undefined })).toBe(false);
    expect(matters({ ...stale, rows: 0, pages: 100 })).toBe(false);
    expect(matters({ ...stale, rows: 0, share: 1 })).toBe(true);
  });
});
