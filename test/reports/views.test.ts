import { sql } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { randomPayments } from '../summaries/books.ts';
import { count, difference, useReportBooks } from './fixture.ts';

// Samoa had no 30 December 2011.
const zone = 'Pacific/Apia';
const books = useReportBooks(zone);
const quarters = ['2011q3', '2011q4', '2012q1'];

async function book(payments: number, from: string, to: string, seed: number) {
  const made = randomPayments(payments, new Date(from), new Date(to), seed);
  for (let i = 0; i < made.length; i += 500) await books.book(made.slice(i, i + 500));
}

beforeAll(async () => {
  await books.openQuarters(quarters);
  await book(3000, '2011-09-20T00:00Z', '2012-01-20T00:00Z', 1);
  await books.refresh();
});

const periods = {
  daily: ['day', 'r.day', 'day'],
  weekly: [
    'week, first_day, last_day',
    `to_char(r.day, 'IYYY-"W"IW'), date_trunc('week', r.day::timestamp)::date, date_trunc('week', r.day::timestamp)::date + 6`,
  ],
  monthly: [
    'month, first_day, last_day',
    `to_char(r.day, 'YYYY-MM'), date_trunc('month', r.day::timestamp)::date, (date_trunc('month', r.day::timestamp) + interval '1 month')::date - 1`,
  ],
  quarterly: [
    'quarter, first_day, last_day',
    `to_char(r.day, 'YYYY"q"Q'), date_trunc('quarter', r.day::timestamp)::date, (date_trunc('quarter', r.day::timestamp) + interval '3 months')::date - 1`,
  ],
} as const;

const local = `(created_at AT TIME ZONE '${zone}')::date`;
const unit = `power(10, CASE r.currency WHEN 'EUR' THEN 2 ELSE 0 END)::numeric`;

/** The statement on a view, and the one on the rows that it has to agree with. */
const pairs = Object.entries(periods).flatMap(([name, [columns, naive]]) => [
  [
    name,
    `SELECT ledger, ${columns}, currency, status, transaction_count, amount_minor, amount FROM reports.${name}`,
    `SELECT l.name, ${naive}, r.currency, r.status, count(*), sum(r.amount), sum(r.amount) / ${unit}
     FROM (SELECT *, ${local} AS day FROM ledger.transactions) AS r JOIN ledger.ledgers AS l ON l.id = r.ledger_id
     GROUP BY ${groups(columns, 2)}, r.currency, r.status, l.name`,
  ],
  [
    `${name}_by_user`,
    `SELECT ledger_id, ${columns}, user_id, currency, status, transaction_count, amount_minor, amount FROM reports.${name}_by_user`,
    `SELECT r.ledger_id, ${naive}, r.user_id, r.currency, r.status, count(*), sum(r.amount), sum(r.amount) / ${unit}
     FROM (SELECT *, ${local} AS day FROM ledger.transactions) AS r
     GROUP BY ${groups(columns, 2)}, r.ledger_id, r.user_id, r.currency, r.status`,
  ],
  [
    `${name}_by_group`,
    `SELECT ledger_id, ${columns}, group_type, currency, entry_count, debits_minor, credits_minor, debits, credits FROM reports.${name}_by_group`,
    `SELECT r.ledger_id, ${naive}, r.group_type, r.currency, count(*), coalesce(-sum(r.amount) FILTER (WHERE r.amount < 0), 0),
            coalesce(sum(r.amount) FILTER (WHERE r.amount > 0), 0), coalesce(-sum(r.amount) FILTER (WHERE r.amount < 0), 0) / ${unit},
            coalesce(sum(r.amount) FILTER (WHERE r.amount > 0), 0) / ${unit}
     FROM (SELECT e.*, ${local.replace('created_at', 'e.created_at')} AS day, a.group_type, a.currency
           FROM ledger.entries AS e JOIN ledger.accounts AS a ON a.ledger_id = e.ledger_id AND a.id = e.account_id) AS r
     GROUP BY ${groups(columns, 2)}, r.ledger_id, r.group_type, r.currency`,
  ],
]) as [string, string, string][];
pairs.push([
  'balance_history',
  'SELECT ledger_id, account_id, account, day, currency, balance_minor, balance FROM reports.balance_history',
  `SELECT DISTINCT ON (r.ledger_id, r.account_id, r.day) r.ledger_id, r.account_id, r.account, r.day, r.currency, r.balance_after::numeric,
          r.balance_after / ${unit}
   FROM (SELECT e.*, ${local.replace('created_at', 'e.created_at')} AS day, a.entity_id || ':' || a.group_type AS account, a.currency
         FROM ledger.entries AS e JOIN ledger.accounts AS a ON a.ledger_id = e.ledger_id AND a.id = e.account_id) AS r
   ORDER BY r.ledger_id, r.account_id, r.day, r.version DESC`,
]);

/** The places of the columns, the first of which is at `from`. */
function groups(columns: string, from: number): string {
  return columns
    .split(',')
    .map((_, i) => from + i)
    .join(', ');
}

async function expectAll(): Promise<void> {
  for (const [name, have, want] of pairs) {
    expect(await count(books.database.write, want), name).toBeGreaterThan(3);
    expect(await difference(books.database.write, have, want), name).toEqual([]);
  }
}

