import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IndexFacts } from '../../src/summaries/index-facts.ts';
import { declaredOf, kinds, look, plain, spread } from './facts.ts';

describe('an audit of indexes that do the same', () => {
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
});
