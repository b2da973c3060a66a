import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Book } from '../ledger/fixture.ts';
import { builderCases } from './builder-cases.ts';
import { modes } from './examine.ts';
import { type Case, type Known, knownOf, planFaults } from './expected.ts';
import { BANK, IDLE, openLoadedBook } from './loaded.ts';
import { writeCases } from './write-cases.ts';

const NONE = '00000000-0000-0000-0000-000000000000';
const END = '2024-12-31T12:00:00Z';
const LAST = '9223372036854775807';
/** As lists are walked: from the beginning of the quarter before the one they are in, and only then on from there. */
const recent = [1, '2024-07-01T00:00:00Z', END, NONE, 51];
const older = [1, '-infinity', '2024-07-01T00:00:00Z', NONE, 51];
const no = [null, null];
const QUARTERS = 200;
const liveDay = [['2024-12-20'], ['2024-12-20'], ['2024-12-20T00:00:00Z'], ['2024-12-21T00:00:00Z']];

/** What takes as long whatever the number of quarters: one or two are planned, or come to be executed. */
const constant: readonly Case[] = [
  {
    name: 'a transaction by its id',
    of: 'transaction_by_id',
    parameters: ({ at, id }) => [1, at, id],
    shape: { indexes: 'any', quarters: ['2023q3'], buffers: 16, planned: 2 },
  },
  {
    name: 'the first page of a ledger',
    of: 'transactions_of_ledger',
    parameters: [...recent, null, null, ...no],
    shape: { indexes: ['transactions_pkey'], quarters: ['2024q4'], buffers: 12, planned: 2 },
  },
  {
    name: 'the first page of a user of many transactions',
    of: 'transactions_of_user',
    parameters: [...recent, 'user-heavy', 'SUCCESS', null, null, ...no],
    shape: { indexes: ['transactions_user_idx'], quarters: ['2024q4'], buffers: 60, planned: 2 },
  },
  {
    name: 'the first page of the account that moves most',
    of: 'transactions_of_account',
    parameters: [1, '2024-07-01T00:00:00Z', END, 0, 51, BANK, null, null, ...no],
    shape: { indexes: ['entries_pkey', 'transactions_pkey'], quarters: ['2024q4'], buffers: 420 },
  },
  {
    name: 'a page of a ledger, on from there, of which all quarters are planned and one is read',
    of: 'transactions_of_ledger',
    parameters: [...older, null, null, ...no],
    shape: { indexes: ['transactions_pkey'], quarters: ['2024q2', '2024q3'], buffers: 15 },
  },
  {
    name: 'what failed last',
    of: 'transactions_failed',
    parameters: [...recent.slice(0, 4), 5, null, ...no],
    shape: { indexes: ['transactions_failed_idx'], quarters: ['2024q4'], buffers: 20, planned: 2 },
  },
  {
    name: 'the balance of an account that moves',
    of: 'balance_before',
    parameters: [1, BANK, '2023-05-05T00:00:00Z', LAST, '2023-05-04'],
    shape: {
      indexes: ['entries_pkey'],
      quarters: ['2023q2'],
      buffers: 15,
      seqScans: ['quarters'],
      sorted: 0,
    },
  },
  {
    name: 'a page of a statement',
    of: 'statement_lines',
    parameters: [1, BANK, '2023-05-05T00:00:00Z', 0, END, LAST, 51],
    shape: { indexes: ['entries_pkey', 'transactions_pkey'], quarters: ['2023q2'], buffers: 270 },
  },
  {
    name: 'the entries of a transaction',
    of: 'entries_of_transactions',
    parameters: ({ at, id, accountIds }) => [1, [at], [id], [accountIds[0]]],
    shape: { indexes: 'any', quarters: ['2023q3'], buffers: 20 },
  },
  {
    name: 'transactions by their ids',
    of: 'transactions_by_id',
    parameters: ({ at, id }) => [1, [at], [id]],
    shape: { indexes: ['transactions_pkey'], quarters: ['2023q3'], buffers: 5 },
  },
  ...builderCases
    .filter(({ of }) => ['closed_ranges', 'offline_quarters', 'daily_report'].includes(of))
    // A day has some twenty rows here, and the user's are found among them by either index.
    .map((one) =>
      one.shape.removed ? { ...one, shape: { ...one.shape, indexes: 'any' as const, removed: 30 } } : one,
    ),
  ...writeCases.filter(({ of }) => /^(lock|update|insert_(transactions|entries))/.test(of)),
];

