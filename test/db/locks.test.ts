import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import {
  createBlockerAges,
  lockHolders,
  withNamedLock,
  withQuarterLock,
  withShortLock,
} from '../../src/db/locks.ts';
import { withLongStatements } from '../../src/db/long-statement.ts';
import type { Db } from '../../src/db/schema.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let home: TestDatabase;
let database: Database;

beforeAll(async () => {
  home = await createDatabase();
  database = openDatabase({ databaseUrl: home.url, poolMax: 5, applicationName: 'locks-test' });
});

afterAll(async () => {
  await database?.close();
  await home?.drop();
});

const settings: readonly [string, string] = ['quartermaster', 'settings'];
const lockSettings = sql`LOCK TABLE quartermaster.settings IN ACCESS EXCLUSIVE MODE`;

/** Holds the table's lock in another session until `release` is called. */
async function holdSettings(): Promise<{ release(): Promise<void> }> {
  const held = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  const holding = database.write.transaction().execute(async (trx) => {
    await lockSettings.execute(trx);
    locked.resolve();
    await held.promise;
  });
  await locked.promise;
  return {
    async release() {
      held.resolve();
      await holding;
    },
  };
}

describe('createBlockerAges', () => {
  it('counts from the first look where PostgreSQL tells no age, and believes it where it does', async () => {
    const aged = createBlockerAges();
    const blocker = { pid: 1, application: '', state: '', transactionAge: 0 };
    const [first] = aged([blocker]);
    await sql`SELECT pg_sleep(0.02)`.execute(database.direct);
    const [second, known] = aged([blocker, { ...blocker, pid: 2, transactionAge: 77 }]);
    expect(second?.transactionAge).toBeGreaterThan(first?.transactionAge ?? Number.POSITIVE_INFINITY);
    expect(second?.transactionAge).toBeGreaterThan(0.015);
    expect(known?.transactionAge).toBe(77);
    const [next] = aged([{ ...blocker, transaction: '4/12' }]);
    expect(next?.transactionAge).toBeLessThan(0.015);
  });
});

