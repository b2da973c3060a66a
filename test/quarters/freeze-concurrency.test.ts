import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { withQuarterLock } from '../../src/db/locks.ts';
import type { Trx } from '../../src/db/schema.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { detachQuarter } from '../../src/quarters/detach.ts';
import { type FreezeReport, freezeQuarters } from '../../src/quarters/freeze.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { reopenQuarter } from '../../src/quarters/reopen.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { eventsOf, openHouse, pretendArchived, run } from './support.ts';
import { bookPayments, createLedger } from './support-ledger.ts';
import { runVerb, startVerb } from './support-process.ts';

let home: TestDatabase;
let house: QuarterHouse;
const at = (text: string) => new Date(text);
const options = { premake: 1, now: '2025-08-08T00:00:00Z' };
const frozenAt = async (quarter: string) => (await readQuarter(house.database.direct, quarter)).frozen_at;
const closeAnother = () => closeQuarter(house, run, '2025q2');

/** A closed quarter, and one that can be closed. Autovacuum leaves them to the test. */
beforeEach(async () => {
  home = await createDatabase();
  const admin = openDatabase({ databaseUrl: home.adminUrl, poolMax: 1 });
  await sql.raw(`ALTER DATABASE ${home.name} SET synchronous_commit = on`).execute(admin.direct);
  await admin.close();
  house = openHouse(home.url, options);
  await ensureQuarters(house, run, at('2025-01-01T00:00:00Z'), at('2025-08-08T00:00:00Z'));
  for (const table of ['transactions', 'entries']) {
    await sql
      .raw(`ALTER TABLE ledger.${table}_2025q1 SET (autovacuum_enabled = off)`)
      .execute(house.database.direct);
  }
  const ledger = await createLedger(house.database.write, 'a', 3);
  const [start, end] = [at('2025-01-01T00:00:00Z'), at('2025-07-01T00:00:00Z')];
  await bookPayments(house.database.write, ledger, { start, end, transactions: 2000 });
  await closeQuarter(house, run, '2025q1');
});

afterEach(async () => {
  await house?.database.close();
  await home?.drop();
});

/**
 * Runs a test while somebody is in the middle of reading a page of the quarter's transactions: a VACUUM that has to freeze
 * that page waits for it, as it may for hours of work. `end` lets it go on.
 */
async function whileReading(act: (end: () => Promise<void>) => Promise<void>): Promise<void> {
  const reader = await house.database.read.startTransaction().execute();
  let ended = false;
  const end = async () => {
    if (!ended) await reader.rollback().execute();
    ended = true;
  };
  try {
    await sql`DECLARE page CURSOR FOR SELECT id FROM ledger.transactions_2025q1`.execute(reader as Trx);
    await sql`FETCH 1 FROM page`.execute(reader as Trx);
    await act(end);
  } finally {
    await end();
  }
}

/** The backend of a VACUUM that is in the middle of its work, once there is one. */
async function vacuuming(): Promise<number> {
  const pids = async () => {
    const { rows } = await sql<{ pid: number }>`
      SELECT pid FROM pg_stat_activity
      WHERE datname = current_database() AND query LIKE 'VACUUM (FREEZE%' AND wait_event = 'BufferPin'`.execute(
      house.database.write,
    );
    return rows.map(({ pid }) => pid);
  };
  await expect.poll(pids, { timeout: 30_000 }).toHaveLength(1);
  return (await pids())[0] ?? 0;
}

async function finishes(): Promise<void> {
  const nothing: FreezeReport = { frozen: [], heldBack: [], gaveWay: [], failed: [] };
  expect(await freezeQuarters(house, run)).toEqual({ ...nothing, frozen: ['2025q1'] });
  expect(await frozenAt('2025q1')).toEqual(house.clock.now());
  expect((await eventsOf(house.database.direct, '2025q1')).filter((event) => event === 'freeze')).toEqual([
    'freeze',
  ]);
}

