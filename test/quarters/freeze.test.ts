import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { detachQuarter } from '../../src/quarters/detach.ts';
import { type FreezeReport, freezeQuarters } from '../../src/quarters/freeze.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { reopenQuarter } from '../../src/quarters/reopen.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { eventsOf, houseOver, openHouse, pretendArchived, run } from './support.ts';
import { bookPayments, createLedger } from './support-ledger.ts';

let home: TestDatabase;
let house: QuarterHouse;
let ledger: number;
const at = (text: string) => new Date(text);
const ddl = (text: string) => sql.raw(text).execute(house.database.direct);
const nothing: FreezeReport = { frozen: [], heldBack: [], gaveWay: [], failed: [] };

/** A closed quarter with some hundred pages, and an open one with rows. Autovacuum leaves both to the test. */
beforeEach(async () => {
  home = await createDatabase();
  // A page whose last commit may not be on the disk yet counts as one that somebody might not see.
  const admin = openDatabase({ databaseUrl: home.adminUrl, poolMax: 1 });
  await sql.raw(`ALTER DATABASE ${home.name} SET synchronous_commit = on`).execute(admin.direct);
  await admin.close();
  house = openHouse(home.url, { premake: 1, now: '2025-08-08T00:00:00Z' });
  await ensureQuarters(house, run, at('2025-01-01T00:00:00Z'), at('2025-08-08T00:00:00Z'));
  for (const quarter of ['2025q1', '2025q2']) {
    for (const table of ['transactions', 'entries']) {
      await ddl(`ALTER TABLE ledger.${table}_${quarter} SET (autovacuum_enabled = off)`);
    }
  }
  ledger = await createLedger(house.database.write, 'a', 3);
  await book('2025-01-01T00:00:00Z', '2025-04-01T00:00:00Z', 5000);
  await book('2025-04-01T00:00:00Z', '2025-07-01T00:00:00Z', 50);
  await closeQuarter(house, run, '2025q1');
});

afterEach(async () => {
  await house?.database.close();
  await home?.drop();
});

const book = (start: string, end: string, transactions: number) =>
  bookPayments(house.database.write, ledger, { start: at(start), end: at(end), transactions });
const frozenAt = async (quarter: string) => (await readQuarter(house.database.direct, quarter)).frozen_at;

/** Another test, on another database of the server, may have an old transaction that is seen in ours for a moment. */
async function freeze(): Promise<FreezeReport> {
  for (let tries = 1; ; tries++) {
    const report = await freezeQuarters(house, run);
    if (report.heldBack.length === 0 || tries === 5) return report;
  }
}

/** How old the oldest row of a table may be, in transactions, and the pages that a vacuum for wraparound would have to read. */
async function wraparound(table: string): Promise<{ age: number; pages: number; scanned: number }> {
  const { rows } = await sql<{ age: number; pages: number }>`
    SELECT age(relfrozenxid) AS age, relpages AS pages FROM pg_class WHERE oid = ${table}::regclass`.execute(
    house.database.direct,
  );
  const scanned = await house.database.withClient(async (client) => {
    const said: string[] = [];
    client.on('notice', ({ message }) => said.push(message ?? ''));
    // Like autovacuum's to prevent wraparound, it passes over nothing but what is frozen.
    await client.query('SET vacuum_freeze_table_age = 0');
    await client.query(`VACUUM (VERBOSE, TRUNCATE FALSE) ${table}`);
    await client.query('RESET vacuum_freeze_table_age');
    return Number(/pages: 0 removed, \d+ remain, (\d+) scanned/.exec(said.join('\n'))?.[1]);
  });
  return { age: rows[0]?.age ?? 0, pages: rows[0]?.pages ?? 0, scanned };
}

/** Uses up transaction ids, each with a transaction of its own. */
const pass = (transactions: number) =>
  ddl(`DO $$ BEGIN FOR n IN 1..${transactions} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$`);

