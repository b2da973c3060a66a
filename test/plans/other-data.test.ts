import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Book } from '../ledger/fixture.ts';
import { builderCases } from './builder-cases.ts';
import { type Mode, modes } from './examine.ts';
import { type Case, type Known, knownOf, planFaults } from './expected.ts';
import { type Load, openLoadedBook } from './loaded.ts';
import type { Shape } from './plan.ts';
import { pointCases, readCases } from './read-cases.ts';
import { smallLedgerCases } from './small-ledger-cases.ts';
import { besideCases } from './write-cases.ts';

/** Large enough to matter, and made in seconds. */
const ROWS = 210_000;

const all = [...readCases, ...pointCases, ...besideCases, ...builderCases];

interface DataSet {
  readonly name: string;
  readonly load: Partial<Load>;
  /** What a plan may do otherwise than on the usual data, by the names of cases. */
  readonly otherwise?: Readonly<Record<string, Partial<Shape>>>;
  /** What only this data is asked. */
  readonly more?: readonly Case[];
  /** The one way of planning that is looked at, where it is not both. */
  readonly only?: Mode;
  /** Statements that this data has not enough rows for: a table of one page is read as it is. */
  readonly without?: RegExp;
}

const QUARTERS = ['2023q1', '2023q2', '2023q3', '2023q4', '2024q1', '2024q2', '2024q3', '2024q4'];

const dataSets: readonly DataSet[] = [
  { name: 'half of all transactions are of one user', load: { heavyEvery: 2 } },
  {
    name: '999 of 1000 are FAILED',
    load: { failed: 999_000 },
    without: /account|entries|statement|balance|transaction_by_id/,
    otherwise: {
      // One of a thousand is wanted, and there is no index of what was booked: that many are passed over for each row
      // of the page, however large the table is.
      'what was booked, which passes over what failed': {
        quarters: QUARTERS.slice(-3),
        removed: 60_000,
        buffers: 2000,
      },
      'a user of many transactions': { quarters: QUARTERS },
    },
  },
  {
    name: 'hardly any is FAILED',
    load: { failed: 10 },
    otherwise: {
      // There are two in all, so the page is not full before the first quarter, and any index finds them.
      'what failed': { quarters: QUARTERS },
      'what failed, far back': { quarters: QUARTERS.slice(0, 2) },
      'one of many users': { indexes: 'any', removed: 10 },
      'a user of many transactions, far back': {
        indexes: 'any',
        quarters: QUARTERS.slice(0, 2),
        removed: 10,
      },
    },
  },
  {
    name: 'a thousand ledgers have ten transactions each',
    load: { ledgers: 1000 },
    more: smallLedgerCases,
    // A plan that is made once for all takes every ledger for one of average size, and walks the large one. None is: a statement
    // is never prepared by a name, so it is planned for its parameters.
    only: 'force_custom_plan',
    otherwise: { 'by its name': { indexes: ['ledgers_name_key'] } },
  },
];

describe.each(dataSets)('where $name', ({ load, otherwise = {}, more = [], only, without }) => {
  const cases = [...all.filter(({ of }) => !without?.test(of)), ...more];
  let book: Book;
  let known: Known;
  beforeAll(async () => {
    book = await openLoadedBook({ rows: ROWS, ...load });
    known = await knownOf(book);
  }, 240_000);
  afterAll(() => book?.close());

  it('every exception is of a case', () => {
    const names = new Set(cases.map(({ name }) => name));
    expect(Object.keys(otherwise).filter((name) => !names.has(name))).toEqual([]);
  });

  describe.each(modes.filter((mode) => (only ?? mode) === mode))('by %s, the plan for', (mode) => {
    it.each(cases)('$of: $name', async (one) => {
      const shape = { ...one.shape, ...otherwise[one.name] };
      expect(await planFaults(book, mode, { ...one, shape }, known)).toBe('');
    });
  });
});
