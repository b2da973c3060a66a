import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Db } from '../../src/db/schema.ts';
import { groupStatement } from '../../src/summaries/groups.ts';
import type { Book } from '../ledger/fixture.ts';
import { modes } from '../plans/examine.ts';
import { planFaults } from '../plans/expected.ts';
import { openLoadedBook, type Reading, readingOf } from './loaded.ts';

let book: Book;
beforeAll(async () => {
  book = await openLoadedBook();
  // A day of late, one of long ago, and one of somebody else's.
  await sql`INSERT INTO quartermaster.summary_marks (ledger_id, day)
            SELECT 1, '2024-12-20'::date FROM generate_series(1, 50) UNION ALL VALUES (1, '2023-05-05'::date), (2, '2024-12-20'::date)`.execute(
    book.db,
  );
}, 120_000);
afterAll(() => book.close());

/** Tables that are a page or two. */
const small = ['settings', 'summary_marks', 'quarters', 'ledgers', 'currencies', 'pg_class', 'pg_inherits'];

/** How many rows were read of the large tables; of none but the accounts, of which there are few, from end to end. */
function large({ tables }: Reading): Record<string, number> {
  const left = Object.entries(tables).filter(([name]) => !small.includes(name));
  for (const [name, { how, rows }] of left) {
    if (rows > 0 && how.includes('Seq Scan') && name !== 'accounts')
      throw new Error(`${name} was read from end to end`);
  }
  return Object.fromEntries(left.map(([name, { rows }]) => [name, rows]));
}

/** 34 transactions a day, of 730 days, by as many users. */
const readings: [statement: string, atMost: Record<string, number>][] = [
  [
    "SELECT * FROM reports.daily WHERE ledger = 'main' AND day BETWEEN '2024-03-01' AND '2024-03-31'",
    { daily_totals: 31 },
  ],
  [
    "SELECT * FROM reports.daily WHERE ledger_id = 1 AND day >= '2024-12-01'",
    { daily_totals: 31, transactions_2024q4: 40 },
  ],
  ["SELECT * FROM reports.monthly WHERE ledger = 'main' AND month = '2024-03'", { daily_totals: 33 }],
  ["SELECT * FROM reports.weekly WHERE ledger_id = 1 AND first_day = '2024-03-04'", { daily_totals: 9 }],
  [
    "SELECT * FROM reports.monthly WHERE ledger_id = 1 AND month = '2024-12'",
    { daily_totals: 33, transactions_2024q4: 40 },
  ],
  [
    "SELECT * FROM reports.quarterly WHERE ledger = 'main' AND quarter IN ('2023q3', '2023q4')",
    { daily_totals: 190 },
  ],
  [
    "SELECT * FROM reports.daily_by_user WHERE ledger = 'main' AND user_id = 'user-7'",
    { daily_transaction_summary: 20, transactions_2023q2: 0, transactions_2024q4: 0 },
  ],
  [
    "SELECT * FROM reports.monthly_by_user WHERE ledger = 'main' AND user_id = 'user-7'",
    { daily_totals: 2, daily_transaction_summary: 30, transactions_2023q2: 0, transactions_2024q4: 0 },
  ],
  [
    "SELECT * FROM reports.monthly_by_user WHERE ledger = 'main' AND month = '2024-03'",
    { daily_totals: 2, daily_transaction_summary: 1100 },
  ],
  [
    "SELECT * FROM reports.daily_by_group WHERE ledger = 'main' AND day = '2024-12-20'",
    { daily_group_totals: 2, transactions_2024q4: 40, accounts: 2000, entries_2024q4: 80 },
  ],
  [
    "SELECT * FROM reports.quarterly_by_group WHERE ledger = 'main' AND quarter = '2024q1'",
    { daily_totals: 2, daily_group_totals: 184 },
  ],
  [
    "SELECT * FROM reports.balance_history WHERE ledger = 'main' AND account_id = 7 AND day >= '2024-01-01'",
    { accounts: 1, daily_balances: 40, entries_2024q4: 1 },
  ],
];

describe('the views read', () => {
  it.each(readings)('no more than is asked for: %s', async (statement, atMost) => {
    const read = large(await readingOf(book.db, statement));
    expect(Object.keys(read).sort()).toEqual(Object.keys(atMost).sort());
    for (const [table, rows] of Object.entries(read))
      expect(rows, table).toBeLessThanOrEqual(atMost[table] ?? 0);
  });

  it.each(['daily', 'monthly_by_user', 'weekly_by_group', 'balance_history'])(
    'the marked days into a hash, however many: %s',
    async (view) => {
      // The planner knows nothing of the marks, and would compare every stored day with each of them.
      const { rows } = await sql<{
        'QUERY PLAN': string;
      }>`EXPLAIN SELECT * FROM ${sql.id('reports', view)}`.execute(book.db);
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).toMatch(/NOT .*hashed SubPlan/);
      expect(plan.match(/Anti Join/g)?.length).toBe(1);
    },
  );

  it('a thousand balances of one day by a probe each', async () => {
    const { tables } = await readingOf(
      book.db,
      "SELECT * FROM reports.balance_history WHERE ledger = 'main' AND day = '2024-03-31'",
    );
    expect(tables.daily_balances).toMatchObject({ how: 'Index Scan' });
    expect(tables.daily_balances?.rows).toBeLessThan(1000);
    expect(Object.keys(tables).filter((name) => name.startsWith('entries'))).toEqual([]);
  });
});

