import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Db } from '../../src/db/schema.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { detachQuarter } from '../../src/quarters/detach.ts';
import { reconcile } from '../../src/quarters/reconcile.ts';
import { refreshSummaries } from '../../src/summaries/refresh.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { eventsOf, openHouse, pretendArchived, run, standing } from './support.ts';
import { bookPayments, createLedger } from './support-ledger.ts';

let home: TestDatabase;
let house: QuarterHouse;
let ledger: number;
const at = (text: string) => new Date(text);
const stand = () => standing(house.database.direct);
const ddl = (text: string) => sql.raw(text).execute(house.database.direct);

/** Two archived quarters with rows, and open ones after them. */
beforeEach(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { premake: 1, now: '2025-11-11T00:00:00Z' });
  await ensureQuarters(house, run, at('2025-01-01T00:00:00Z'), at('2025-11-11T00:00:00Z'));
  ledger = await createLedger(house.database.write, 'a', 3);
  await bookPayments(house.database.write, ledger, {
    start: at('2025-01-01T00:00:00Z'),
    end: at('2025-07-01T00:00:00Z'),
    transactions: 20,
  });
  for (const quarter of ['2025q1', '2025q2']) {
    await closeQuarter(house, run, quarter);
    await pretendArchived(house.database.write, quarter);
  }
});

afterEach(async () => {
  await house?.database.close();
  await home?.drop();
});

const entries = sql<{ count: bigint }>`SELECT count(*) AS count FROM ledger.entries`;
const countEntries = async (db: Db) => (await entries.execute(db)).rows[0]?.count;

/** A transaction that has read the tables and stays open until it is let go. */
async function longReader(): Promise<{ pid: number; end(): Promise<void> }> {
  const ended = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<number>();
  const reading = house.database.read.transaction().execute(async (trx) => {
    await entries.execute(trx);
    await sql`SELECT count(*) FROM ledger.transactions`.execute(trx);
    const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(trx);
    begun.resolve(rows[0]?.pid ?? 0);
    await ended.promise;
    // What it had begun to read it can read to the end.
    return countEntries(trx);
  });
  reading.catch(begun.reject);
  return {
    pid: await begun.promise,
    async end() {
      ended.resolve();
      await reading;
    },
  };
}

/** A detach that has been seen to wait, and the process that runs it. */
async function waitingDetach(
  quarter: string,
  signal?: AbortSignal,
): Promise<{ detach: Promise<unknown>; pid: number; blockers: readonly number[] }> {
  const waiting = Promise.withResolvers<readonly number[]>();
  const onBlocked = (_: unknown, blockers: readonly { pid: number }[]) =>
    waiting.resolve(blockers.map((blocker) => blocker.pid));
  const detach = detachQuarter(house, { ...run, signal, onBlocked }, quarter);
  detach.catch(waiting.reject);
  const blockers = await waiting.promise;
  const { rows } = await sql<{ pid: number }>`
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'active' AND query LIKE '%DETACH PARTITION%'
      AND pid <> pg_backend_pid()`.execute(house.database.write);
  return { detach, pid: rows[0]?.pid ?? 0, blockers };
}

