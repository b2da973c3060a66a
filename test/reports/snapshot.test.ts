import { sql } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';
import { randomPayments } from '../summaries/books.ts';
import { useReportBooks } from './fixture.ts';

const books = useReportBooks('Europe/Paris');

beforeAll(async () => {
  await books.openQuarters(['2025q1', '2025q2']);
  await books.book(randomPayments(500, new Date('2025-01-05T00:00Z'), new Date('2025-06-20T00:00Z'), 1));
  await books.refresh();
});

/** Each says how many transactions, or how many entries, there are; the last of an account's balances is the sum of all. */
const questions = [
  'SELECT sum(transaction_count) AS n FROM reports.daily',
  'SELECT sum(transaction_count) AS n FROM reports.daily_by_user',
  'SELECT sum(transaction_count) AS n FROM reports.quarterly_by_user',
  'SELECT sum(transaction_count) AS n FROM reports.weekly',
  'SELECT sum(entry_count) AS n FROM reports.monthly_by_group',
  `SELECT sum(reports.closing_balance(1, n, '2025-12-31')) AS n FROM generate_series(1, 8) AS n`,
  `SELECT sum(balance_minor) AS n FROM (
     SELECT DISTINCT ON (account_id) balance_minor FROM reports.balance_history WHERE ledger_id = 1 ORDER BY account_id, day DESC) AS last`,
];

const ask = async (db: typeof books.database.write) => {
  const answers: string[] = [];
  for (const question of questions) {
    const { rows } = await sql.raw<{ n: string }>(question).execute(db);
    answers.push(String(rows[0]?.n));
  }
  return answers;
};

describe('a reader', () => {
  it('sees each transaction once, whatever a refresh does meanwhile', { timeout: 90_000 }, async () => {
    let asked = 0;
    for (let round = 0; round < 6; round++) {
      // Late ones too, on days that are summed up already.
      const payments = randomPayments(
        120,
        new Date(`2025-06-2${round}T10:00Z`),
        new Date(`2025-06-2${round + 1}T10:00Z`),
        10 + round,
      );
      await books.book(payments);
      await sql`INSERT INTO quartermaster.summary_marks (ledger_id, day)
                SELECT l, '2025-02-01'::date + n FROM generate_series(1, 2) AS l, generate_series(0, 60) AS n`.execute(
        books.database.write,
      );
      const want = await ask(books.database.write);
      let refreshing = true;
      const refresh = books.refresh().finally(() => {
        refreshing = false;
      });
      const readers = [1, 2, 3].map(async () => {
        while (refreshing) {
          expect(await ask(books.database.direct)).toEqual(want);
          asked++;
        }
      });
      await Promise.all([refresh, ...readers]);
      expect(await books.marks()).toBe(0);
      expect(await ask(books.database.write)).toEqual(want);
    }
    expect(asked).toBeGreaterThan(6);
  });
});