describe('the views', () => {
  it('are what all rows come to, by day, ISO week, month and quarter', async () => {
    expect(await books.marks()).toBe(0);
    await expectAll();
  });

  it('are that before what was posted is summed up, too, of past days and of new ones', async () => {
    await book(300, '2012-01-20T00:00Z', '2012-02-10T00:00Z', 2);
    await sql`UPDATE ledger.daily_totals SET transaction_count = 0 WHERE day BETWEEN '2011-12-25' AND '2012-01-02'`.execute(
      books.database.write,
    );
    await sql`INSERT INTO quartermaster.summary_marks (ledger_id, day)
              SELECT l, '2011-12-25'::date + n FROM generate_series(1, 2) AS l, generate_series(0, 8) AS n`.execute(
      books.database.write,
    );
    await expectAll();
    await books.refresh();
    await expectAll();
  });

  it('do not move with the time zone of the session, nor with its style of dates', async () => {
    await book(100, '2012-02-10T00:00Z', '2012-02-14T00:00Z', 3);
    const other = openDatabase({
      databaseUrl: `${books.url}?options=${encodeURIComponent('-c TimeZone=America/Los_Angeles -c DateStyle=German')}`,
      poolMax: 1,
    });
    try {
      for (const [name, have, want] of pairs)
        expect(await difference(other.direct, have, want), name).toEqual([]);
    } finally {
      await other.close();
    }
  });

  it('take the stored days of a quarter that is not online, marked or not', async () => {
    await books.refresh();
    const { direct } = books.database;
    const before = await kept();
    // Archived, but online still: the rows of a marked day count.
    await spoilt(async () => {
      await sql`UPDATE quartermaster.quarters SET state = 'archived' WHERE quarter = '2011q4'`.execute(
        direct,
      );
      expect(await kept()).toEqual(before);
      expect(await behind()).toEqual({ days: 2, lagging: true });
    });
    await sql`UPDATE quartermaster.quarters SET state = 'archived' WHERE quarter = '2011q4'`.execute(direct);
    for (const table of ['entries', 'transactions']) {
      await sql`INSERT INTO quartermaster.summary_marks (ledger_id, day) VALUES (1, '2011-11-05'), (2, '2011-12-31')`.execute(
        direct,
      );
      await sql`ALTER TABLE ${sql.id('ledger', table)} DETACH PARTITION ${sql.id('ledger', `${table}_2011q4`)}`.execute(
        direct,
      );
      expect(await kept()).toEqual(before);
      expect(await behind()).toEqual({ days: 0, lagging: false });
    }
    for (const state of ['detached', 'dropped', 'restored']) {
      await sql`UPDATE quartermaster.quarters SET state = ${state} WHERE quarter = '2011q4'`.execute(direct);
      expect(await kept()).toEqual(before);
      expect(await behind()).toEqual({ days: 0, lagging: false });
    }
    // A day that is online counts beside those that can never be.
    await sql`INSERT INTO quartermaster.summary_marks (ledger_id, day) VALUES (1, '2012-02-01'), (1, '2012-02-01')`.execute(
      direct,
    );
    expect(await behind()).toEqual({ days: 1, lagging: true });
    await books.refresh();
  });

  it('know sums that no bigint holds, to the last digit', async () => {
    await sql`
      INSERT INTO ledger.daily_totals (ledger_id, day, currency, status, transaction_count, total_amount)
      SELECT 1, '2012-03-20'::date + n, 'KWD', 'SUCCESS', 1, 12345678901234567890123456789012345678 FROM generate_series(0, 1) AS n`.execute(
      books.database.write,
    );
    const { rows } = await sql`
      SELECT amount, amount_minor FROM reports.monthly WHERE ledger = 'one' AND month = '2012-03' AND currency = 'KWD'`.execute(
      books.database.write,
    );
    expect(rows).toEqual([
      {
        amount: '24691357802469135780246913578024691.356',
        amount_minor: '24691357802469135780246913578024691356',
      },
    ]);
    await sql`DELETE FROM ledger.daily_totals WHERE currency = 'KWD'`.execute(books.database.write);
  });

  it('and all of their columns say what they are', async () => {
    const { rows } = await sql`
      SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
      WHERE c.relnamespace = 'reports'::regnamespace AND c.relkind IN ('v', 'm')
        AND (coalesce(col_description(c.oid, a.attnum), '') = '' OR coalesce(obj_description(c.oid), '') = '')`.execute(
      books.database.write,
    );
    expect(rows).toEqual([]);
  });
});

/** Runs the check while what is stored of a marked day is wrong. */
async function spoilt(check: () => Promise<void>): Promise<void> {
  const db = books.database.direct;
  await sql`UPDATE ledger.daily_totals SET transaction_count = 0 WHERE day = '2011-11-11'`.execute(db);
  await sql`INSERT INTO quartermaster.summary_marks (ledger_id, day) VALUES (1, '2011-11-11'), (2, '2011-11-11')`.execute(
    db,
  );
  await check();
  await books.refresh();
}

/** How far the view of freshness says that the daily summaries are behind. */
async function behind() {
  const { rows } = await sql`
    SELECT days_outstanding::integer AS days, lag > '0' AS lagging FROM reports.freshness WHERE name = 'daily summaries'`.execute(
    books.database.write,
  );
  return rows[0];
}

/** What all views say of the quarter that leaves. */
async function kept() {
  const results = pairs.map(async ([name, have]) => {
    const first = /^(daily|balance)/.test(name) ? 'day' : 'first_day';
    const { rows } = await sql
      .raw(`SELECT * FROM (${have}) AS r WHERE ${first} BETWEEN '2011-10-01' AND '2011-12-31' ORDER BY r`)
      .execute(books.database.write);
    return rows;
  });
  return Promise.all(results);
}
