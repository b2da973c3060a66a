import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { type Database, type DatabaseOptions, openDatabase } from '../../src/db/database.ts';
import { errorClass } from '../../src/db/error-class.ts';
import type { PoolLook, PoolName } from '../../src/db/pool-observer.ts';
import { OutcomeUnknown, transact } from '../../src/db/transact.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openStallingProxy } from '../support/stalling-proxy.ts';

let home: TestDatabase;
beforeAll(async () => {
  home = await createDatabase({ migrated: false });
});
afterAll(() => home.drop());

/** A database whose pools are watched, and what was told of them. */
function watched(options: Partial<DatabaseOptions> = {}) {
  const looks = new Map<PoolName, () => PoolLook>();
  const acquired: [PoolName, number][] = [];
  const failed: [PoolName, string][] = [];
  const database = openDatabase({
    databaseUrl: home.url,
    poolMax: 2,
    observer: {
      onPool: (pool, look) => looks.set(pool, look),
      onAcquire: (pool, seconds) => acquired.push([pool, seconds]),
      onError: (pool, error) => failed.push([pool, errorClass(error)]),
    },
    ...options,
  });
  onTestFinished(() => database.close());
  return { database, looks, acquired, failed };
}

const pidOf = async (db: Database['write']) => {
  const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(db);
  return rows[0]?.pid ?? 0;
};

