import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeclaredIndex } from '../../src/summaries/index-declared.ts';
import type { Counted, IndexFacts } from '../../src/summaries/index-facts.ts';
import { findFindings, thresholds } from '../../src/summaries/index-findings.ts';

const KiB = 1024n;
const MiB = 1024n * KiB;

const fine: Counted = {
  since: new Date('2026-01-01T00:00:00Z'),
  now: new Date('2026-03-01T00:00:00Z'),
  updates: 100_000,
  hotUpdates: 99_000,
  fillfactor: 50,
  oldestTransaction: 0,
};

const plain = (name: string, more: Partial<IndexFacts> = {}): IndexFacts => ({
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

const look = (
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
const kinds = (...args: Parameters<typeof look>) =>
  look(...args).findings.map(({ kind, index }) => `${kind} ${index}`);

/** A partitioned table's index with its parts on these partitions. */
function spread(name: string, quarters: readonly string[], more: Partial<IndexFacts> = {}): IndexFacts[] {
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

const declaredOf = (name: string, table: string): DeclaredIndex => ({
  name,
  schema: 'ledger',
  table,
  file: 'sql/migrations/0006_x.build.sql',
  key: undefined,
  queries: ['one', 'two'],
});

describe('an audit', () => {
  it('has nothing to say where all is well', () => {
    expect(look([plain('a'), plain('b'), ...spread('c', ['2026q1'], { scans: 3 })])).toEqual({
      findings: [],
      countedDays: 59,
      tooEarly: [],
    });
  });

  it('calls an index unused by the sum over its partitions, with the bytes of all of them', () => {
    const facts = spread('c', ['2026q1', '2026q2']);
    expect(look(facts).findings).toMatchObject([
      {
        kind: 'unused',
        index: 'ledger.c',
        bytes: 20n * MiB,
        mend: "BEGIN; SET LOCAL lock_timeout = '1s'; DROP INDEX ledger.c; COMMIT",
        detail: expect.stringMatching(/not read since 2026-01-01.*replica/),
      },
    ]);
    const [root, first, ...rest] = facts as [IndexFacts, IndexFacts, ...IndexFacts[]];
    expect(kinds([root, { ...first, scans: 1 }, ...rest])).toEqual([]);
    expect(look([plain('a', { scans: 0 })]).findings[0]?.mend).toBe('DROP INDEX CONCURRENTLY ledger.a');
  });

  it('does not call what refuses rows unused, nor what is declared, nor anything too early', () => {
    expect(
      kinds([plain('a', { scans: 0, isUnique: true }), plain('b', { scans: 0, isConstraint: true })]),
    ).toEqual([]);
    const declared = [declaredOf('a', 'accounts')];
    expect(look([plain('a', { scans: 0 })], { declared }).findings).toMatchObject([
      { kind: 'idle', mend: null, bytes: 0n, queries: ['one', 'two'] },
    ]);
    for (const since of [new Date('2026-02-01T00:00:00Z'), undefined]) {
      expect(look([plain('a', { scans: 0 })], { counted: { since } })).toMatchObject({
        findings: [],
        tooEarly: ['ledger.a'],
      });
    }
    expect(
      look([plain('a', { scans: 0 })], { counted: { since: new Date('2026-01-30T00:00:00Z') } }).tooEarly,
    ).toEqual([]);
  });

  it('names what is missing by the queries that suffer, and what mends it', () => {
    const declared = [declaredOf('c', 'entries')];
    const only = (facts: readonly IndexFacts[]) =>
      look(facts, { declared }).findings.filter(({ kind }) => kind === 'missing');
    expect(only([])).toEqual([
      {
        kind: 'missing',
        index: 'ledger.c',
        table: 'ledger.entries',
        detail: 'ledger.c is not there. Without it suffer: one, two.',
        mend: 'quartermaster indexes build sql/migrations/0006_x.build.sql',
        bytes: 0n,
        queries: ['one', 'two'],
      },
    ]);
    expect(only([plain('c', { table: 'other' })])).toHaveLength(1);
    const whole = spread('c', ['2026q1', '2026q2']);
    expect(only(whole)).toEqual([]);
    const [root, first, second] = whole as [IndexFacts, IndexFacts, IndexFacts];
    const key = plain('k', { table: 'entries_2026q2', on: 'partition', rootTable: 'entries' });
    expect(only([root, first, key])[0]?.detail).toMatch(/not there, or not valid, on entries_2026q2\. /);
    expect(only([root, first, { ...second, isValid: false }])[0]?.detail).toMatch(/on entries_2026q2\. /);
    expect(only([{ ...root, isValid: false }, first, second])[0]?.detail).toMatch(
      /is not marked as complete/,
    );
    // A key has no file to be built by.
    const keyed = { ...declaredOf('entries_pkey', 'entries'), file: undefined, key: ['ledger_id', 'id'] };
    expect(look([], { declared: [keyed] }).findings[0]?.mend).toBe(
      'ALTER TABLE ledger.entries ADD PRIMARY KEY (ledger_id, id)',
    );
  });

  it('tells what is broken apart: leftovers, invalid ones, and what is being built now', () => {
    const broken = { isValid: false };
    expect(kinds([plain('a_ccnew', broken), plain('b_ccold12', broken), plain('c', broken)])).toEqual([
      'leftover ledger.a_ccnew',
      'leftover ledger.b_ccold12',
      'invalid ledger.c',
    ]);
    expect(
      kinds([plain('a_ccnew', { ...broken, builder: 7 }), plain('c', { ...broken, builder: 7 })]),
    ).toEqual([]);
    // Somebody may have called a good index so.
    expect(kinds([plain('a_ccnew')])).toEqual([]);
  });

  it('calls bloated what passes both thresholds', () => {
    const bloats: [string, bigint, number][] = [
      ['a', 17n * MiB, 0.31],
      ['b', 17n * MiB, 0.3],
      ['c', 16n * MiB, 0.5],
      ['d', 90n * MiB, 0.9],
    ];
    const { findings } = look([], { bloats });
    expect(findings.map(({ index, bytes }) => [index, bytes])).toEqual([
      ['ledger.d', 90n * MiB],
      ['ledger.a', 17n * MiB],
    ]);
    expect(findings[0]).toMatchObject({
      kind: 'bloated',
      mend: 'REINDEX INDEX CONCURRENTLY ledger.d',
      detail: /90 %/,
    });
  });

  it('keeps one of two that are the same: constraint, declared, unique, of the whole table', () => {
    const keys = ['x 1 0 0', 'y 1 0 0'];
    expect(kinds([plain('a', { keys }), plain('b', { keys })])).toEqual(['duplicate ledger.b']);
    expect(
      kinds([plain('a', { keys }), plain('b', { keys })], { declared: [declaredOf('b', 'accounts')] }),
    ).toEqual(['duplicate ledger.a']);
    const unique = { keys, isUnique: true };
    expect(kinds([plain('a', unique), plain('b', { ...unique, isConstraint: true })])).toEqual([
      'duplicate ledger.a',
    ]);
    // What a unique one holds a plain one need not hold again, and not the other way round.
    expect(kinds([plain('a', { keys }), plain('b', unique)])).toEqual(['redundant ledger.a']);
    expect(kinds([plain('a', unique), plain('b', { keys: [...keys, 'z 1 0 0'] })])).toEqual([]);
    const own = plain('own', {
      table: 'entries_2026q1',
      on: 'partition',
      rootTable: 'entries',
      keys: ['c 1 0 0'],
    });
    expect(kinds([...spread('c', ['2026q1'], { scans: 2 }), own])).toEqual(['duplicate ledger.own']);
  });

  it('calls a beginning redundant only where the longer one has all of it', () => {
    const long = plain('long', { keys: ['x 1 0 0', 'y 1 0 3'], includes: ['i'] });
    const short = (more: Partial<IndexFacts>) =>
      kinds([long, plain('short', { keys: ['x 1 0 0'], ...more })]);
    expect(short({})).toEqual(['redundant ledger.short']);
    expect(short({ includes: ['y'] })).toEqual(['redundant ledger.short']);
    expect(short({ includes: ['i'] })).toEqual(['redundant ledger.short']);
    expect(short({ includes: ['z'] })).toEqual([]);
    expect(short({ predicate: 'a' })).toEqual([]);
    expect(short({ keys: ['x 1 0 3'] })).toEqual([]);
    expect(short({ keys: ['x 2 0 0'] })).toEqual([]);
    expect(short({ keys: ['y 1 0 3'] })).toEqual([]);
    expect(short({ method: 'hash' })).toEqual([]);
    expect(short({ table: 'other' })).toEqual([]);
    expect(short({ schema: 'quartermaster' })).toEqual([]);
    // An unused one that another covers is told of once.
    expect(short({ scans: 0 })).toEqual(['redundant ledger.short']);
  });

  it('judges the updates of balances, and says what is in their way', () => {
    const slow = { updates: 1000, hotUpdates: 899 };
    expect(kinds([], { counted: { updates: 1000, hotUpdates: 900 } })).toEqual([]);
    expect(kinds([], { counted: { updates: 999, hotUpdates: 0 } })).toEqual([]);
    const mend = (counted: Partial<Counted>, facts: readonly IndexFacts[] = []) =>
      look(facts, { counted }).findings[0];
    expect(mend(slow)).toMatchObject({
      kind: 'not_hot',
      mend: 'VACUUM ledger.balances',
      detail: /^Only 89 % of 1000 updates/,
    });
    expect(mend({ ...slow, oldestTransaction: 900 })?.detail).toMatch(/the oldest now is 900 s old/);
    expect(mend({ ...slow, fillfactor: 100 })?.mend).toBe(
      'ALTER TABLE ledger.balances SET (fillfactor = 50)',
    );
    const extra = plain('balances_v', { table: 'balances' });
    expect(mend({ ...slow, fillfactor: 100 }, [extra])?.mend).toBe(
      'DROP INDEX CONCURRENTLY ledger.balances_v',
    );
  });

  it('leaves every query an index when all that it calls duplicate or redundant is dropped', () => {
    const index = fc.record({
      keys: fc.array(fc.constantFrom('x 1 0 0', 'y 1 0 0', 'z 1 0 3'), { minLength: 1, maxLength: 3 }),
      includes: fc.uniqueArray(fc.constantFrom('x', 'y', 'w'), { maxLength: 2 }),
      isUnique: fc.boolean(),
      isConstraint: fc.boolean(),
      predicate: fc.constantFrom(undefined, 'p'),
      method: fc.constantFrom('btree', 'btree', 'hash'),
    });
    fc.assert(
      fc.property(fc.array(index, { maxLength: 8 }), fc.integer({ min: 0, max: 7 }), (some, at) => {
        const facts = some.map((one, i) =>
          plain(`i${i}`, { ...one, isUnique: one.isUnique || one.isConstraint }),
        );
        const declared = [declaredOf(`i${at}`, 'accounts')].filter(({ name }) =>
          facts.some((one) => one.name === name),
        );
        const { findings } = look(facts, { declared });
        const gone = new Set(findings.map(({ index: name }) => name));
        expect(gone.size).toBe(findings.length);
        const left = facts.filter((one) => !gone.has(`ledger.${one.name}`));
        for (const one of facts) {
          if (one.isConstraint || declared.some(({ name }) => name === one.name)) expect(left).toContain(one);
          const stored = (other: IndexFacts) => [
            ...other.includes,
            ...other.keys.map((key) => key.split(' ')[0]),
          ];
          const serves = (other: IndexFacts) =>
            other.method === one.method &&
            other.predicate === one.predicate &&
            (!one.isUnique || (other.isUnique && other.keys.length === one.keys.length)) &&
            one.keys.every((key, k) => other.keys[k] === key) &&
            one.includes.every((column) => stored(other).includes(column));
          expect(left.some(serves)).toBe(true);
        }
        // And it is done: a second look finds nothing more.
        expect(look(left, { declared }).findings).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('has thresholds as they are told', () => {
    expect(thresholds).toMatchObject({
      bloatShare: 0.3,
      bloatBytes: 16n * MiB,
      unusedDays: 30,
      hotShare: 0.9,
    });
  });
});