describe('while a quarter is being frozen', { timeout: 60_000 }, () => {
  it('nobody else freezes, and its lock and all other quarters are free', async () => {
    await whileReading(async (end) => {
      const freezing = freezeQuarters(house, run);
      await vacuuming();
      await expect(freezeQuarters(house, run)).rejects.toMatchObject({ code: 'already_running' });
      expect(await closeAnother()).toMatchObject({ quarter: '2025q2' });
      // An archive of hours holds the lock and reads the rows.
      const counted = await withQuarterLock(house.database.direct, '2025q1', async (session) => {
        await end();
        expect(await freezing).toMatchObject({ frozen: ['2025q1'], gaveWay: [] });
        return sql`SELECT count(*) FROM ledger.transactions_2025q1`.execute(session);
      });
      expect(counted.rows).toHaveLength(1);
    });
  });

  it('it gives way to a detach of it, and the next run freezes what was taken out', async () => {
    await pretendArchived(house.database.write, '2025q1');
    await whileReading(async (end) => {
      const freezing = freezeQuarters(house, run);
      await vacuuming();
      const detaching = detachQuarter(house, run, '2025q1');
      const report = await freezing;
      expect(report).toMatchObject({
        frozen: [],
        gaveWay: [{ quarter: '2025q1', relation: 'ledger.transactions_2025q1', to: [expect.any(Number)] }],
        failed: [],
      });
      expect(await frozenAt('2025q1')).toBeNull();
      await end();
      expect(await detaching).toMatchObject({ detached: ['transactions', 'entries'] });
    });
    await finishes();
  });

  it('it gives way to a reopen, and the quarter is not taken for frozen', async () => {
    await whileReading(async (end) => {
      const freezing = freezeQuarters(house, run);
      await vacuuming();
      const reopening = reopenQuarter(house, { ...run, reason: 'late' }, '2025q1');
      expect((await freezing).gaveWay).toMatchObject([{ quarter: '2025q1' }]);
      await end();
      expect(await reopening).toMatchObject({ reopened: true });
    });
    expect(await freezeQuarters(house, run)).toMatchObject({ frozen: [], gaveWay: [] });
    expect(await frozenAt('2025q1')).toBeNull();
  });

  it('a reopen and a close between the vacuum and the note of it leave it to the next run', async () => {
    const step = async (name: string) => {
      if (name === 'freeze.after.entries') await reopenQuarter(house, { ...run, reason: 'late' }, '2025q1');
    };
    expect(await freezeQuarters(house, { ...run, step })).toMatchObject({ frozen: [], heldBack: [] });
    expect(await frozenAt('2025q1')).toBeNull();
    expect(await eventsOf(house.database.direct, '2025q1')).toEqual(['create', 'close', 'reopen']);
  });

  it('somebody who holds the table is named, and it is left for the next run', async () => {
    const holder = await house.database.read.startTransaction().execute();
    const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(holder);
    const blocked: number[] = [];
    try {
      // The lock of any maintenance; LOCK TABLE itself wants other rights before version 17.
      await sql`ALTER TABLE ledger.transactions_2025q1 ALTER COLUMN amount SET STATISTICS -1`.execute(holder);
      const report = await freezeQuarters(house, {
        ...run,
        onBlocked: (_relations, blockers) => blocked.push(...blockers.map(({ pid }) => pid)),
      });
      expect(report).toMatchObject({ frozen: [], gaveWay: [{ quarter: '2025q1', to: [rows[0]?.pid] }] });
    } finally {
      await holder.rollback().execute();
    }
    expect(blocked).toContain(rows[0]?.pid);
    await finishes();
  });
});

describe('a freeze that is ended in the middle', { timeout: 60_000 }, () => {
  it('by a signal leaves nothing running, and the next run goes on', async () => {
    await whileReading(async () => {
      const stop = new AbortController();
      const freezing = freezeQuarters(house, { ...run, signal: stop.signal });
      await vacuuming();
      stop.abort();
      await expect(freezing).rejects.toMatchObject({ kind: 'aborted' });
      const { rows } = await sql`
        SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'VACUUM%' AND state = 'active'
          AND pid <> pg_backend_pid()`.execute(house.database.write);
      expect(rows).toEqual([]);
    });
    await finishes();
  });

  it('by the death of its session is told, and the next run goes on', async () => {
    await whileReading(async () => {
      const freezing = freezeQuarters(house, run);
      const failed = expect(freezing).rejects.toMatchObject({ code: '57P01' });
      await sql`SELECT pg_terminate_backend(${await vacuuming()})`.execute(house.database.write);
      await failed;
    });
    await finishes();
  });

  it('by the death of its process is over within moments, and the next run goes on', async () => {
    await whileReading(async () => {
      const { child, done } = startVerb({ url: home.url, house: options, verb: 'freeze' });
      await vacuuming();
      child.kill('SIGKILL');
      await done;
      const active = async () => {
        const { rows } = await sql`
          SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'VACUUM (FREEZE%'`.execute(
          house.database.write,
        );
        return rows.length;
      };
      await expect.poll(active, { timeout: 30_000 }).toBe(0);
    });
    await finishes();
  });

  it.each(['freeze.before.transactions', 'freeze.after.transactions', 'freeze.after.entries'])(
    'at %s is done by the next run',
    async (dieAt) => {
      const died = await runVerb({ url: home.url, house: options, verb: 'freeze', dieAt });
      expect(died).toMatchObject({ signal: 'SIGKILL' });
      expect(await frozenAt('2025q1')).toBeNull();
      await expect
        .poll(() => freezeQuarters(house, run).catch(({ code }) => code), { timeout: 30_000 })
        .toMatchObject({ frozen: ['2025q1'] });
    },
  );

  it('when it was noted is not done again', async () => {
    const died = await runVerb({ url: home.url, house: options, verb: 'freeze', dieAt: 'freeze.recorded' });
    expect(died).toMatchObject({ signal: 'SIGKILL' });
    expect(await frozenAt('2025q1')).toEqual(house.clock.now());
    await expect
      .poll(() => freezeQuarters(house, run).catch(({ code }) => code), { timeout: 30_000 })
      .toMatchObject({ frozen: [] });
  });
});
