import { sql } from 'kysely';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Trx } from '../../src/db/schema.ts';
import { type RefreshOptions, refreshSummaries } from '../../src/summaries/refresh.ts';
import { withRefreshLock, withRefreshSession } from '../../src/summaries/refresh-chunk.ts';
import { type Payment, useBooks } from './books.ts';
import { differing } from './plain.ts';

const books = useBooks('UTC');
const refresh = (options: Partial<RefreshOptions> = {}) =>
  refreshSummaries({ database: books.database, calendar: books.calendar, ...options });

let payments = 0;
/** A payment on each of these days, between accounts that have no other. */
const bookOn = (days: readonly string[], parts: Partial<Payment> = {}) =>
  books.book(
    days.map((day) => {
      payments += 2;
      const at = new Date(`${day}T12:00Z`);
      const accounts = { from: BigInt(payments), to: BigInt(payments + 1) };
      return {
        ledgerId: 1,
        at,
        user: 'u',
        status: 'SUCCESS',
        currency: 'EUR',
        amount: 5n,
        ...accounts,
        ...parts,
      };
    }),
  );
const marked = async () => {
  const { rows } = await sql<{ day: string }>`
    SELECT DISTINCT day FROM quartermaster.summary_marks ORDER BY day`.execute(books.database.write);
  return rows.map(({ day }) => day);
};

