import { sql } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';
import { dayAfter } from '../../src/core/days.ts';
import { refreshSummaries } from '../../src/summaries/refresh.ts';
import { type DailyQuery, readDaily } from '../../src/summaries/report.ts';
import { type Payment, randomPayments, useBooks } from './books.ts';

// Samoa had no 30 December 2011.
const zone = 'Pacific/Apia';
const books = useBooks(zone);
const payments: Payment[] = [];

const refresh = () => refreshSummaries({ database: books.database, calendar: books.calendar });

async function book(count: number, from: string, to: string, seed: number) {
  const made = randomPayments(count, new Date(from), new Date(to), seed);
  for (let i = 0; i < made.length; i += 500) await books.book(made.slice(i, i + 500));
  payments.push(...made);
}

beforeAll(async () => {
  await books.attach(['2011q3', '2011q4', '2012q1']);
  await book(2000, '2011-09-20T00:00Z', '2012-01-20T00:00Z', 1);
  await refresh();
});

const report = (query: Partial<DailyQuery>) =>
  readDaily({ db: books.database.write, calendar: books.calendar }, 1, {
    from: '2011-09-01',
    to: '2012-03-31',
    groupBy: 'day',
    ...query,
  });

/** The periods by PostgreSQL's own arithmetic of dates, the days by the calendar that marks them. */
const formats = { day: 'YYYY-MM-DD', week: 'IYYY-"W"IW', month: 'YYYY-MM', quarter: 'YYYY"q"Q' } as const;

async function naive(query: Partial<DailyQuery>) {
  const { userId, status, currency, groupBy = 'day', from = '2011-09-01', to = '2012-03-31' } = query;
  const rows = payments
    .filter((one) => one.ledgerId === 1)
    .filter((one) => userId === undefined || one.user === userId)
    .filter((one) => status === undefined || one.status === status)
    .filter((one) => currency === undefined || one.currency === currency)
    .map((one) => ({ ...one, day: books.calendar.dayOf(one.at) }))
    .filter(({ day }) => day >= from && day <= to);
  const { rows: lines } = await sql<{ period: string }>`
    SELECT to_char(day, ${formats[groupBy]}) AS period, to_char(date_trunc(${groupBy}, day::timestamp), 'YYYY-MM-DD') AS start,
           currency, status, count(*) AS "transactionCount", sum(amount)::bigint AS "totalAmount"
    FROM unnest(${rows.map(({ day }) => day)}::date[], ${rows.map((one) => one.currency)}::text[],
                ${rows.map((one) => one.status)}::text[], ${rows.map(({ amount }) => String(amount))}::bigint[])
      AS t (day, currency, status, amount)
    GROUP BY 1, 2, 3, 4 ORDER BY 2, 3, 4`.execute(books.database.write);
  return lines;
}

const queries: Partial<DailyQuery>[] = [
  {},
  { groupBy: 'week' },
  { groupBy: 'month', status: 'FAILED' },
  { groupBy: 'quarter', currency: 'JPY' },
  { from: '2011-12-15', to: '2012-01-02' },
  { from: '2011-12-29', to: '2011-12-31' },
  { from: '2011-12-30', to: '2011-12-30' },
  { userId: 'user-1' },
  { userId: 'user-2', groupBy: 'month', status: 'SUCCESS', currency: 'EUR' },
  { userId: 'user-3', groupBy: 'week', from: '2011-10-10', to: '2011-11-20' },
  { userId: 'nobody' },
  { from: '2012-01-02', to: '2012-01-01' },
];

const mark = (days: readonly string[]) =>
  sql`INSERT INTO quartermaster.summary_marks (ledger_id, day) SELECT 1, d FROM unnest(${days}::date[]) AS d`.execute(
    books.database.write,
  );