describe('a pool that is watched', () => {
  it('tells of its connections, of who waits, and for how long', async () => {
    const { database, looks, acquired, failed } = watched();
    const look = () => looks.get('direct')?.();
    expect(look()).toEqual({ connections: 0, idle: 0, waiting: 0, limit: 2 });
    const held = Promise.withResolvers<void>();
    const taken = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const holders = taken.map(({ resolve }) =>
      database.withClient(async () => {
        resolve();
        await held.promise;
      }),
    );
    await Promise.all(taken.map(({ promise }) => promise));
    const waiter = sql`SELECT pg_sleep(0)`.execute(database.direct);
    await expect.poll(look).toEqual({ connections: 2, idle: 0, waiting: 1, limit: 2 });
    expect(acquired).toHaveLength(2);
    await sql`SELECT pg_sleep(0.05)`.execute(database.write);
    held.resolve();
    await Promise.all([...holders, waiter]);
    expect(look()).toEqual({ connections: 2, idle: 2, waiting: 0, limit: 2 });
    const directs = acquired.filter(([pool]) => pool === 'direct');
    expect(directs).toHaveLength(3);
    expect(directs[2]?.[1]).toBeGreaterThan(0.04);
    expect(failed).toEqual([]);
    expect([...looks.keys()]).toEqual(['write', 'direct']);
  });

  it('tells of a statement that failed once, whatever was sent behind it', async () => {
    const { database, failed } = watched();
    const failing = transact(database.write, {
      read: async () => undefined,
      write: async (trx, _found, send) => {
        send(sql`SELECT 1 / 0`.execute(trx));
        send(sql`SELECT 2`.execute(trx));
        send(sql`SELECT 3`.execute(trx));
      },
    });
    await expect(failing).rejects.toThrow('division by zero');
    expect(failed).toEqual([['write', 'other']]);
    const { direct } = database;
    await sql`CREATE TABLE public.one (n int PRIMARY KEY)`.execute(direct);
    await sql`INSERT INTO public.one (n) VALUES (1)`.execute(direct);
    for (const statement of [
      sql`INSERT INTO public.one (n) VALUES (1)`,
      sql`SELECT rolname, rolpassword FROM pg_catalog.pg_authid`,
    ])
      await expect(statement.execute(direct)).rejects.toThrow();
    const inTransaction = (setting: string, value: string, statement: string) =>
      direct.transaction().execute(async (trx) => {
        await sql`SELECT set_config(${setting}, ${value}, true)`.execute(trx);
        await sql.raw(statement).execute(trx);
      });
    await expect(inTransaction('statement_timeout', '20', 'SELECT pg_sleep(9)')).rejects.toThrow();
    await expect(
      inTransaction('transaction_read_only', 'on', 'INSERT INTO public.one (n) VALUES (2)'),
    ).rejects.toThrow();
    await expect(
      direct.transaction().execute(async (holder) => {
        await sql`LOCK TABLE public.one IN ACCESS EXCLUSIVE MODE`.execute(holder);
        await inTransaction('lock_timeout', '20', 'SELECT n FROM public.one');
      }),
    ).rejects.toThrow();
    expect(failed.slice(1)).toEqual(
      ['constraint', 'privilege', 'statement_timeout', 'read_only', 'lock_timeout'].map((name) => [
        'direct',
        name,
      ]),
    );
  });

  it('tells of a connection that was lost once, idle or at work', async () => {
    const { database, failed } = watched();
    const killer = openDatabase({ databaseUrl: home.url });
    onTestFinished(() => killer.close());
    await sql`SELECT pg_terminate_backend(${await pidOf(database.write)})`.execute(killer.write);
    await expect.poll(() => failed).toEqual([['write', 'connection']]);
    const begun = Promise.withResolvers<number>();
    const working = database.withClient(async (client) => {
      begun.resolve((await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid);
      await client.query('SELECT pg_sleep(30)');
    });
    await sql`SELECT pg_terminate_backend(${await begun.promise})`.execute(killer.write);
    await expect(working).rejects.toThrow();
    await sql`SELECT 1`.execute(database.direct);
    expect(failed.slice(1)).toEqual([['direct', 'connection']]);
  });

  it('tells of a connection that was cut without a word, idle or at work', async () => {
    const proxy = await openStallingProxy(home.url);
    const { database, failed } = watched({ databaseUrl: proxy.url });
    await sql`SELECT 1`.execute(database.write);
    const begun = Promise.withResolvers<void>();
    const working = database.withClient(async (client) => {
      const sleep = client.query('SELECT pg_sleep(30)');
      sleep.catch(() => {});
      begun.resolve();
      await sleep;
    });
    await begun.promise;
    await proxy.close();
    await expect(working).rejects.toThrow();
    await expect
      .poll(() => failed.toSorted())
      .toEqual([
        ['direct', 'connection'],
        ['write', 'connection'],
      ]);
  });

  it('tells of a connection that could not be made once', async () => {
    const nowhere = new URL(home.url);
    nowhere.port = '1';
    const away = watched({ databaseUrl: nowhere.href });
    await expect(sql`SELECT 1`.execute(away.database.write)).rejects.toThrow();
    expect(away.failed).toEqual([['write', 'connection']]);
    expect(away.acquired).toHaveLength(1);

    const admin = new pg.Client({ connectionString: home.adminUrl });
    await admin.connect();
    onTestFinished(() => admin.end());
    const role = `qm_pool_${home.name.slice(-12)}`;
    await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'x' CONNECTION LIMIT 0`);
    try {
      const full = new URL(home.url);
      [full.username, full.password] = [role, 'x'];
      const refused = watched({ databaseUrl: full.href });
      await expect(sql`SELECT 1`.execute(refused.database.write)).rejects.toThrow('too many connections');
      expect(refused.failed).toEqual([['write', 'too_many_connections']]);
    } finally {
      await admin.query(`DROP ROLE ${role}`);
    }
  });
});

describe('the class of a failure', () => {
  const server = (code: string) => Object.assign(new Error('x'), { code, severity: 'ERROR' });

  it('is that of what caused it', () => {
    expect(errorClass(new AppError('busy', 'serialization', '', { cause: server('40001') }))).toBe(
      'serialization',
    );
    expect(errorClass(new OutcomeUnknown(new Error('Connection terminated unexpectedly')))).toBe(
      'connection',
    );
    expect(errorClass(server('40P01'))).toBe('deadlock');
    expect(errorClass(server('28P01'))).toBe('privilege');
    expect(errorClass(server('57P01'))).toBe('connection');
    expect(errorClass(new Error('timeout exceeded when trying to connect'))).toBe('no_free_connection');
    for (const strange of [undefined, null, 7, 'x', {}, new Error('x'), server('XX000')])
      expect(errorClass(strange)).toBe('other');
  });
});