/** Somebody who refreshes that quarter, until told to end. */
async function holding(quarter: string): Promise<{ end(): Promise<void> }> {
  const trx = await books.database.direct.startTransaction().execute();
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`quartermaster refresh-summaries ${quarter}`}, 0))`.execute(
    trx,
  );
  const end = () => trx.rollback().execute() as Promise<void>;
  // A test that fails must not hold up those behind it.
  onTestFinished(() => (trx.isRolledBack ? undefined : end()));
  return { end };
}

/** Keeps runs from writing, in the midst of their first chunk. */
async function blocking(): Promise<Trx & { rollback(): { execute(): Promise<void> } }> {
  const trx = await books.database.direct.startTransaction().execute();
  await sql`LOCK TABLE ledger.daily_totals IN SHARE MODE`.execute(trx);
  onTestFinished(
    () => (trx.isRolledBack ? undefined : trx.rollback().execute()) as Promise<void> | undefined,
  );
  return trx as never;
}

describe('quarters are refreshed', () => {
  beforeAll(() => books.attach(['2026q1', '2026q2', '2026q3']));

  it('side by side: one that somebody else works on keeps no other waiting', async () => {
    await bookOn(['2026-01-05', '2026-04-05', '2026-07-05']);
    const other = await holding('2026q2');
    const run = refresh({ parallel: 2 });
    await expect.poll(marked, { timeout: 20_000 }).toEqual(['2026-04-05']);
    await other.end();
    expect(await run).toMatchObject({ days: 3, skipped: [] });
    expect(await marked()).toEqual([]);
    expect(await differing(books.database.write, 'UTC')).toEqual([]);
  });

  it('the newest first, by as many at a time as are allowed', async () => {
    await bookOn(['2026-01-06', '2026-04-06', '2026-07-06']);
    const other = await holding('2026q1');
    const run = refresh({ parallel: 1, database: books.open('alone') });
    await expect.poll(marked, { timeout: 20_000 }).toEqual(['2026-01-06']);
    await expect.poll(async () => (await books.sessions('alone')).waiting, { timeout: 20_000 }).toBe(1);
    await other.end();
    await run;
    const seen: string[] = [];
    await bookOn(['2026-01-07', '2026-04-07', '2026-07-07']);
    await refresh({ parallel: 1, onProgress: ({ what }) => seen.push(what) });
    expect(seen).toEqual(['2026q3', '2026q2', '2026q1']);
  });

  it('side by side too when they are found marked after the start', async () => {
    const days = Array.from({ length: 85 }, (_, n) =>
      new Date(Date.UTC(2026, 0, 1 + n)).toISOString().slice(0, 10),
    );
    for (const ledgerId of [1, 2, 3]) await bookOn(days, { ledgerId });
    const blocker = await blocking();
    const other = await holding('2026q3');
    const run = refresh({ parallel: 2, lookAgainAfter: 0, database: books.open('grows') });
    await expect.poll(async () => (await books.sessions('grows')).waiting, { timeout: 20_000 }).toBe(1);
    await bookOn(['2026-04-09', '2026-08-09']);
    await blocker.rollback().execute();
    await expect.poll(marked, { timeout: 20_000 }).toEqual(['2026-08-09']);
    await other.end();
    await run;
    expect(await differing(books.database.write, 'UTC')).toEqual([]);
  });

  it('and the current one is come back to while old ones take long', async () => {
    const days = Array.from({ length: 85 }, (_, n) =>
      new Date(Date.UTC(2026, 0, 1 + n)).toISOString().slice(0, 10),
    );
    for (const ledgerId of [1, 2, 3]) await bookOn(days, { ledgerId });
    const seen: string[] = [];
    const blocker = await blocking();
    const database = books.open('long');
    const onProgress: RefreshOptions['onProgress'] = ({ what }) => seen.push(what);
    const run = refresh({ parallel: 1, lookAgainAfter: 0, database, onProgress });
    await expect.poll(async () => (await books.sessions('long')).waiting, { timeout: 20_000 }).toBe(1);
    await bookOn(['2026-08-08']);
    await blocker.rollback().execute();
    await run;
    expect(seen.indexOf('2026q3')).toBeGreaterThan(0);
    expect(seen.at(-1)).toBe('2026q1');
    expect(await marked()).toEqual([]);
    expect(await differing(books.database.write, 'UTC')).toEqual([]);
  });
});

describe('a session that refreshes', () => {
  it('goes back to the pool without a lock, even when the one of a quarter could not be given back', async () => {
    const database = books.open('unlocks');
    const long = { pool: database.write, relations: [] };
    const quarter = books.calendar.quarter('2026q1');
    await withRefreshSession(database.direct, long, (session) =>
      withRefreshLock(session, quarter, async () => {
        // Taken twice, it is still held when it was given back once.
        await sql`SELECT pg_advisory_lock(hashtextextended('quartermaster refresh-summaries 2026q1', 0))`.execute(
          session,
        );
      }),
    );
    expect((await books.sessions('unlocks')).all).toBeGreaterThan(0);
    const { rows } = await sql`
      SELECT pid FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
      WHERE l.locktype = 'advisory' AND d.datname = current_database()`.execute(books.database.write);
    expect(rows).toEqual([]);
  });
});

describe('a refresh', () => {
  it('takes all tables from one moment, whatever is posted while it counts', async () => {
    await bookOn(['2026-07-20']);
    const db = books.database.write;
    // Whoever posts here keeps the run from the entries until that is committed, but not from the transactions.
    const poster = await books.database.direct.startTransaction().execute();
    await sql`LOCK TABLE ledger.entries_2026q3 IN ACCESS EXCLUSIVE MODE`.execute(poster);
    const run = refresh({ database: books.open('counts') });
    await expect.poll(async () => (await books.sessions('counts')).waiting, { timeout: 20_000 }).toBe(1);
    const at = new Date('2026-07-20T13:00Z');
    await sql`
      INSERT INTO ledger.transactions (ledger_id, created_at, id, user_id, status, currency, amount, account_ids)
      VALUES (1, ${at}, gen_random_uuid(), 'late', 'SUCCESS', 'EUR', 7, '{900001,900002}')`.execute(poster);
    await sql`
      INSERT INTO ledger.entries (ledger_id, account_id, created_at, version, transaction_id, amount, balance_after)
      VALUES (1, 900001, ${at}, 1, gen_random_uuid(), -7, -7), (1, 900002, ${at}, 1, gen_random_uuid(), 7, 7)`.execute(
      poster,
    );
    await sql`INSERT INTO quartermaster.summary_marks (ledger_id, day) VALUES (1, '2026-07-20')`.execute(
      poster,
    );
    await poster.commit().execute();
    await run;
    const { rows } = await sql`
      SELECT (SELECT count(*)::int FROM ledger.daily_transaction_summary WHERE day = '2026-07-20' AND user_id = 'late') AS users,
             (SELECT count(*)::int FROM ledger.daily_balances
              WHERE snapshot_date = '2026-07-20' AND account_id > 900000) AS balances`.execute(db);
    expect(rows).toEqual([{ users: 0, balances: 0 }]);
    expect(await marked()).toEqual(['2026-07-20']);
    await refresh();
    expect(await differing(db, 'UTC')).toEqual([]);
  });

  it('that is told to stop ends at once, in the midst of a statement, and has changed nothing', async () => {
    await bookOn(['2026-01-08', '2026-07-08']);
    const stop = new AbortController();
    const blocker = await blocking();
    const run = refresh({ database: books.open('stopped'), signal: stop.signal });
    await expect.poll(async () => (await books.sessions('stopped')).waiting, { timeout: 20_000 }).toBe(2);
    stop.abort();
    await expect(run).rejects.toMatchObject({ kind: 'aborted' });
    await blocker.rollback().execute();
    expect(await marked()).toEqual(['2026-01-08', '2026-07-08']);
    expect(await differing(books.database.write, 'UTC')).toEqual([]);
    await refresh();
    expect(await differing(books.database.write, 'UTC')).toEqual([]);
  });

  it('that loses one of its sessions fails, and the other stops cleanly', async () => {
    await bookOn(['2026-01-09', '2026-07-09']);
    const blocker = await blocking();
    const run = refresh({ database: books.open('lost') }).catch((error: unknown) => error);
    await expect.poll(async () => (await books.sessions('lost')).waiting, { timeout: 20_000 }).toBe(2);
    await sql`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'lost' AND wait_event_type = 'Lock' LIMIT 1`.execute(
      books.database.write,
    );
    expect(await run).toMatchObject({ kind: 'unavailable' });
    await blocker.rollback().execute();
    expect(await marked()).toEqual(['2026-01-09', '2026-07-09']);
    await refresh();
    expect(await differing(books.database.write, 'UTC')).toEqual([]);
  });

  it('keeps one day that cannot be summed up from no other, and says which failure it was', async () => {
    const most = 9_000_000_000_000_000_000n;
    const days = ['2026-02-01', '2026-02-02', '2026-02-03', '2026-02-04', '2026-02-05'];
    await bookOn(days);
    await bookOn(['2026-02-03', '2026-02-03'], { amount: most, status: 'FAILED' });
    await expect(refresh()).rejects.toMatchObject({
      kind: 'invalid',
      code: 'invalid_value',
      detail: expect.stringMatching(/^2026-02-03 of ledger 1 cannot be summed up: /),
    });
    expect(await marked()).toEqual(['2026-02-03']);
    const { rows } = await sql<{ day: string }>`
      SELECT DISTINCT day FROM ledger.daily_transaction_summary WHERE day BETWEEN '2026-02-01' AND '2026-02-05' ORDER BY 1`.execute(
      books.database.write,
    );
    expect(rows.map(({ day }) => day)).toEqual(
      expect.arrayContaining(['2026-02-01', '2026-02-02', '2026-02-04', '2026-02-05']),
    );
  });
});