describe('freezeQuarters', () => {
  it('freezes what takes no rows any more, once, and leaves what does', async () => {
    expect(await freezeQuarters(house, run)).toEqual({ ...nothing, frozen: ['2025q1'] });
    expect(await frozenAt('2025q1')).toEqual(house.clock.now());
    expect(await frozenAt('2025q2')).toBeNull();
    expect(await eventsOf(house.database.direct, '2025q1')).toEqual(['create', 'close', 'freeze']);
    const { rows } = await sql`
      SELECT relname AS name, pg_stat_get_vacuum_count(oid)::int AS vacuums, pg_stat_get_analyze_count(oid)::int AS analyzed,
             relallvisible = relpages AND relpages > 0
               AND coalesce((to_jsonb(c) ->> 'relallfrozen')::integer, relpages) = relpages AS frozen
      FROM pg_class AS c WHERE relname ~ '^(entries|transactions)_2025q[12]$' ORDER BY relname`.execute(
      house.database.direct,
    );
    const [once, never] = [{ vacuums: 1, analyzed: 1, frozen: true }, { vacuums: 0 }];
    expect(rows).toMatchObject([once, never, once, never]);
    expect(await freeze()).toEqual(nothing);
  });

  it('leaves a vacuum for wraparound nothing to read, and nothing old', async () => {
    await freeze();
    await pass(3000);
    for (const table of ['ledger.transactions_2025q1', 'ledger.entries_2025q1']) {
      const { age, pages, scanned } = await wraparound(table);
      expect(pages).toBeGreaterThan(80);
      expect(scanned).toBeLessThanOrEqual(1);
      // What came since counts, and what was before does not: that vacuum has made it young again.
      expect(age).toBeGreaterThanOrEqual(3000);
      expect(age).toBeLessThan(3500);
      expect((await wraparound(table)).age).toBeLessThan(100);
    }
  });

  it('where a vacuum for wraparound would have read every page before', async () => {
    const { pages, scanned } = await wraparound('ledger.transactions_2025q1');
    const { rows } = await sql<{ pages: number }>`
      SELECT relpages AS pages FROM pg_class WHERE relname = 'transactions_2025q1'`.execute(
      house.database.direct,
    );
    expect(pages).toBe(0);
    expect(scanned).toBe(rows[0]?.pages);
    expect(scanned).toBeGreaterThan(80);
  });

  it('freezes what is stored out of line too', async () => {
    await sql`
      INSERT INTO ledger.transactions (ledger_id, created_at, id, status, currency, amount, account_ids, metadata)
      SELECT ${ledger}, '2025-05-05', gen_random_uuid(), 'FAILED', 'EUR', n, '{}',
             (SELECT jsonb_agg(md5(n::text || m)) FROM generate_series(1, 300) AS m)
      FROM generate_series(1, 50) AS n`.execute(house.database.direct);
    await ddl(
      `ALTER TABLE ledger.transactions_2025q2 ADD CONSTRAINT quarter_closed CHECK (false) NOT VALID;
       ALTER TABLE ledger.entries_2025q2 ADD CONSTRAINT quarter_closed CHECK (false) NOT VALID;
       UPDATE quartermaster.quarters SET state = 'closed' WHERE quarter = '2025q2'`,
    );
    expect((await freeze()).frozen).toEqual(['2025q1', '2025q2']);
    const { rows } = await sql`
      SELECT t.relpages > 50 AS filled, t.relallvisible = t.relpages AS frozen
      FROM pg_class AS c JOIN pg_class AS t ON t.oid = c.reltoastrelid WHERE c.relname = 'transactions_2025q2'`.execute(
      house.database.direct,
    );
    expect(rows).toEqual([{ filled: true, frozen: true }]);
  });

  it('freezes again what was reopened and closed', async () => {
    await freeze();
    await reopenQuarter(house, { ...run, reason: 'late' }, '2025q1');
    expect(await frozenAt('2025q1')).toBeNull();
    expect(await freeze()).toEqual(nothing);
    await closeQuarter(house, run, '2025q1');
    expect(await freeze()).toEqual({ ...nothing, frozen: ['2025q1'] });
  });

  it('freezes again what is said to be frozen and is not, as after a move to another server', async () => {
    await freeze();
    await ddl('VACUUM (FULL, ANALYZE) ledger.entries_2025q1');
    expect(await freeze()).toEqual({ ...nothing, frozen: ['2025q1'] });
    expect(await freeze()).toEqual(nothing);
  });

  it('freezes the tables of a detached quarter, and leaves one alone that lacks its fence', async () => {
    await pretendArchived(house.database.write, '2025q1');
    await detachQuarter(house, run, '2025q1');
    await ddl('ALTER TABLE ledger.entries_2025q1 DROP CONSTRAINT quarter_closed');
    expect(await freeze()).toEqual(nothing);
    await ddl(`ALTER TABLE ledger.entries_2025q1 ADD CONSTRAINT quarter_closed CHECK (false) NOT VALID`);
    expect(await freeze()).toEqual({ ...nothing, frozen: ['2025q1'] });
  });

  it('says who has no right to it', async () => {
    const admin = openDatabase({ databaseUrl: home.adminUrl, poolMax: 1 });
    const role = `stranger_${home.name}`;
    const url = new URL(home.url);
    [url.username, url.password] = [role, 'secret'];
    let stranger: Database | undefined;
    try {
      await sql
        .raw(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'; GRANT USAGE ON SCHEMA ledger, quartermaster TO ${role};
              GRANT SELECT ON ALL TABLES IN SCHEMA quartermaster TO ${role}`)
        .execute(admin.write);
      stranger = openDatabase({ databaseUrl: url.href, poolMax: 3 });
      const report = await freezeQuarters(houseOver(stranger), run);
      expect(report).toMatchObject({
        frozen: [],
        failed: [{ what: '2025q1', code: 'insufficient_privilege' }],
      });
      expect(report.failed[0]?.detail).toContain('ledger.transactions_2025q1 was not vacuumed');
    } finally {
      await stranger?.close();
      await sql.raw(`DROP OWNED BY ${role}; DROP ROLE ${role}`).execute(admin.write);
      await admin.close();
    }
  });
});

describe('a snapshot from before the last rows', () => {
  it('holds the freeze back, is named, and once it is gone the next run does the rest', async () => {
    const { read } = house.database;
    const reader = await read.startTransaction().setIsolationLevel('repeatable read').execute();
    try {
      const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(reader);
      await book('2025-07-01T00:00:00Z', '2025-08-01T00:00:00Z', 300);
      await closeQuarter(house, run, '2025q2');
      await closeQuarter(houseOver(house.database, { now: '2025-11-11T00:00:00Z' }), run, '2025q3');
      const report = await freezeQuarters(house, run);
      expect(report).toMatchObject({ frozen: ['2025q1', '2025q2'], gaveWay: [], failed: [] });
      expect(report.heldBack.map(({ relation }) => relation)).toEqual([
        'ledger.transactions_2025q3',
        'ledger.entries_2025q3',
      ]);
      expect(report.heldBack[0]).toMatchObject({ quarter: '2025q3', pid: rows[0]?.pid });
      expect(report.heldBack[0]?.by).toMatch(
        /^pid \d+ \(test-house, idle in transaction\), whose transaction/,
      );
      expect(report.heldBack[0]?.pages).toBeGreaterThan(0);
      expect(await frozenAt('2025q3')).toBeNull();
    } finally {
      await reader.rollback().execute();
    }
    expect(await freeze()).toEqual({ ...nothing, frozen: ['2025q3'] });
  });
});
