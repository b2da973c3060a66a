import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { refreshSummaries } from '../../src/summaries/refresh.ts';
import { type Payment, randomPayments, useBooks } from './books.ts';

const zone = 'Pacific/Apia';
const books = useBooks(zone);

const refresh = (signal?: AbortSignal) =>
  refreshSummaries({ database: books.database, calendar: books.calendar, signal });

/** Moves payments to accounts that have none later: nothing is posted before an account's last entry. */
const ofOthers = (offset: bigint) => (payment: Payment) => ({
  ...payment,
  from: payment.from + offset,
  to: payment.to + offset,
});

/** What the summaries are and what they would be if they were counted from all rows; the days by PostgreSQL's own tz. */
async function compare() {
  const db = books.database.write;
  const day = sql`(created_at AT TIME ZONE ${sql.lit(zone)})::date`;
  const summaries = await sql`
    SELECT ledger_id, day, user_id, currency, status, transaction_count, total_amount
    FROM ledger.daily_transaction_summary ORDER BY ledger_id, day, user_id, currency, status`.execute(db);
  const counted = await sql`
    SELECT ledger_id, ${day} AS day, user_id, currency, status, count(*) AS transaction_count,
           sum(amount)::bigint AS total_amount
    FROM ledger.transactions GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5`.execute(db);
  const balances = await sql`
    SELECT ledger_id, account_id, snapshot_date, closing_balance
    FROM ledger.daily_balances ORDER BY ledger_id, account_id, snapshot_date`.execute(db);
  const closed = await sql`
    SELECT DISTINCT ON (ledger_id, account_id, ${day}) ledger_id, account_id, ${day} AS snapshot_date,
           balance_after AS closing_balance
    FROM ledger.entries ORDER BY ledger_id, account_id, ${day}, version DESC`.execute(db);
  return {
    have: { summaries: summaries.rows, balances: balances.rows },
    want: { summaries: counted.rows, balances: closed.rows },
  };
}

