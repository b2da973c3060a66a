import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boundedRead } from '../../src/db/bounded-read.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import type { Db } from '../../src/db/schema.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let created: TestDatabase;
let database: Database;
beforeAll(async () => {
  created = await createDatabase({ migrated: false });
  database = openDatabase({ databaseUrl: created.url, poolMax: 1 });
});
afterAll(async () => {
  await database.close();
  await created.drop();
});

const sleep = (db: Db) => sql`SELECT pg_sleep(60)`.execute(db);
const limit = async (db: Db) => {
  const { rows } = await sql<{ limit: string }>`SELECT current_setting('statement_timeout') AS limit`.execute(
    db,
  );
  return rows[0]?.limit;
};
const tooSlow = { kind: 'busy', code: 'read_too_slow', detail: expect.stringContaining('0.05 seconds') };

describe('a bounded read', () => {
  it('that takes too long is ended, and is nobody else’s fault', async () => {
    const failure = await boundedRead(database.read, sleep, 50).catch((error: unknown) => error);
    expect(failure).toMatchObject(tooSlow);
    // A cause would make a router take the server for ill.
    expect((failure as Error).cause).toBeUndefined();
  });

  it('leaves nothing behind on its connection', async () => {
    const usual = await limit(database.read);
    expect(await boundedRead(database.read, limit, 1234)).toBe('1234ms');
    expect(await limit(database.read)).toBe(usual);
  });

  it('writes nothing', async () => {
    await expect(
      boundedRead(database.read, (db) => sql`CREATE TABLE written (n integer)`.execute(db)),
    ).rejects.toMatchObject({ code: '25006' });
  });

  it('is bounded within the transaction of its caller', async () => {
    await expect(
      database.read.transaction().execute((trx) => boundedRead(trx, sleep, 50)),
    ).rejects.toMatchObject(tooSlow);
  });

  it('is ended when nobody waits for it any more, and its connection is good for others', async () => {
    const two = openDatabase({ databaseUrl: created.url, poolMax: 2 });
    try {
      const gone = new AbortController();
      const reading = boundedRead(two.read, sleep, 60_000, gone.signal).catch((error: unknown) => error);
      await expect
        .poll(async () => {
          const { rows } = await sql`SELECT FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event = 'PgSleep'`.execute(database.read);
          return rows.length;
        })
        .toBe(1);
      gone.abort();
      expect(await reading).toMatchObject({ kind: 'aborted' });
      await Promise.all([1, 2].map(() => boundedRead(two.read, limit, 1234)));
      const late = boundedRead(two.read, sleep, 60_000, gone.signal);
      await expect(late).rejects.toMatchObject({ kind: 'aborted' });
    } finally {
      await two.close();
    }
  });

  it('throws what fails otherwise as it came', async () => {
    await expect(boundedRead(database.read, (db) => sql`SELECT 1 / 0`.execute(db))).rejects.toMatchObject({
      code: '22012',
    });
  });
});
