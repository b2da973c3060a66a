import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { expect } from 'vitest';
import { fixedClock } from '../../src/core/clock.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { load } from '../../src/ledger/load.ts';
import type { PostRequest } from '../../src/ledger/request.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { reopenQuarter } from '../../src/quarters/reopen.ts';
import { reconcileSummaries } from '../../src/summaries/reconcile.ts';
import { refreshSummaries } from '../../src/summaries/refresh.ts';
import { type Book, openBook } from '../ledger/fixture.ts';
import { houseOf } from '../ledger/load-fixture.ts';
import { houseOver, run } from '../quarters/support.ts';
import { seeded } from './plain.ts';

export type World = Awaited<ReturnType<typeof openWorld>>;

/**
 * A ledger over four quarters to which things happen at random, `step()` by step; the same seed has the same steps in the same order.
 * Rows of loads are of accounts of their own, for nothing is booked before an account's last entry.
 */
export async function openWorld(seed: number, zone: string) {
  const random = seeded(seed);
  const below = (n: number) => Math.floor(random() * n);
  const book = await openBook({ zone });
  const now = new Date();
  const house = houseOver(book.database, { zone, now: now.toISOString(), oldest: '2020-01-01T00:00:00Z' });
  const current = book.calendar.quarterOf(now);
  const first = [1, 2, 3].reduce(
    (quarter) => book.calendar.quarterOf(new Date(quarter.start.getTime() - 1)),
    current,
  );
  await ensureQuarters(house, run, first.start, current.end);
  const names = ['a', 'b', 'c', 'd', 'e', 'f'].flatMap((name) =>
    ['EUR', 'JPY'].map((currency) => ({
      address: `${name}:${name < 'c' ? 'BANK' : name < 'e' ? 'WALLET' : 'FEE'}`,
      currency,
      minBalance: null,
    })),
  );
  await book.open(...names);
  const victims = openDatabase({ databaseUrl: book.url, poolMax: 4, applicationName: 'victim' });
  const pending: string[] = [];
  const booked: string[] = [];
  const closed: string[] = [];
  const taken = new Set<string>();
  let loads = 0;

  const refresh = (database: Database = book.database) =>
    refreshSummaries({ database, calendar: book.calendar, parallel: 1 + below(3) });

  function request(): PostRequest {
    const currency = ['EUR', 'JPY'][below(2)] as string;
    const from = names[below(names.length)]?.address as string;
    const to =
      names.map(({ address }) => address).find((address) => address !== from && random() < 0.4) ?? 'f:FEE';
    const status = (['SUCCESS', 'SUCCESS', 'SUCCESS', 'FAILED', 'PENDING'] as const)[below(5)];
    const postings = [{ from, to: to === from ? 'a:BANK' : to, amount: BigInt(1 + below(1000)), currency }];
    return { postings, status, userId: `user-${below(4)}` };
  }

  async function post(requests: readonly PostRequest[]): Promise<void> {
    for (const result of await book.poster.post(book.ledger.id, requests)) {
      if (result.kind !== 'created') continue;
      const { id, status } = result.transaction;
      if (status === 'PENDING') pending.push(id);
      if (status === 'SUCCESS') booked.push(id);
    }
  }

  /** Rows of accounts of their own, on past days of quarters that are open. */
  async function loadPast(): Promise<void> {
    const from = closed.length === 0 ? first.start : book.calendar.quarter(closed.at(-1) as string).end;
    const span = now.getTime() - 86_400_000 - from.getTime();
    if (span <= 0) return;
    const id = `load-${++loads}`;
    const lines = Array.from({ length: 10 + below(40) }, () => from.getTime() + Math.floor(random() * span))
      .sort((a, b) => a - b)
      .map((at, n) =>
        JSON.stringify({
          created_at: new Date(at).toISOString(),
          debit_account: `${id}-bank:BANK`,
          credit_account: `${id}-${n % 3}:WALLET`,
          amount: String(1 + below(5000)),
          currency: 'EUR',
          user_id: `user-${below(4)}`,
          status: below(6) === 0 ? 'FAILED' : 'SUCCESS',
        }),
      );
    await load(
      { ...houseOf(book, { clock: fixedClock(now) }), ensureQuarters: async () => {} },
      {
        ledger: 'main',
        amounts: 'minor',
        format: 'ndjson',
        createAccounts: { allowNegative: ['BANK'] },
        source: { stream: Readable.from([Buffer.from(`${lines.join('\n')}\n`)]) },
        id,
      },
    );
  }

  /** Stops a run in the midst of what it writes, and ends it there. */
  async function killed(
    start: () => Promise<{ name: string; end(pid: number): Promise<void> }>,
  ): Promise<void> {
    await post(Array.from({ length: 5 }, request));
    const blocker = await book.database.direct.startTransaction().execute();
    await sql`LOCK TABLE ledger.daily_totals IN SHARE MODE`.execute(blocker);
    const victim = await start();
    const waiting = async () => {
      const { rows } = await sql<{ pid: number }>`
        SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = ${victim.name} AND wait_event_type = 'Lock'`.execute(
        book.db,
      );
      return rows[0]?.pid;
    };
    await expect.poll(waiting, { timeout: 20_000, interval: 10 }).toBeDefined();
    const before = await stored(book);
    await victim.end((await waiting()) as number);
    await blocker.rollback().execute();
    expect(await stored(book)).toEqual(before);
  }

  const steps: Record<string, () => Promise<unknown>> = {
    'post one': () => post([request()]),
    'post a batch': () => post(Array.from({ length: 3 + below(25) }, request)),
    'settle or void': async () => {
      const ids = pending.splice(0, 1 + below(3));
      await post(ids.map((id) => (below(2) === 0 ? { settle: id } : { void: id })));
    },
    reverse: async () => {
      const ids = booked.splice(below(Math.max(1, booked.length - 2)), 2);
      await post(ids.map((id) => ({ reverse: id })));
    },
    load: loadPast,
    refresh: () => refresh(),
    'two refreshes and postings': () =>
      Promise.all([
        refresh(),
        post(Array.from({ length: 20 }, request)),
        refresh(victims),
        post([request()]),
      ]),
    'terminate a refresh': () =>
      killed(async () => {
        const refreshed = refresh(victims).catch((error: unknown) => error);
        return {
          name: 'victim',
          end: async (pid) => {
            await sql`SELECT pg_terminate_backend(${pid}::int)`.execute(book.db);
            expect(await refreshed).toMatchObject({ kind: 'unavailable' });
          },
        };
      }),
    'kill a refresh': () =>
      killed(async () => {
        const script = fileURLToPath(new URL('./refresh-child.ts', import.meta.url));
        const child: ChildProcess = spawn(process.execPath, [script, book.url, zone], {
          stdio: ['ignore', 'ignore', 'inherit'],
        });
        return {
          name: 'refresh-child',
          end: async () => {
            child.kill('SIGKILL');
            await once(child, 'exit');
          },
        };
      }),
    reconcile: async () => {
      const report = await reconcileSummaries({ ...house, actor: 'test', days: 60, random });
      expect(report).toMatchObject({ differences: 0, failed: [] });
    },
    close: async () => {
      const next =
        closed.length === 0 ? first : book.calendar.next(book.calendar.quarter(closed.at(-1) as string));
      if (next.start >= current.start) return;
      await refresh();
      await closeQuarter(house, run, next.name);
      closed.push(next.name);
    },
    reopen: async () => {
      const last = closed.pop();
      if (last !== undefined) await reopenQuarter(house, { ...run, reason: 'a test' }, last);
    },
  };
  const weights: Record<string, number> = {
    'post one': 6,
    'post a batch': 5,
    'settle or void': 4,
    reverse: 4,
    load: 5,
    refresh: 5,
    'two refreshes and postings': 3,
    'terminate a refresh': 1,
    'kill a refresh': 1,
    reconcile: 2,
    close: 2,
    reopen: 1,
  };
  const urn = Object.entries(weights).flatMap(([name, weight]) => Array.from({ length: weight }, () => name));
  // The rare ones come at least once, in the places that chance has.
  const certain = ['load', 'close', 'reopen', 'terminate a refresh', 'kill a refresh', 'reconcile', 'close'];
  return {
    zone,
    book,
    taken,
    kinds: Object.keys(steps).sort(),
    refresh,
    marks: async () => {
      const { rows } = await sql<{ n: number }>`
        SELECT count(*)::int AS n FROM quartermaster.summary_marks`.execute(book.db);
      return rows[0]?.n;
    },
    /** Oldest first. */
    markedDays: async () => {
      const { rows } = await sql<{ day: string }>`
        SELECT DISTINCT day FROM quartermaster.summary_marks WHERE ledger_id = ${book.ledger.id} ORDER BY day`.execute(
        book.db,
      );
      return rows.map(({ day }) => day);
    },
    async step() {
      const name = (below(8) === 0 ? certain.shift() : undefined) ?? (urn[below(urn.length)] as string);
      await steps[name]?.();
      taken.add(name);
      return name;
    },
    close: async () => {
      await victims.close();
      await book.close();
    },
  };
}

/** All that is stored, as one text: to see that nothing of it changed. */
async function stored({ db }: Book): Promise<string> {
  const { rows } = await sql<{ all: string }>`
    SELECT concat((SELECT md5(string_agg(s::text, ',' ORDER BY s::text)) FROM ledger.daily_transaction_summary AS s),
                  (SELECT md5(string_agg(s::text, ',' ORDER BY s::text)) FROM ledger.daily_totals AS s),
                  (SELECT md5(string_agg(s::text, ',' ORDER BY s::text)) FROM ledger.daily_balances AS s),
                  (SELECT md5(string_agg(s::text, ',' ORDER BY s::text)) FROM ledger.daily_group_totals AS s)) AS all`.execute(
    db,
  );
  return rows[0]?.all ?? '';
}
