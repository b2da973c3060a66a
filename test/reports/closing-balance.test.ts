import { sql } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';
import { dayAfter } from '../../src/core/days.ts';
import { readClosingBalance } from '../../src/ledger/closing-balance.ts';
import { type Payment, randomPayments } from '../summaries/books.ts';
import { useReportBooks } from './fixture.ts';

// Samoa had no 30 December 2011.
const zone = 'Pacific/Apia';
const books = useReportBooks(zone);
const payments: Payment[] = [];
/** What accounts have at the ends of days, by `account day`. */
type Ends = Map<string, bigint>;

async function book(count: number, from: string, to: string, seed: number) {
  const made = randomPayments(count, new Date(from), new Date(to), seed);
  await books.book(made);
  payments.push(...made);
}

beforeAll(async () => {
  await books.openQuarters(['2011q3', '2011q4', '2012q1']);
  await book(150, '2011-09-20T00:00Z', '2011-12-05T00:00Z', 1);
  await book(150, '2011-12-20T00:00Z', '2012-01-20T00:00Z', 2);
  await books.refresh();
});

/** Each account of ledger 1 at the end of every third day, as the payments left it. */
function naive(): Ends {
  const ends: Ends = new Map();
  for (let day = '2011-09-15'; day < '2012-03-31'; day = dayAfter(dayAfter(dayAfter(day)))) {
    for (let account = 1n; account <= 8n; account++) {
      const sum = payments
        .filter(({ ledgerId, status }) => ledgerId === 1 && status === 'SUCCESS')
        .filter(({ at }) => books.calendar.dayOf(at) <= day)
        .reduce(
          (total, { from, to, amount }) =>
            total + (to === account ? amount : 0n) - (from === account ? amount : 0n),
          0n,
        );
      ends.set(`${account} ${day}`, sum);
    }
  }
  return ends;
}

async function read(): Promise<Record<'house' | 'view' | 'atOnce', Ends>> {
  const db = books.database.write;
  const [house, view, atOnce] = [1, 2, 3].map((): Ends => new Map()) as [Ends, Ends, Ends];
  for (const key of naive().keys()) {
    const [account, day] = key.split(' ') as [string, string];
    house.set(key, (await readClosingBalance({ db, calendar: books.calendar }, 1, { account, day })).posted);
  }
  const { rows } = await sql<{ key: string; balance: bigint }>`
    SELECT key, reports.closing_balance_minor(1, split_part(key, ' ', 1)::bigint, split_part(key, ' ', 2)::date)::bigint AS balance
    FROM unnest(${[...naive().keys()]}::text[]) AS key`.execute(db);
  for (const { key, balance } of rows) view.set(key, balance);
  const days = [...new Set([...naive().keys()].map((key) => key.split(' ')[1] as string))];
  const { rows: all } = await sql<{ key: string; balance: bigint }>`
    SELECT b.account_id || ' ' || to_char(d.day, 'YYYY-MM-DD') AS key, b.balance_minor::bigint AS balance
    FROM unnest(${days}::date[]) AS d (day) CROSS JOIN LATERAL reports.closing_balances(1, d.day) AS b`.execute(
    db,
  );
  for (const { key, balance } of all) atOnce.set(key, balance);
  return { house, view, atOnce };
}

async function expectRight(): Promise<void> {
  const want = naive();
  expect(await read()).toEqual({ house: want, view: want, atOnce: want });
}

