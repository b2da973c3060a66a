import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type RawBuilder, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixedClock } from '../../src/core/clock.ts';
import { packageRoot } from '../../src/db/root.ts';
import { listTransactions, type TransactionList } from '../../src/ledger/list.ts';
import type { TransactionFilter } from '../../src/ledger/list-filter.ts';
import type { Book } from '../ledger/fixture.ts';
import { builderCases } from './builder-cases.ts';
import { changeCases } from './change-cases.ts';
import { modes, readStatement } from './examine.ts';
import { type Case, type Known, keptPlans, knownOf } from './expected.ts';
import { BANK, openLoadedBook } from './loaded.ts';
import { pointCases, readCases } from './read-cases.ts';
import { besideCases, writeCases } from './write-cases.ts';

/** Indexes that a statement needs and its plan does not show: by this one PostgreSQL refuses a second row. */
const guards: Readonly<Record<string, readonly string[]>> = { insert_reversals: ['reversals_pkey'] };

const reads: readonly Case[] = [...readCases, ...pointCases, ...besideCases, ...builderCases];
const cases: readonly Case[] = [...reads, ...writeCases];

// Only where the planner knows that it is asked for FAILED, which it always does: statements are not kept.
const failedDay: Case = {
  name: 'what failed on a day that is not summed up, in the index of what failed',
  of: 'count_days',
  parameters: [
    ...[1, '-infinity', 'infinity', ['2024-12-20'], ['2024-12-20']],
    ...[['2024-12-20T00:00:00Z'], ['2024-12-21T00:00:00Z'], 'FAILED', null],
  ],
  shape: {
    indexes: ['daily_totals_pkey', 'transactions_failed_idx'],
    indexOnly: ['transactions_failed_idx'],
    quarters: ['2024q4'],
    buffers: 60,
    seqScans: ['summary_marks'],
    removed: 800,
  },
};

let book: Book;
let known: Known;
const kept = keptPlans();
beforeAll(async () => {
  book = await openLoadedBook();
  known = await knownOf(book);
}, 240_000);
afterAll(() => book.close());

describe.each(modes)('by %s, the plan for', (mode) => {
  it.each(reads)('$of: $name', async (one) => {
    expect(await kept.faults(book, mode, one, known)).toBe('');
  });
});

it(`the plan for ${failedDay.name}`, async () => {
  expect(await kept.faults(book, 'force_custom_plan', failedDay, known)).toBe('');
});

// After all reads: what is rolled back stays in the pages, which are not visible to all any more.
describe.each(modes)('by %s, the plan for', (mode) => {
  it.each([...writeCases, ...changeCases])('$of: $name', async (one) => {
    expect(await kept.faults(book, mode, one, known)).toBe('');
  });
});

it('no plan is kept of what is not asked any more', () => {
  expect(kept.end()).toEqual([]);
});

describe('the statements of sql/queries', () => {
  const names = readdirSync(join(packageRoot(), 'sql', 'queries')).map((file) => file.replace(/\.sql$/, ''));

  it('have a case each', () => {
    const covered = new Set(cases.map(({ of }) => of));
    expect(names.filter((name) => !covered.has(name))).toEqual([]);
  });

  it('name the indexes that their plans use, all of them and no other', async () => {
    const wrong: string[] = [];
    for (const name of names) {
      const [, said] = /^-- Indexes: (.*)\n/.exec(await readStatement(name)) ?? [];
      const used = [...cases, failedDay]
        .filter(({ of }) => of === name)
        .flatMap(({ shape }) => (shape.indexes === 'any' ? [] : shape.indexes));
      const [is, should] = [
        (said ?? 'nothing').split(', ').sort().join(', '),
        [...new Set([...used, ...(guards[name] ?? [])])].sort().join(', '),
      ];
      if (is !== (should || 'none')) wrong.push(`${name} says ${is}, and uses ${should || 'none'}`);
    }
    expect(wrong).toEqual([]);
  });
});

describe('a list of a loaded ledger', () => {
  const clock = fixedClock('2025-01-05');
  const list = (query: Omit<TransactionList, 'limit'>) =>
    listTransactions({ db: book.db, calendar: book.calendar, clock }, book.ledger.id, {
      ...query,
      limit: 40,
    });

  /** The first three pages. */
  async function firstPages(query: TransactionFilter) {
    const ids: string[] = [];
    for (let cursor: string | undefined, page = 0; page < 3; page++) {
      const { transactions, next } = await list({ ...query, cursor });
      ids.push(...transactions.map(({ id }) => id));
      cursor = next;
    }
    return ids;
  }

  const naive = async (where: RawBuilder<unknown>) => {
    const { rows } = await sql<{ id: string }>`
      SELECT id FROM ledger.transactions WHERE ledger_id = 1 AND ${where}
      ORDER BY created_at DESC, id DESC LIMIT 120`.execute(book.db);
    return rows.map(({ id }) => id);
  };

  it('of a common prefix, which is walked, is like that of a rare one, which is sorted', async () => {
    const common = await firstPages({ referencePrefix: 'INV-01' });
    expect(common).toEqual(await naive(sql`reference_code LIKE 'INV-01%'`));
    const rare = await firstPages({ referencePrefix: 'INV-0123' });
    expect(rare).toEqual(await naive(sql`reference_code LIKE 'INV-0123%'`));
    const ofUser = await firstPages({ referencePrefix: 'INV-0', userId: 'user-heavy', status: 'SUCCESS' });
    expect(ofUser).toEqual(
      await naive(sql`reference_code LIKE 'INV-0%' AND user_id = 'user-heavy' AND status = 'SUCCESS'`),
    );
  });

  it('of a user and an account of many entries goes by the user', async () => {
    const filter = { userId: 'user-77', account: String(BANK) };
    const want = await naive(sql`user_id = 'user-77' AND 10001 = ANY (account_ids) AND status = 'SUCCESS'`);
    expect(want.length).toBeGreaterThan(2);
    expect((await list(filter)).transactions.map(({ id }) => id)).toEqual(want);
  });

  it('is counted up to ten thousand where the summaries do not know', async () => {
    const total = async (query: TransactionFilter) => (await list({ ...query, includeTotal: true })).total;
    expect(await total({ referencePrefix: 'INV-' })).toEqual({ count: 10_000n, exact: false });
    expect(await total({ account: String(BANK) })).toEqual({ count: 10_000n, exact: false });
    expect(await total({ referencePrefix: 'RARE-' })).toMatchObject({ exact: true });
    expect(await total({})).toEqual({ count: 1_000_000n, exact: true });
  });
});