describe('a report of days', () => {
  it('is what all rows come to, by day, week, month and quarter', async () => {
    for (const query of queries) {
      expect(await report(query)).toEqual({ lines: await naive(query), zone, staleDays: [] });
    }
  });

  it('is that before what was posted is summed up, too', async () => {
    await book(200, '2012-01-20T00:00Z', '2012-02-10T00:00Z', 2);
    expect(await books.marks()).toBeGreaterThan(10);
    for (const query of queries) {
      expect(await report(query)).toEqual({ lines: await naive(query), zone, staleDays: [] });
    }
  });

  it('takes the oldest days as they are summed up where too many are marked, and names them', async () => {
    await refresh();
    const days: string[] = [];
    for (let day = '2011-10-01'; days.length < 70; day = dayAfter(day)) days.push(day);
    await mark(days);
    const { lines, staleDays } = await report({});
    expect(staleDays).toEqual(days.slice(0, 8));
    expect(lines).toEqual(await naive({}));
    expect((await report({ from: days[20] })).staleDays).toEqual([]);
    // What is stored counts for the oldest, and the rows do for the others.
    await sql`
      UPDATE ledger.daily_totals SET transaction_count = 0
      WHERE ledger_id = 1 AND day BETWEEN '2011-10-01' AND '2011-12-01'`.execute(books.database.write);
    const spoilt = (await report({})).lines;
    expect(spoilt).toEqual(
      lines.map((line) => (staleDays.includes(line.start) ? { ...line, transactionCount: 0n } : line)),
    );
    expect(spoilt).not.toEqual(lines);
    await refresh();
    expect((await report({})).lines).toEqual(lines);
  });

  it('adds what no bigint holds', async () => {
    const day = '2012-02-20';
    await sql`
      INSERT INTO ledger.daily_totals (ledger_id, day, currency, status, transaction_count, total_amount)
      SELECT 1, ${day}::date + n, 'XXX', 'SUCCESS', 1, 9223372036854775807 FROM generate_series(0, 1) AS n`.execute(
      books.database.write,
    );
    expect((await report({ from: day, currency: 'XXX', groupBy: 'quarter' })).lines).toEqual([
      {
        period: '2012q1',
        start: '2012-01-01',
        currency: 'XXX',
        status: 'SUCCESS',
        transactionCount: 2n,
        totalAmount: 2n ** 64n - 2n,
      },
    ]);
    await sql`DELETE FROM ledger.daily_totals WHERE currency = 'XXX'`.execute(books.database.write);
  });

  it('reaches to the last of days, and refuses what is no day', async () => {
    expect((await report({ from: '0001-01-01', to: '9999-12-31', groupBy: 'quarter' })).lines).toEqual(
      await naive({ groupBy: 'quarter' }),
    );
    for (const day of ['2011-02-30', 'yesterday', '']) {
      await expect(report({ from: day })).rejects.toMatchObject({ kind: 'invalid', code: 'invalid_day' });
    }
  });

  it('keeps the totals of the ledger what the users make', async () => {
    const { rows } = await sql`
      SELECT ledger_id, day, currency, status, sum(transaction_count)::bigint AS n, sum(total_amount) AS total
      FROM ledger.daily_transaction_summary GROUP BY 1, 2, 3, 4
      EXCEPT SELECT ledger_id, day, currency, status, transaction_count, total_amount FROM ledger.daily_totals`.execute(
      books.database.write,
    );
    expect(rows).toEqual([]);
  });

  it('remembers quarters that are archived', async () => {
    const { direct } = books.database;
    const { start, end } = books.calendar.quarter('2011q4');
    await sql`INSERT INTO quartermaster.quarters (quarter, starts_at, ends_at, state) VALUES ('2011q4', ${start}, ${end}, 'detached')`.execute(
      direct,
    );
    const want = (await report({ from: '2011-10-01', groupBy: 'month' })).lines;
    for (const table of ['transactions', 'entries']) {
      await sql`ALTER TABLE ${sql.id('ledger', table)} DETACH PARTITION ${sql.id('ledger', `${table}_2011q4`)}`.execute(
        direct,
      );
    }
    await mark(['2011-11-05', '2012-01-05']);
    const { lines, staleDays } = await report({ from: '2011-10-01', groupBy: 'month' });
    expect(lines).toEqual(want);
    expect(staleDays).toEqual(['2011-11-05']);
  });
});
