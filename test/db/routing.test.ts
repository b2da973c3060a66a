import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { runQuery } from '../../src/db/adhoc.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { TimeLimit } from '../../src/db/lease.ts';
import { shareNext } from '../../src/db/primary-position.ts';
import { failureOf } from '../../src/db/replica.ts';
import type { ReplicaReport } from '../../src/db/replica-monitor.ts';
import { createRouter, type Route } from '../../src/db/routing.ts';
import { toAppError } from '../../src/db/sqlstate.ts';
import { parsePosition } from '../../src/db/wal-position.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await createDatabase({ migrated: false });
  database = openDatabase({ databaseUrl: test.url, poolMax: 2 });
});

afterAll(async () => {
  await database?.close();
  await test?.drop();
});

describe('a failure', () => {
  const ofServer = (code: string, message = 'said so') =>
    Object.assign(new Error(message), { code, severity: 'ERROR' });

  it.each([
    '40001',
    '40P01',
    '57014',
    '57P01',
    '57P02',
    '57P03',
    '57P04',
    '08006',
    '53300',
    '53100',
    '58030',
    'XX001',
  ])('%s makes the replica suspect', (code) => {
    expect(failureOf(ofServer(code))?.isSerious).toBe(true);
    expect(failureOf(toAppError(ofServer(code)))?.isSerious).toBe(true);
  });

  it.each(['25006', '42P01', '42703', '42883', '3F000'])('%s may be none on the primary', (code) => {
    expect(failureOf(ofServer(code))?.isSerious).toBe(false);
  });

  it('of the connection, or to answer in time, makes the replica suspect', () => {
    for (const error of [
      new TimeLimit(1),
      Object.assign(new Error('reset'), { code: 'ECONNRESET' }),
      new Error('Connection terminated unexpectedly'),
    ]) {
      expect(failureOf(error)?.isSerious).toBe(true);
    }
  });

  it.each([
    ofServer('42601'),
    ofServer('22012'),
    ofServer('42501'),
    new TypeError('a bug'),
    new AppError('not_found', 'account_not_found', 'There is none.'),
    new AppError('unavailable', 'no_partition', 'There is none.', { cause: ofServer('23514') }),
    'a string',
    undefined,
  ])('of the read (%s) is its own', (error) => {
    expect(failureOf(error)).toBeUndefined();
  });
});

describe('a shared question', () => {
  it('is put after each call, and once for all that wait', async () => {
    let put = 0;
    const answers: ((value: number) => void)[] = [];
    const ask = shareNext(() => {
      put++;
      return new Promise<number>((resolve) => answers.push(resolve));
    });
    const first = ask();
    await delay(0);
    const others = [ask(), ask(), ask()];
    expect(put).toBe(1);
    answers[0]?.(1);
    expect(await first).toBe(1);
    await delay(0);
    expect(put).toBe(2);
    const last = ask();
    answers[1]?.(2);
    expect(await Promise.all(others)).toEqual([2, 2, 2]);
    await delay(0);
    answers[2]?.(3);
    expect(await last).toBe(3);
  });

  it('that fails does not spoil the next', async () => {
    let put = 0;
    const ask = shareNext(async () => {
      if (++put === 1) throw new Error('once');
      return put;
    });
    await expect(ask()).rejects.toThrow('once');
    expect(await ask()).toBe(2);
  });
});

describe('without a replica', () => {
  it('everything is read from the primary, and there are no positions', async () => {
    const routes: Route[] = [];
    const router = createRouter({ database, maxLagMs: 1000, onRoute: (route) => routes.push(route) });
    await router.start();
    for (const kind of ['list', 'point'] as const) {
      expect(await router.read(kind, { position: 'FFFFFFFF/0' }, async (db) => db === database.write)).toBe(
        true,
      );
    }
    expect(await router.position()).toBeUndefined();
    expect(routes.map(({ server }) => server)).toEqual(['primary', 'primary']);
    await router.stop();
  });

  it('who is gone before it begins is read nothing', async () => {
    const router = createRouter({ database, maxLagMs: 1000 });
    const read = router.read('list', { signal: AbortSignal.abort() }, async () => 'read');
    await expect(read).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('a report', () => {
  it('leaves nothing on the session it had', async () => {
    const router = createRouter({ database, maxLagMs: 1000 });
    const text = "SELECT set_config('search_path', 'nowhere', false), pg_advisory_lock(4711)";
    const left = async () => {
      const { rows } = await sql`
        SELECT current_setting('search_path') AS path,
               (SELECT count(*)::int FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
                WHERE l.locktype = 'advisory' AND d.datname = current_database()) AS locks`.execute(
        database.direct,
      );
      return rows[0];
    };
    const before = await left();
    const options = { maxRows: 1, timeoutMs: 5000, costLimit: 0 };
    await runQuery(router, { ...options, sql: text });
    expect(await left()).toEqual(before);
    const failing = `${text}, 1 / (n - 1) FROM generate_series(1, 1) AS n`;
    await expect(runQuery(router, { ...options, sql: failing })).rejects.toMatchObject({
      code: 'query_refused',
    });
    expect(await left()).toEqual(before);
    expect(before).toMatchObject({ locks: 0 });
  });
});

describe('a replica that never was there', () => {
  it('costs no read, no position and no start', async () => {
    const replicaUrl = 'postgres://app@127.0.0.1:1/none';
    const lonely = openDatabase({ databaseUrl: test.url, replicaUrl, poolMax: 2 });
    onTestFinished(() => lonely.close());
    const reports: ReplicaReport[] = [];
    const router = createRouter({ database: lonely, maxLagMs: 1000, onReplicaState: (r) => reports.push(r) });
    // Before the start too: nobody knows then how the replica is.
    expect(await router.read('list', {}, async (db) => db === lonely.write)).toBe(true);
    await router.start();
    onTestFinished(() => router.stop());
    expect(reports).toMatchObject([{ state: 'away', reason: 'failed', detail: /ECONNREFUSED/ }]);
    expect(await router.read('list', {}, async (db) => db === lonely.write)).toBe(true);
    expect(parsePosition((await router.position()) ?? '')).toBeTypeOf('bigint');
  });

  it('and no more does a primary that is away', async () => {
    const away = openDatabase({
      databaseUrl: 'postgres://app@127.0.0.1:1/none',
      replicaUrl: 'postgres://app@127.0.0.1:1/none',
    });
    onTestFinished(() => away.close());
    expect(await createRouter({ database: away, maxLagMs: 1000 }).position()).toBeUndefined();
  });
});