describe('the closing balance of an account', () => {
  it('is one probe of one index, whatever was asked before', async () => {
    await book.db.connection().execute(async (session) => {
      const ask = (accounts: number) =>
        readingOf(
          session,
          `SELECT sum(reports.closing_balance_minor(1, n, '2023-05-01')) FROM generate_series(1, ${accounts}) AS n`,
        );
      await ask(10);
      const { buffers } = await ask(1000);
      // The root, the leaf and the row, and one page of marks.
      expect(buffers / 1000).toBeLessThanOrEqual(6);
    });
  });

  it.each(modes)('is that for the API, too, by %s', async (mode) => {
    const shape = { indexes: ['daily_balances_pkey'], quarters: [], buffers: 6, seqScans: ['summary_marks'] };
    for (const [account, day] of [
      [7, '2024-03-31'],
      [7, '2020-01-01'],
      [1999, '2024-12-31'],
      [5000, '2024-03-31'],
    ]) {
      const one = {
        name: `${account} on ${day}`,
        of: 'closing_balance',
        parameters: [1, account, day],
        shape,
      };
      expect(await planFaults(book, mode, one)).toBe('');
    }
  });
});

describe('the summary by kind of account, for the API', () => {
  const report = { seqScans: ['summary_marks'], sorted: 2000 };
  const made = (days: readonly string[]) => async (book: Book) => {
    const live = days.map((day) => ({
      day,
      start: new Date(`${day}T00:00:00Z`),
      end: new Date(`${day}T24:00:00Z`),
    }));
    const query = { from: '2024-01-01', to: '2024-12-31', groupBy: 'month' } as const;
    return groupStatement(1, query, { live, stale: [] }).compile(book.db);
  };

  it.each(modes)('reads a row or two a day, and those of the days that are counted, by %s', async (mode) => {
    const stored = { ...report, indexes: ['daily_group_totals_pkey'], buffers: 60 };
    expect(
      await planFaults(book, mode, { name: 'stored', of: 'groups', made: made([]), shape: stored }),
    ).toBe('');
    const counted = {
      ...report,
      indexes: ['daily_group_totals_pkey', 'transactions_pkey', 'accounts_pkey', 'entries_pkey'],
      quarters: ['2024q4'],
      buffers: 600,
      // What is stored of the day that is counted.
      removed: 2,
    };
    const days = made(['2024-12-20']);
    expect(await planFaults(book, mode, { name: 'a day', of: 'groups', made: days, shape: counted })).toBe(
      '',
    );
  });
});

/** How often the marks were read from end to end so far in this transaction, and how many of them. */
async function marksRead(trx: Db): Promise<{ scans: number; rows: number }> {
  const { rows } = await sql<{ scans: number; rows: number }>`
    SELECT seq_scan::integer AS scans, seq_tup_read::integer AS rows FROM pg_stat_xact_user_tables
    WHERE relid = 'quartermaster.summary_marks'::regclass`.execute(trx);
  return rows[0] ?? { scans: 0, rows: 0 };
}

describe('the closing balances of a thousand accounts', () => {
  const marks = 20_000;

  it('read the marks once, however many there are, and each account by a probe or two', async () => {
    const trx = await book.db.startTransaction().execute();
    try {
      // Of each of a hundred days; that leaves pages of dead rows behind, so no other test may come after.
      await sql`DELETE FROM quartermaster.summary_marks`.execute(trx);
      await sql`INSERT INTO quartermaster.summary_marks (ledger_id, day)
                SELECT 1, '2024-09-01'::date + n % 100 FROM generate_series(1, ${marks}::integer) AS n`.execute(
        trx,
      );
      const read = async (statement: string) => {
        const before = await marksRead(trx);
        const { buffers } = await readingOf(trx, statement);
        const after = await marksRead(trx);
        return { scans: after.scans - before.scans, rows: after.rows - before.rows, buffers };
      };
      const one = `SELECT sum(reports.closing_balance_minor(1, n, '2024-12-31')) FROM generate_series(1, 3) AS n`;
      expect((await read(one)).scans).toBeGreaterThanOrEqual(3);
      for (const [day, perAccount] of [
        ['2024-12-31', 12],
        ['2023-05-01', 6],
      ] as const) {
        const all = `SELECT sum(balance_minor) FROM reports.closing_balances(1, '${day}')`;
        await read(all);
        const { scans, rows, buffers } = await read(all);
        expect({ scans, rows }, day).toEqual({ scans: 1, rows: marks });
        expect(buffers / 1000, day).toBeLessThanOrEqual(perAccount);
      }
    } finally {
      await trx.rollback().execute();
    }
  });
});
