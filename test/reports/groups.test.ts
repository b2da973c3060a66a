import { sql } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';
import { dayAfter } from '../../src/core/days.ts';
import { type GroupQuery, readGroups } from '../../src/summaries/groups.ts';
import { randomPayments } from '../summaries/books.ts';
import { useReportBooks } from './fixture.ts';

const zone = 'Pacific/Apia';
const books = useReportBooks(zone);

beforeAll(async () => {
  await books.openQuarters(['2011q3', '2011q4', '2012q1']);
  await books.book(randomPayments(400, new Date('2011-09-20T00:00Z'), new Date('2012-01-20T00:00Z'), 1));
  await books.refresh();
  await books.book(randomPayments(50, new Date('2012-01-20T00:00Z'), new Date('2012-01-24T00:00Z'), 2));
});

const formats = { day: 'YYYY-MM-DD', week: 'IYYY-"W"IW', month: 'YYYY-MM', quarter: 'YYYY"q"Q' } as const;

async function naive({ groupType, currency, groupBy, from, to }: GroupQuery) {
  const { rows } = await sql<{ start: string; entryCount: bigint; debits: string; credits: string }>`
    SELECT to_char(e.day, ${formats[groupBy]}) AS period, to_char(date_trunc(${groupBy}, e.day::timestamp), 'YYYY-MM-DD') AS start,
           a.group_type AS "groupType", a.currency, count(*) AS "entryCount",
           sum(greatest(-e.amount, 0))::text AS debits, sum(greatest(e.amount, 0))::text AS credits
    FROM (SELECT *, (created_at AT TIME ZONE ${sql.lit(zone)})::date AS day FROM ledger.entries) AS e
    JOIN ledger.accounts AS a ON a.ledger_id = e.ledger_id AND a.id = e.account_id
    WHERE e.ledger_id = 2 AND e.day BETWEEN ${from}::date AND ${to}::date
      AND a.group_type = coalesce(${groupType ?? null}::text, a.group_type) AND a.currency = coalesce(${currency ?? null}::text, a.currency)
    GROUP BY 1, 2, 3, 4 ORDER BY 2, 3, 4`.execute(books.database.write);
  return rows.map((row) => ({ ...row, debits: BigInt(row.debits), credits: BigInt(row.credits) }));
}

const read = (query: GroupQuery) =>
  readGroups({ db: books.database.write, calendar: books.calendar }, 2, query);
const whole = { from: '2011-09-01', to: '2012-03-31' };

describe('a report of kinds of accounts', () => {
  it.each<GroupQuery>([
    { ...whole, groupBy: 'day' },
    { ...whole, groupBy: 'week' },
    { ...whole, groupBy: 'month', groupType: 'FEES' },
    { ...whole, groupBy: 'quarter', currency: 'JPY' },
    { from: '2011-12-15', to: '2012-01-22', groupBy: 'week', groupType: 'WALLET', currency: 'EUR' },
    { from: '0001-01-01', to: '9999-12-31', groupBy: 'quarter' },
  ])('is what all entries come to: %o', async (query) => {
    const want = await naive(query);
    expect(want.length).toBeGreaterThan(2);
    expect(await read(query)).toEqual({ lines: want, zone, staleDays: [] });
  });

  it('is empty where nothing happened, and refuses what is no day', async () => {
    expect((await read({ from: '2012-03-01', to: '2012-03-31', groupBy: 'day' })).lines).toEqual([]);
    expect((await read({ ...whole, groupBy: 'day', groupType: 'NONE' })).lines).toEqual([]);
    await expect(read({ from: '2012-02-30', to: '2012-03-01', groupBy: 'day' })).rejects.toMatchObject({
      code: 'invalid_day',
    });
  });

  it('takes the oldest days as they are summed up where too many are marked, and names them', async () => {
    await books.refresh();
    const db = books.database.write;
    const days: string[] = [];
    for (let day = '2011-09-20'; days.length < 70; day = dayAfter(day)) days.push(day);
    await sql`INSERT INTO quartermaster.summary_marks (ledger_id, day) SELECT 2, d FROM unnest(${days}::date[]) AS d`.execute(
      db,
    );
    // What is stored counts for the oldest, and the rows do for the others; the view counts them all.
    await sql`
      UPDATE ledger.daily_group_totals SET entry_count = 0 WHERE ledger_id = 2 AND day = ANY (${days}::date[])`.execute(
      db,
    );
    const query: GroupQuery = { ...whole, groupBy: 'day' };
    const { lines, staleDays } = await read(query);
    expect(staleDays).toEqual(days.slice(0, 8));
    const want = await naive(query);
    const right = (line: { start: string }) => !staleDays.includes(line.start);
    expect(lines.filter(right)).toEqual(want.filter(right));
    expect(lines.filter((line) => !right(line)).map(({ entryCount }) => entryCount)).toEqual(
      want.filter((line) => !right(line)).map(() => 0n),
    );
    expect(want.some((line) => !right(line))).toBe(true);
    const later = { ...query, from: days[20] as string };
    expect(await read(later)).toEqual({ lines: await naive(later), zone, staleDays: [] });
  });

  it('takes what is stored of a marked day whose quarter is not online, and names it', async () => {
    const { direct } = books.database;
    await books.refresh();
    const query: GroupQuery = { ...whole, groupBy: 'month' };
    const { lines } = await read(query);
    await sql`UPDATE quartermaster.quarters SET state = 'detached' WHERE quarter = '2011q4'`.execute(direct);
    for (const table of ['transactions', 'entries']) {
      await sql`ALTER TABLE ${sql.id('ledger', table)} DETACH PARTITION ${sql.id('ledger', `${table}_2011q4`)}`.execute(
        direct,
      );
    }
    await sql`INSERT INTO quartermaster.summary_marks (ledger_id, day) VALUES (2, '2011-11-05'), (2, '2012-01-05')`.execute(
      direct,
    );
    expect(await read(query)).toEqual({ lines, zone, staleDays: ['2011-11-05'] });
  });
});
