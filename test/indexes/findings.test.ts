import { describe, expect, it } from 'vitest';
import type { Counted, IndexFacts } from '../../src/summaries/index-facts.ts';
import { thresholds } from '../../src/summaries/index-findings.ts';
import { declaredOf, kinds, look, MiB, plain, spread } from './facts.ts';

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

  it('has thresholds as they are told', () => {
    expect(thresholds).toMatchObject({
      bloatShare: 0.3,
      bloatBytes: 16n * MiB,
      unusedDays: 30,
      hotShare: 0.9,
    });
  });
});