describe('detachQuarter', () => {
  it('takes the quarter out and keeps its tables, fenced', async () => {
    expect(await countEntries(house.database.read)).toBe(40n);
    expect(await detachQuarter(house, run, '2025q1')).toEqual({
      quarter: '2025q1',
      detached: ['transactions', 'entries'],
    });
    expect((await stand())[0]).toBe('2025q1 detached: standalone fenced, standalone fenced');
    expect(await countEntries(house.database.read)).toBe(20n);
    const { rows } = await sql`SELECT count(*) AS count FROM ledger.entries_2025q1`.execute(
      house.database.read,
    );
    expect(rows).toEqual([{ count: 20n }]);
    expect(await detachQuarter(house, run, '2025q1')).toEqual({ quarter: '2025q1', detached: [] });
    expect(await eventsOf(house.database.direct, '2025q1')).toEqual(['create', 'close', 'detach']);
    expect(await reconcile(house, run)).toMatchObject({ created: [], repaired: [], drift: [] });
  });

  it('asks for a proof first', async () => {
    const { write } = house.database;
    const refused = () => detachQuarter(house, run, '2025q1').catch((error: unknown) => error);
    const set = (changes: object) =>
      write.updateTable('quartermaster.quarters').set(changes).where('quarter', '=', '2025q1').execute();
    await set({ hold_reason: 'a lawsuit' });
    expect(await refused()).toMatchObject({
      kind: 'refused',
      code: 'quarter_held',
      detail: expect.stringContaining('a lawsuit'),
    });
    await set({ hold_reason: null, digest: 'another' });
    expect(await refused()).toMatchObject({ kind: 'corrupt', code: 'digest_differs' });
    await write.deleteFrom('quartermaster.archives').execute();
    expect(await refused()).toMatchObject({ kind: 'conflict', code: 'not_verified' });
    await set({ state: 'closed' });
    expect(await refused()).toMatchObject({ kind: 'conflict', code: 'quarter_state' });
    expect((await stand())[0]).toBe('2025q1 closed: attached fenced, attached fenced');
  });

  it('lets the days that are marked be summed up first, but goes on with what has begun to leave', async () => {
    const mark = (day: string) =>
      house.database.write
        .insertInto('quartermaster.summary_marks')
        .values({ ledger_id: ledger, day })
        .execute();
    await mark('2025-02-03');
    await expect(detachQuarter(house, run, '2025q1')).rejects.toMatchObject({
      kind: 'busy',
      code: 'summaries_outstanding',
    });
    expect((await stand())[0]).toBe('2025q1 archived: attached fenced, attached fenced');
    await refreshSummaries(house);
    await detachQuarter(house, run, '2025q1');
    // Of one whose entries have left no refresh can count anything.
    await mark('2025-05-03');
    await ddl('ALTER TABLE ledger.entries DETACH PARTITION ledger.entries_2025q2');
    expect(await detachQuarter(house, run, '2025q2')).toMatchObject({ detached: ['transactions'] });
  });

  it('waits for a long reader, says so, and keeps nobody else waiting', async () => {
    const reader = await longReader();
    const { detach, blockers } = await waitingDetach('2025q1');
    expect(blockers).toEqual([reader.pid]);
    // Whoever comes now gets through: a writer, a reader of everything, and a new quarter.
    await bookPayments(house.database.write, ledger, {
      start: at('2025-10-10T00:00:00Z'),
      end: at('2025-10-11T00:00:00Z'),
      transactions: 1,
    });
    expect(await countEntries(house.database.write)).toBe(42n);
    await ensureQuarters(house, run, at('2024-11-11T00:00:00Z'), at('2024-11-11T00:00:00Z'));
    await reader.end();
    expect(await detach).toMatchObject({ detached: ['transactions', 'entries'] });
    expect(await countEntries(house.database.read)).toBe(22n);
  });

  it('stops when asked to, and the next run goes on', async () => {
    const reader = await longReader();
    const stop = new AbortController();
    const { detach } = await waitingDetach('2025q1', stop.signal);
    stop.abort();
    await expect(detach).rejects.toMatchObject({ kind: 'aborted' });
    expect((await stand())[0]).toBe('2025q1 archived: detaching fenced, attached fenced');
    await reader.end();
    expect(await detachQuarter(house, run, '2025q1')).toMatchObject({
      detached: ['transactions', 'entries'],
    });
    expect((await stand())[0]).toBe('2025q1 detached: standalone fenced, standalone fenced');
  });

  describe('when its session was ended while it waited', () => {
    beforeEach(async () => {
      const reader = await longReader();
      const { detach, pid } = await waitingDetach('2025q1');
      await sql`SELECT pg_terminate_backend(${pid}, 5000)`.execute(house.database.write);
      await expect(detach).rejects.toMatchObject({ kind: 'unavailable' });
      await reader.end();
      expect((await stand())[0]).toBe('2025q1 archived: detaching fenced, attached fenced');
    });

    it('is ended by the next detach', async () => {
      await detachQuarter(house, run, '2025q1');
      expect((await stand())[0]).toBe('2025q1 detached: standalone fenced, standalone fenced');
    });

    it('is ended by the reconcile, and the detach goes on from there', async () => {
      const report = await reconcile(house, run);
      expect(report).toMatchObject({
        finalized: ['transactions_2025q1'],
        repaired: [],
        drift: [{ code: 'detach_unfinished', quarter: '2025q1' }],
      });
      await detachQuarter(house, run, '2025q1');
      expect((await stand())[0]).toBe('2025q1 detached: standalone fenced, standalone fenced');
      expect(await reconcile(house, run)).toMatchObject({ finalized: [], drift: [] });
    });

    it('is ended by the detach of another quarter', async () => {
      await detachQuarter(house, run, '2025q2');
      expect((await stand()).slice(0, 2)).toEqual([
        '2025q1 archived: standalone fenced, attached fenced',
        '2025q2 detached: standalone fenced, standalone fenced',
      ]);
    });
  });

  it('leaves a detach that is going on to whoever runs it', async () => {
    const reader = await longReader();
    const { detach } = await waitingDetach('2025q1');
    await expect(detachQuarter(house, run, '2025q1')).rejects.toMatchObject({
      kind: 'busy',
      code: 'quarter_busy',
    });
    await expect(detachQuarter(house, run, '2025q2')).rejects.toMatchObject({ kind: 'busy' });
    expect(await reconcile(house, run)).toMatchObject({ finalized: [], failed: [] });
    await reader.end();
    await detach;
  });

  it('goes without CONCURRENTLY where there is a DEFAULT partition', async () => {
    await ddl('CREATE TABLE ledger.entries_rest PARTITION OF ledger.entries DEFAULT');
    await detachQuarter(house, run, '2025q1');
    expect((await stand())[0]).toBe('2025q1 detached: standalone fenced, standalone fenced');
  });

  it('refuses to call a quarter detached whose table is gone', async () => {
    await ddl('DROP TABLE ledger.entries_2025q1');
    await expect(detachQuarter(house, run, '2025q1')).rejects.toMatchObject({ code: 'partition_missing' });
    expect((await stand())[0]).toBe('2025q1 archived: attached fenced, missing');
  });
});
