import type { DeclaredIndex } from '../../src/summaries/index-declared.ts';
import type { Counted, IndexFacts } from '../../src/summaries/index-facts.ts';
import { findFindings } from '../../src/summaries/index-findings.ts';

const KiB = 1024n;
export const MiB = 1024n * KiB;

export const fine: Counted = {
  since: new Date('2026-01-01T00:00:00Z'),
  now: new Date('2026-03-01T00:00:00Z'),
  updates: 100_000,
  hotUpdates: 99_000,
  fillfactor: 50,
  oldestTransaction: 0,
};

export const plain = (name: string, more: Partial<IndexFacts> = {}): IndexFacts => ({
  oid: 1,
  schema: 'ledger',
  table: 'accounts',
  name,
  on: 'table',
  rootTable: undefined,
  parent: undefined,
  isUnique: false,
  isConstraint: false,
  isValid: true,
  builder: undefined,
  method: 'btree',
  keys: [`${name} 1 0 0`],
  includes: [],
  predicate: undefined,
  tail: ` USING btree (${name})`,
  scans: 1,
  bytes: 100n * MiB,
  rows: 1000,
  fillfactor: 90,
  columns: [],
  ...more,
});

export const look = (
  facts: readonly IndexFacts[],
  more: {
    declared?: readonly DeclaredIndex[];
    counted?: Partial<Counted>;
    bloats?: readonly [string, bigint, number][];
  } = {},
) =>
  findFindings({
    facts,
    declared: more.declared ?? [],
    bloats: (more.bloats ?? []).map(([name, wasted, share]) => ({ index: plain(name), wasted, share })),
    counted: { ...fine, ...more.counted },
  });
export const kinds = (...args: Parameters<typeof look>) =>
  look(...args).findings.map(({ kind, index }) => `${kind} ${index}`);

/** A partitioned table's index with its parts on these partitions. */
export function spread(
  name: string,
  quarters: readonly string[],
  more: Partial<IndexFacts> = {},
): IndexFacts[] {
  return [
    plain(name, { table: 'entries', on: 'partitioned', bytes: 0n, scans: 0, ...more }),
    ...quarters.map((quarter) =>
      plain(`entries_${quarter}_${name}`, {
        table: `entries_${quarter}`,
        on: 'partition',
        rootTable: 'entries',
        parent: name,
        scans: 0,
        bytes: 10n * MiB,
        keys: [`${name} 1 0 0`],
        ...more,
      }),
    ),
  ];
}

export const declaredOf = (name: string, table: string): DeclaredIndex => ({
  name,
  schema: 'ledger',
  table,
  file: 'sql/migrations/0006_x.build.sql',
  key: undefined,
  queries: ['one', 'two'],
});