/** All but the last quarters take no more rows, as it is where a ledger is old. */
const closedRange: readonly Case[] = builderCases
  .filter(({ of }) => of === 'closed_ranges')
  .map((one) => ({
    ...one,
    name: 'which are closed, of those that a batch is in, where nearly all are',
    prepare: (db) =>
      sql`
        DO $$
        DECLARE one record;
        BEGIN
          FOR one IN SELECT quarter FROM quartermaster.quarters WHERE quarter < '2024q3' LOOP
            EXECUTE format('ALTER TABLE ledger.%I ADD CONSTRAINT quarter_closed CHECK (false) NOT VALID', 'transactions_' || one.quarter);
            EXECUTE format('ALTER TABLE ledger.%I ADD CONSTRAINT quarter_closed CHECK (false) NOT VALID', 'entries_' || one.quarter);
          END LOOP;
          UPDATE quartermaster.quarters SET state = 'closed' WHERE quarter < '2024q3';
        END $$`.execute(db),
  }));

/**
 * What grows. A total reads some rows a day, and so a page of the index for about a quarter. What may be in any quarter is looked for in
 * each of them: three pages each.
 */
const growing: readonly Case[] = [
  {
    name: 'the total of fifty years, with a day that is not summed up',
    of: 'count_days',
    parameters: [1, '-infinity', 'infinity', ...liveDay, ...no],
    shape: {
      indexes: 'any',
      quarters: ['2024q4'],
      buffers: QUARTERS + 60,
      seqScans: ['quarters', 'summary_marks'],
      removed: 3,
    },
  },
  {
    name: 'a user of few transactions, in all quarters',
    of: 'transactions_of_user',
    parameters: [...older, 'user-77', 'SUCCESS', null, null, ...no],
    shape: { indexes: ['transactions_user_idx'], buffers: 3 * QUARTERS + 60 },
  },
  {
    name: 'a rare prefix, in all quarters',
    of: 'transactions_by_reference',
    parameters: [...older, 'RARE-', 'RARE.', null, null, null, null],
    shape: { indexes: ['transactions_reference_idx'], buffers: 3 * QUARTERS + 200, sorted: 150, removed: 1 },
  },
  {
    name: 'how many a rare prefix has, in all quarters',
    of: 'count_references',
    parameters: [1, 'RARE-', 'RARE.', 5001],
    shape: { indexes: ['transactions_reference_idx'], buffers: 3 * QUARTERS + 20 },
  },
  {
    name: 'the balance of an account that never moved, in all quarters',
    of: 'balance_before',
    parameters: [1, IDLE, END, LAST, '2024-12-31'],
    shape: { indexes: ['entries_pkey'], buffers: 3 * QUARTERS + 20, seqScans: ['quarters'], sorted: 0 },
  },
];

/** Of a quarter that has left, what the account had at the end of its days: asked of each, where it moved in none of them. */
const offline: Case = {
  name: 'the balance of an account that never moved, where most quarters have left',
  of: 'balance_before',
  parameters: [1, IDLE, END, LAST, '2024-12-31'],
  shape: {
    indexes: ['entries_pkey', 'daily_balances_pkey'],
    buffers: 6 * QUARTERS + 20,
    seqScans: ['quarters'],
    sorted: QUARTERS,
  },
  prepare: (db) =>
    sql`UPDATE quartermaster.quarters SET state = 'dropped' WHERE quarter < '2023q1'`.execute(db),
};

describe('where there are two hundred quarters', () => {
  let book: Book;
  let known: Known;
  beforeAll(async () => {
    book = await openLoadedBook({ rows: 420_000, startsAt: '1975-01-01T00:00:00Z' });
    known = await knownOf(book);
    const { rows } = await sql<{ n: number }>`
      SELECT count(*)::integer AS n FROM pg_catalog.pg_inherits
      WHERE inhparent = 'ledger.transactions'::regclass`.execute(book.db);
    expect(rows[0]?.n).toBe(QUARTERS + 2);
  }, 240_000);
  afterAll(() => book?.close());

  describe.each(modes)('by %s, the plan for', (mode) => {
    it.each([...constant, ...closedRange, ...growing, offline])('$of: $name', async (one) => {
      expect(await planFaults(book, mode, one, known)).toBe('');
    });
  });
});
