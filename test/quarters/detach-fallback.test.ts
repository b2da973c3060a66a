import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { detachQuarter, previewDetach } from '../../src/quarters/detach.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openHouse, pretendArchived, run, standing } from './support.ts';
import { bookPayments, createLedger } from './support-ledger.ts';

let home: TestDatabase;
let house: QuarterHouse;
let admin: Database;
let ledger: number;
const quarter = '2025q1';
const stand = async () =>
  (await standing(house.database.direct)).find((line) => line.startsWith(quarter))?.slice(quarter.length + 1);
const detached = 'detached: standalone fenced, standalone fenced';

beforeEach(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { premake: 1, now: '2025-11-11T00:00:00Z' });
  admin = openDatabase({ databaseUrl: home.adminUrl, poolMax: 1 });
  await ensureQuarters(house, run, new Date('2025-01-01T00:00:00Z'), new Date('2025-11-11T00:00:00Z'));
  ledger = await createLedger(house.database.write, 'a', 3);
  await bookPayments(house.database.write, ledger, {
    start: new Date('2025-01-01T00:00:00Z'),
    end: new Date('2025-04-01T00:00:00Z'),
    transactions: 10,
  });
  await closeQuarter(house, run, quarter);
  await pretendArchived(house.database.write, quarter);
});

afterEach(async () => {
  await admin?.close();
  await house?.database.close();
  await home?.drop();
});

/** As a server that does not know DETACH … CONCURRENTLY: it says so with the same SQLSTATE. */
async function refuseConcurrently(): Promise<void> {
  await sql
    .raw(
      `CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF current_query() LIKE '%CONCURRENTLY%' THEN
           RAISE EXCEPTION 'DETACH CONCURRENTLY is not supported' USING ERRCODE = '0A000';
         END IF;
       END $$;
       CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION public.refuse()`,
    )
    .execute(admin.direct);
}

describe('a detach on a server that refuses CONCURRENTLY', () => {
  beforeEach(refuseConcurrently);

  it('goes without, in a moment', async () => {
    expect((await previewDetach(house, run, quarter)).steps).toHaveLength(3);
    expect(await detachQuarter(house, run, quarter)).toMatchObject({ detached: ['transactions', 'entries'] });
    expect(await stand()).toBe(detached);
  });

  it('gives way to those who come after a long reader, tells who that is, and goes on when it is gone', async () => {
    const reader = await house.database.read.startTransaction().execute();
    onTestFinished(async () => {
      if (!reader.isCommitted) await reader.rollback().execute();
    });
    const { rows } = await sql<{ pid: number }>`
      SELECT pg_backend_pid() AS pid FROM (SELECT count(*) FROM ledger.transactions) AS read`.execute(reader);
    const blocked = Promise.withResolvers<{ tables: readonly string[]; pids: number[] }>();
    const attempts: number[] = [];
    const onBlocked: NonNullable<typeof run.onBlocked> = (tables, blockers, attempt) => {
      attempts.push(attempt);
      if (attempt >= 2) blocked.resolve({ tables, pids: blockers.map(({ pid }) => pid) });
    };
    const detach = detachQuarter(house, { ...run, onBlocked }, quarter);
    detach.catch(blocked.reject);
    expect(await blocked.promise).toEqual({
      tables: ['ledger.transactions', 'ledger.transactions_2025q1'],
      // An autovacuum may be at the table as well.
      pids: expect.arrayContaining([rows[0]?.pid]),
    });
    // A writer would wait for ever behind a lock that is waited for; ours is given up after a moment.
    await bookPayments(house.database.write, ledger, {
      start: new Date('2025-10-10T00:00:00Z'),
      end: new Date('2025-10-11T00:00:00Z'),
      transactions: 1,
    });
    expect(await stand()).toBe('archived: attached fenced, attached fenced');
    await reader.commit().execute();
    expect(await detach).toMatchObject({ detached: ['transactions', 'entries'] });
    expect(attempts.slice(0, 2)).toEqual([1, 2]);
  });
});

describe('a detach that was interrupted', () => {
  /** Leaves the detach of one table pending, as a session that dies while it waits does. */
  async function interrupt(table: string): Promise<void> {
    const reader = await house.database.read.startTransaction().execute();
    await sql.raw(`SELECT count(*) FROM ledger.${table}`).execute(reader);
    const waiting = sql
      .raw(`ALTER TABLE ledger.${table} DETACH PARTITION ledger.${table}_${quarter} CONCURRENTLY`)
      .execute(house.database.direct)
      .catch(() => {});
    const pending = () =>
      sql<{ pending: boolean }>`
        SELECT inhdetachpending AS pending FROM pg_inherits WHERE inhrelid = to_regclass(${`ledger.${table}_${quarter}`})`.execute(
        house.database.write,
      );
    await expect.poll(async () => (await pending()).rows[0]?.pending).toBe(true);
    await sql`
      SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
      WHERE datname = current_database() AND query LIKE '%DETACH PARTITION%' AND pid <> pg_backend_pid()`.execute(
      admin.direct,
    );
    await waiting;
    await reader.commit().execute();
  }

  it.each([
    [['transactions'], 'archived: detaching fenced, attached fenced'],
    [['entries'], 'archived: attached fenced, detaching fenced'],
    [['transactions', 'entries'], 'archived: detaching fenced, detaching fenced'],
  ])('in %s is ended by the next run, whatever died first', async (tables, left) => {
    for (const table of tables) await interrupt(table);
    expect(await stand()).toBe(left);
    const { steps } = await previewDetach(house, run, quarter);
    expect(steps.filter((step) => step.startsWith('end the interrupted detach'))).toHaveLength(tables.length);
    expect(await detachQuarter(house, run, quarter)).toMatchObject({ detached: ['transactions', 'entries'] });
    expect(await stand()).toBe(detached);
  });
});