describe('withShortLock', () => {
  it('gives up after so many tries and names who was in the way', async () => {
    const holder = await holdSettings();
    const seen: string[] = [];
    const failed = withShortLock(database.direct, (trx) => lockSettings.execute(trx), {
      relations: [settings],
      lockTimeoutMs: 10,
      attempts: 3,
      onBlocked: (relations, blockers, attempt) =>
        seen.push(
          `${attempt} ${relations} ${blockers.length} ${blockers[0]?.application} ${blockers[0]?.state}`,
        ),
    });
    await expect(failed).rejects.toMatchObject({
      kind: 'busy',
      code: 'lock_timeout',
      detail: expect.stringMatching(
        /^quartermaster\.settings stayed locked by pid \d+ \(locks-test, idle in trans/,
      ),
    });
    const blocked = 'quartermaster.settings 1 locks-test idle in transaction';
    expect(seen).toEqual([`1 ${blocked}`, `2 ${blocked}`]);
    const [one, again] = [
      await lockHolders(database.direct, [settings]),
      await lockHolders(database.direct, [settings]),
    ];
    expect(one[0]?.transaction).toMatch(/^\d+\/\d+$/);
    expect(again[0]?.transaction).toBe(one[0]?.transaction);
    await holder.release();
    expect(await lockHolders(database.direct, [settings])).toEqual([]);
  });

  it('has the lock as soon as it is free, and leaves no timeout behind', async () => {
    const holder = await holdSettings();
    await database.direct.connection().execute(async (session) => {
      await withShortLock(session, (trx) => lockSettings.execute(trx), {
        relations: [settings],
        lockTimeoutMs: 10,
        onBlocked: () => void holder.release(),
      });
      expect(await show(session, 'lock_timeout')).toBe('0');
    });
  });
});

describe('withQuarterLock', () => {
  it('lets one in, tells the other, and lets go afterwards and after a failure', async () => {
    const { direct } = database;
    await withQuarterLock(direct, '2026q1', async () => {
      await expect(withQuarterLock(direct, '2026q1', async () => 'in')).rejects.toMatchObject({
        kind: 'busy',
        code: 'quarter_busy',
      });
      expect(await withQuarterLock(direct, '2026q2', async () => 'in')).toBe('in');
    });
    const failing = withQuarterLock(direct, '2026q1', async () => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await withQuarterLock(direct, '2026q1', async () => 'in')).toBe('in');
  });

  it('is taken on the session it is given, so that a verb needs no second connection', async () => {
    const pids = await database.direct.connection().execute(async (session) => {
      const pidOf = async (db: Db) =>
        (await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(db)).rows[0];
      return [await pidOf(session), await withQuarterLock(session, '2026q1', pidOf), await pidOf(session)];
    });
    expect(new Set(pids.map((one) => one?.pid)).size).toBe(1);
  });

  it('is gone with the session that held it', async () => {
    const dying = withQuarterLock(database.direct, '2026q1', async (session) => {
      const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(session);
      const dead = sql`SELECT pg_sleep(60)`.execute(session);
      await Promise.allSettled([
        sql`SELECT pg_terminate_backend(${rows[0]?.pid}, 5000)`.execute(database.write),
        dead,
      ]);
      await dead;
    });
    await expect(dying).rejects.toThrow();
    expect(await withQuarterLock(database.direct, '2026q1', async () => 'in')).toBe('in');
  });
});

describe('withNamedLock', () => {
  it('lets one in at a time', async () => {
    await withNamedLock(database.direct, 'a', async () => {
      await expect(withNamedLock(database.direct, 'a', async () => 'in')).rejects.toMatchObject({
        code: 'already_running',
      });
      expect(await withNamedLock(database.direct, 'b', async () => 'in')).toBe('in');
    });
  });
});

describe('withLongStatements', () => {
  const relations = [settings];

  it('lifts the timeouts of the session, and puts them back', async () => {
    const url = new URL(home.url);
    url.searchParams.set('options', '-c statement_timeout=7s -c lock_timeout=8s');
    const hasty = openDatabase({ databaseUrl: url.href, poolMax: 1 });
    try {
      await hasty.direct.connection().execute(async (session) => {
        const timeouts = async () => [
          await show(session, 'statement_timeout'),
          await show(session, 'lock_timeout'),
        ];
        const during = await withLongStatements(session, { pool: database.write, relations }, timeouts);
        expect(during).toEqual(['0', '0']);
        expect(await timeouts()).toEqual(['7s', '8s']);
      });
    } finally {
      await hasty.close();
    }
  });

  it('tells who blocks a waiting statement, and cancels it when asked to stop', async () => {
    const holder = await holdSettings();
    const stop = new AbortController();
    await database.direct.connection().execute(async (session) => {
      const waiting = withLongStatements(
        session,
        {
          pool: database.write,
          relations,
          signal: stop.signal,
          pollMs: 20,
          onBlocked: (names, blockers) => {
            expect(names).toEqual(['quartermaster.settings']);
            expect(blockers).toMatchObject([{ application: 'locks-test', state: 'idle in transaction' }]);
            stop.abort();
          },
        },
        () => session.transaction().execute((trx) => lockSettings.execute(trx)),
      );
      await expect(waiting).rejects.toMatchObject({ kind: 'aborted' });
      // The session is as good as before: a late cancel would hit this statement.
      expect(await show(session, 'lock_timeout')).toBe('0');
    });
    await holder.release();
  });

  it('cancels at once', async () => {
    const stop = new AbortController();
    await database.direct.connection().execute(async (session) => {
      const options = { pool: database.write, relations, signal: stop.signal, pollMs: 600_000 };
      const sleeping = withLongStatements(session, options, () => sql`SELECT pg_sleep(600)`.execute(session));
      const isAsleep = async () => {
        const { rows } =
          await sql`SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = ${home.name}`.execute(
            database.write,
          );
        return rows.length > 0;
      };
      while (!(await isAsleep()));
      stop.abort();
      await expect(sleeping).rejects.toMatchObject({ kind: 'aborted' });
    });
  });

  it('cancels again when the first cancel came between two statements', async () => {
    const stop = new AbortController();
    await database.direct.connection().execute(async (session) => {
      const options = { pool: database.write, relations, signal: stop.signal, pollMs: 20 };
      const working = withLongStatements(session, options, async () => {
        stop.abort();
        // By the time these are answered the cancel has reached a session that was doing nothing.
        for (let n = 0; n < 5; n++) await sql`SELECT 1`.execute(database.write);
        await sql`SELECT pg_sleep(600)`.execute(session);
      });
      await expect(working).rejects.toMatchObject({ kind: 'aborted' });
    });
  });
});

async function show(db: Db, name: string): Promise<string | undefined> {
  const { rows } = await sql<{ value: string }>`SELECT current_setting(${name}) AS value`.execute(db);
  return rows[0]?.value;
}