describe('the closing balance of any account and day', () => {
  it('is what all entries up to then come to', expectRight);

  it('is that before the days are summed up, too, of days in between and of new ones', async () => {
    // Of the second half of December nothing is stored but what is wrong.
    await sql`UPDATE ledger.daily_balances SET closing_balance = 0 WHERE snapshot_date BETWEEN '2011-12-22' AND '2011-12-26'`.execute(
      books.database.write,
    );
    await sql`DELETE FROM ledger.daily_balances WHERE snapshot_date BETWEEN '2011-12-27' AND '2011-12-29'`.execute(
      books.database.write,
    );
    await sql`INSERT INTO quartermaster.summary_marks (ledger_id, day)
              SELECT 1, '2011-12-22'::date + n FROM generate_series(0, 7) AS n`.execute(books.database.write);
    await book(100, '2012-01-20T00:00Z', '2012-02-20T00:00Z', 3);
    await expectRight();
    await books.refresh();
    await expectRight();
  });

  it('is as it is stored where the quarter is archived, and nothing is asked of the entries', async () => {
    const { direct } = books.database;
    await book(30, '2012-03-01T00:00Z', '2012-03-20T00:00Z', 4);
    await sql`UPDATE quartermaster.quarters SET state = 'detached' WHERE quarter IN ('2011q3', '2011q4')`.execute(
      direct,
    );
    for (const table of ['transactions_2011q3', 'entries_2011q3', 'transactions_2011q4', 'entries_2011q4']) {
      await sql`ALTER TABLE ${sql.id('ledger', table.slice(0, -7))} DETACH PARTITION ${sql.id('ledger', table)}`.execute(
        direct,
      );
    }
    await expectRight();
    await sql`INSERT INTO quartermaster.summary_marks (ledger_id, day) VALUES (1, '2011-11-11'), (1, '2012-01-02')`.execute(
      direct,
    );
    await expectRight();
  });

  it('is known of the first and the last day there is, and of no account that is not there', async () => {
    const db = books.database.write;
    const house = { db, calendar: books.calendar };
    const of = async (day: string) => (await readClosingBalance(house, 1, { account: '3', day })).posted;
    const [first, last] = [await of('0001-01-01'), await of('9999-12-31')];
    const { rows } = await sql`
      SELECT reports.closing_balance_minor(1, 3, '0001-01-01')::text AS first, reports.closing_balance_minor(1, 3, '9999-12-31')::text AS last,
             reports.closing_balance_minor(1, 99, '2012-01-01') AS unknown, reports.closing_balance(1, 99, '2012-01-01') AS none,
             reports.closing_balance(1, 3, '2012-01-10') = reports.closing_balance_minor(1, 3, '2012-01-10') AS yen,
             reports.closing_balance(1, 4, '2012-01-10') = reports.closing_balance_minor(1, 4, '2012-01-10') / 100 AS cents`.execute(
      db,
    );
    expect(rows).toEqual([
      {
        first: '0',
        last: String(naive().get('3 2012-03-28')),
        unknown: null,
        none: null,
        yen: true,
        cents: true,
      },
    ]);
    expect(first).toBe(0n);
    // The books of this test keep no balances of now, which is what the last day asks for.
    expect(last).toBe(0n);
    await expect(readClosingBalance(house, 1, { account: '99', day: '2012-01-01' })).rejects.toMatchObject({
      code: 'account_not_found',
    });
    for (const day of ['2012-02-30', 'today']) {
      await expect(of(day)).rejects.toMatchObject({ code: 'invalid_day' });
    }
  });

  it('of all accounts at once has what each is called, both amounts, and nothing of other ledgers', async () => {
    const { rows } = await sql<Record<string, unknown>>`
      SELECT b.account_id, b.account, b.entity_id, b.group_type, b.currency,
             b.balance = reports.closing_balance(2, b.account_id, '2012-01-10') AS major,
             b.balance_minor = reports.closing_balance_minor(2, b.account_id, '2012-01-10') AS minor
      FROM reports.closing_balances(2, '2012-01-10') AS b ORDER BY b.account_id`.execute(
      books.database.write,
    );
    expect(rows).toHaveLength(8);
    expect(rows[3]).toEqual({
      account_id: 4n,
      account: 'entity-0:WALLET',
      entity_id: 'entity-0',
      group_type: 'WALLET',
      currency: 'EUR',
      major: true,
      minor: true,
    });
    expect(new Set(rows.map((row) => JSON.stringify([row.major, row.minor])))).toEqual(
      new Set(['[true,true]']),
    );
    const { rows: none } = await sql<{ n: number; first: string; last: string }>`
      SELECT (SELECT count(*)::integer FROM reports.closing_balances(99, '2012-01-10'))
               + (SELECT count(*)::integer FROM reports.closing_balances(1, NULL)) AS n,
             (SELECT balance_minor FROM reports.closing_balances(1, '0001-01-01') WHERE account_id = 3)::text AS first,
             (SELECT balance_minor FROM reports.closing_balances(1, '9999-12-31') WHERE account_id = 3)::text AS last`.execute(
      books.database.write,
    );
    expect(none).toEqual([{ n: 0, first: '0', last: String(naive().get('3 2012-03-28')) }]);
  });
});
