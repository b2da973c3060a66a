import { type RawBuilder, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixedClock } from '../../src/core/clock.ts';
import { listTransactions, type TransactionList } from '../../src/ledger/list.ts';
import type { TransactionFilter } from '../../src/ledger/list-filter.ts';
import { dailyStatement } from '../../src/summaries/report.ts';
import type { Book } from '../ledger/fixture.ts';
import { listShapes } from './list-shapes.ts';
import { BANK, IDLE, openLoadedBook } from './loaded.ts';
import { otherShapes } from './other-shapes.ts';
import { modes, planFaults } from './plan.ts';

let book: Book;
let made: { id: string; created_at: Date; account_ids: bigint[] };
beforeAll(async () => {
  book = await openLoadedBook();
  const found = await book.db
    .selectFrom('ledger.transactions')
    .select(['id', 'created_at', 'account_ids'])
    .where('ledger_id', '=', book.ledger.id)
    .where('created_at', '>', new Date('2023-08-01'))
    .where('status', '=', 'SUCCESS')
    .orderBy('created_at')
    .executeTakeFirstOrThrow();
  made = found;
}, 240_000);
afterAll(() => book.close());

describe.each(modes)('by %s, the plan for', (mode) => {
  it.each([...listShapes, ...otherShapes])('%s', async (_, statement, parameters, shape) => {
    expect(await planFaults(book.db, mode, statement, parameters, shape)).toBe('');
  });

  it('a transaction by its id with its entries, in one quarter', async () => {
    const at = made.created_at.toISOString();
    const shape = {
      indexes: ['transactions_pkey', 'entries_pkey'],
      quarters: ['2023q3'],
      buffers: 16,
    };
    expect(await planFaults(book.db, mode, 'transaction_by_id', [1, at, made.id], shape)).toBe('');
  });

  it('many transactions, each in one quarter', async () => {
    const at = made.created_at.toISOString();
    const shape = { indexes: ['transactions_pkey'], quarters: ['2023q3'], buffers: 5 };
    expect(await planFaults(book.db, mode, 'transactions_by_id', [1, [at], [made.id]], shape)).toBe('');
  });

  it('the entries of many transactions, each in one quarter', async () => {
    const at = made.created_at.toISOString();
    const [accountId] = made.account_ids;
    const shape = { indexes: ['entries_pkey', 'accounts_pkey'], quarters: ['2023q3'], buffers: 20 };
    const parameters = [1, [at], [made.id], [String(accountId)]];
    expect(await planFaults(book.db, mode, 'entries_of_transactions', parameters, shape)).toBe('');
  });

  it('a balance in an archived quarter is one probe more', async () => {
    const shape = {
      indexes: ['entries_pkey', 'daily_balances_pkey'],
      buffers: 60,
      seqScans: ['quarters'],
      sorted: 2,
    };
    const parameters = [1, IDLE, '2023-09-09T00:00:00Z', '9223372036854775807', '2023-09-08'];
    const archive = async (db: typeof book.db) => {
      await sql`UPDATE quartermaster.quarters SET state = 'detached' WHERE quarter IN ('2023q1', '2023q2')`.execute(
        db,
      );
      await sql`
        INSERT INTO ledger.daily_balances (ledger_id, account_id, snapshot_date, closing_balance)
        SELECT 1, ${IDLE}::bigint, date '2023-01-01' + n, n FROM generate_series(1, 80) AS n`.execute(db);
    };
    expect(await planFaults(book.db, mode, 'balance_before', parameters, shape, archive)).toBe('');
  });

  it.each([
    ['of a ledger', {}, [], { indexes: ['daily_totals_pkey'], buffers: 60 }],
    [
      'of a user, from the index alone',
      { userId: 'user-heavy' },
      [],
      {
        indexes: ['daily_transaction_summary_user_idx'],
        indexOnly: ['daily_transaction_summary_user_idx'],
        buffers: 40,
      },
    ],
    [
      'of a ledger with a day that is not summed up',
      {},
      ['2024-12-20'],
      { indexes: ['daily_totals_pkey', 'transactions_pkey'], quarters: ['2024q4'], buffers: 120, removed: 4 },
    ],
    [
      'of a user with a day that is not summed up',
      { userId: 'user-heavy' },
      ['2024-12-20'],
      {
        indexes: ['daily_transaction_summary_user_idx', 'transactions_user_idx'],
        indexOnly: ['daily_transaction_summary_user_idx'],
        quarters: ['2024q4'],
        buffers: 100,
        removed: 1,
      },
    ],
  ] as const)('a report %s', async (_, who, days, shape) => {
    const live = days.map((day) => ({
      day,
      start: new Date(`${day}T00:00:00Z`),
      end: new Date('2024-12-21T00:00:00Z'),
    }));
    const query = { from: '2023-01-01', to: '2024-12-31', groupBy: 'month', ...who } as const;
    const compiled = dailyStatement(book.ledger.id, query, { live, stale: [] }).compile(book.db);
    // Groups of a period may be made by sorting days, of which there are few.
    const allowed = { ...shape, seqScans: ['summary_marks'], sorted: 1500 };
    expect(await planFaults(book.db, mode, compiled, [], allowed)).toBe('');
  });
});

it('what failed on a day that is not summed up is counted in the index of what failed', async () => {
  // Only where the planner knows that it is asked for FAILED, which it always does: statements are not kept.
  const shape = {
    indexes: ['daily_totals_pkey', 'transactions_failed_idx'],
    indexOnly: ['transactions_failed_idx'],
    quarters: ['2024q4'],
    buffers: 60,
    seqScans: ['summary_marks'],
    removed: 800,
  };
  const day = [['2024-12-20'], ['2024-12-20'], ['2024-12-20T00:00:00Z'], ['2024-12-21T00:00:00Z']];
  const parameters = [1, '-infinity', 'infinity', ...day, 'FAILED', null];
  expect(await planFaults(book.db, 'force_custom_plan', 'count_days', parameters, shape)).toBe('');
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
    expect(await total({})).toEqual({ count: 600_000n, exact: true });
  });
});