describe('the summaries', () => {
  it('equal what is counted from all rows, across quarters, ledgers and a day the zone left out', async () => {
    await books.attach(['2011q3', '2011q4', '2012q1']);
    // Samoa had no 30 December 2011.
    const payments = randomPayments(3000, new Date('2011-09-20T00:00Z'), new Date('2012-01-20T00:00Z'), 1);
    for (let i = 0; i < payments.length; i += 500) await books.book(payments.slice(i, i + 500));
    const report = await refresh();
    const { have, want } = await compare();
    expect(want.summaries.length).toBeGreaterThan(1500);
    expect(have).toEqual(want);
    expect(report).toMatchObject({
      summaries: want.summaries.length,
      balances: want.balances.length,
      skipped: [],
    });
    expect(await books.marks()).toBe(0);
  });

  it('are written again only where a late load changed them', async () => {
    const late = randomPayments(40, new Date('2012-02-01T00:00Z'), new Date('2012-02-05T00:00Z'), 2);
    const old = randomPayments(10, new Date('2011-10-10T00:00Z'), new Date('2011-10-10T12:00Z'), 3).map(
      ofOthers(100n),
    );
    await books.book([...old, ...late]);
    await refresh();
    const { have, want } = await compare();
    expect(have).toEqual(want);
    await sql`INSERT INTO quartermaster.summary_marks (ledger_id, day) SELECT DISTINCT ledger_id, day
              FROM ledger.daily_transaction_summary`.execute(books.database.write);
    expect(await refresh()).toMatchObject({ summaries: 0, balances: 0 });
  });

  it('come right when two runs work at once, with postings in between', async () => {
    const payments = randomPayments(2000, new Date('2012-03-01T00:00Z'), new Date('2012-03-20T00:00Z'), 4);
    const other = books.open();
    const runs: Promise<unknown>[] = [];
    for (let i = 0; i < payments.length; i += 100) {
      await books.book(payments.slice(i, i + 100));
      runs.push(refresh(), refreshSummaries({ database: other, calendar: books.calendar }));
    }
    await Promise.all(runs);
    await refresh();
    const { have, want } = await compare();
    expect(have).toEqual(want);
    expect(await books.marks()).toBe(0);
  });

  it('are as they were when a run is killed midway, and right after the next', {
    timeout: 60_000,
  }, async () => {
    const before = (await compare()).have;
    await books.book(
      randomPayments(200, new Date('2012-03-22T00:00Z'), new Date('2012-03-29T00:00Z'), 5).map((payment) => ({
        ...payment,
        user: 'killed',
      })),
    );
    const marks = await books.marks();
    // Lets the run delete its marks and count, and stops it at the last thing it writes.
    const blocker = await books.database.direct.startTransaction().execute();
    await sql`LOCK TABLE ledger.daily_balances IN SHARE MODE`.execute(blocker);
    const script = fileURLToPath(new URL('./refresh-child.ts', import.meta.url));
    const childSessions = () => books.sessions('refresh-child');
    const child = spawn(process.execPath, [script, books.url, zone], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await expect.poll(childSessions, { timeout: 20_000 }).toMatchObject({ waiting: 1 });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await blocker.rollback().execute();
    // The dead process' session finds out when it wants to answer.
    await expect.poll(childSessions, { timeout: 20_000 }).toMatchObject({ all: 0 });
    expect((await compare()).have).toEqual(before);
    expect(await books.marks()).toBe(marks);
    await refresh();
    const { have, want } = await compare();
    expect(have).toEqual(want);
  });

  it('lose no posting that commits while its day is counted', async () => {
    const db = books.database.direct;
    const at = new Date('2012-03-29T22:00Z');
    const [payment] = randomPayments(1, at, new Date(at.getTime() + 1), 8) as [Payment];
    const day = books.calendar.dayOf(at);
    const late = { ...payment, ledgerId: 1, status: 'SUCCESS' as const, user: 'late', currency: 'EUR' };
    await books.book([late]);
    // A row under the key that the run is to write holds it in the middle of its statement.
    const blocker = await db.startTransaction().execute();
    const row = { ledger_id: 1, day, user_id: 'late', currency: 'EUR', status: late.status };
    await blocker
      .insertInto('ledger.daily_transaction_summary')
      .values({ ...row, transaction_count: 0n, total_amount: 0n })
      .execute();
    const run = refreshSummaries({ database: books.open('counting'), calendar: books.calendar });
    await expect.poll(() => books.sessions('counting'), { timeout: 20_000 }).toMatchObject({ waiting: 1 });
    await books.book([late]);
    await blocker.rollback().execute();
    await run;
    expect(await books.marks()).toBe(1);
    await refresh();
    const { have, want } = await compare();
    expect(have).toEqual(want);
  });

  it('of a quarter that is detached are kept, with the marks nobody worked off', async () => {
    const { direct } = books.database;
    const late = randomPayments(20, new Date('2011-09-21T00:00Z'), new Date('2011-09-25T00:00Z'), 6);
    await books.book(late.map(ofOthers(200n)));
    const before = (await compare()).have;
    const marks = await books.marks();
    await sql`ALTER TABLE ledger.entries DETACH PARTITION ledger.entries_2011q3`.execute(direct);
    expect(await refresh()).toEqual({ days: 0, summaries: 0, balances: 0, skipped: ['2011q3'] });
    expect((await compare()).have).toEqual(before);
    expect(await books.marks()).toBe(marks);

    const { start, end } = books.calendar.quarter('2011q3');
    await sql`ALTER TABLE ledger.entries ATTACH PARTITION ledger.entries_2011q3
              FOR VALUES FROM (${sql.lit(start.toISOString())}) TO (${sql.lit(end.toISOString())})`.execute(
      direct,
    );
    await refresh();
    const { have, want } = await compare();
    expect(have).toEqual(want);
    expect(await books.marks()).toBe(0);
  });

  it('are left to the next run when the process stops', async () => {
    await books.book(randomPayments(20, new Date('2012-03-30T00:00Z'), new Date('2012-03-31T00:00Z'), 7));
    await expect(refresh(AbortSignal.abort())).rejects.toMatchObject({ kind: 'aborted' });
    expect(await books.marks()).toBeGreaterThan(0);
    await refresh();
    expect(await books.marks()).toBe(0);
  });
});
