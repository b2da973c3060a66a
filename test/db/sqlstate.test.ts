import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { isConnectionLoss, isTransient, toAppError } from '../../src/db/sqlstate.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await createDatabase();
  database = openDatabase({ databaseUrl: test.url, poolMax: 4 });
});

afterAll(async () => {
  await database.close();
  await test.drop();
});

/** What PostgreSQL really throws for a statement. */
async function failureOf(statement: string): Promise<unknown> {
  return sql
    .raw(statement)
    .execute(database.direct)
    .then(
      () => expect.fail('it did not fail'),
      (error: unknown) => error,
    );
}

const insert = (createdAt: string) =>
  `INSERT INTO ledger.entries (ledger_id, account_id, created_at, version, transaction_id, amount, balance_after)
   VALUES (1, 1, '${createdAt}', 1, '00000000-0000-7000-8000-000000000000', 1, 1)`;

describe('toAppError', () => {
  it.each([
    ['a missing partition', insert('2024-02-01Z'), 'unavailable', 'no_partition'],
    ['a missing table', 'SELECT 1 FROM ledger.no_such_table', 'config', 'not_migrated'],
    ['a missing grant', 'DELETE FROM ledger.entries', 'config', 'insufficient_privilege'],
    ['a value out of range', 'SELECT 99999999999999999999::bigint', 'invalid', 'invalid_value'],
    [
      'a taken name',
      "INSERT INTO ledger.currencies (code, exponent) VALUES ('EUR', 2)",
      'conflict',
      'already_exists',
    ],
    ['a mistake of ours', 'SELEKT 1', 'internal', 'database_error'],
  ])('knows %s', async (_what, statement, kind, code) => {
    const error = await failureOf(statement as string);
    expect(toAppError(error)).toMatchObject({ kind, code, cause: error });
    expect(isTransient(error)).toBe(false);
  });

  it('tells a closed quarter from other constraints', async () => {
    await sql
      .raw(`
      CREATE TABLE ledger.entries_2024q1 PARTITION OF ledger.entries FOR VALUES FROM ('2024-01-01Z') TO ('2024-04-01Z');
      ALTER TABLE ledger.entries_2024q1 ADD CONSTRAINT quarter_closed CHECK (false) NOT VALID`)
      .execute(database.direct);
    const error = toAppError(await failureOf(insert('2024-02-01Z')));
    expect(error).toMatchObject({ kind: 'refused', code: 'quarter_closed', detail: /effective_at/ });
    const zero = insert('2024-02-01Z').replace('1, 1)', '0, 1)');
    expect(toAppError(await failureOf(zero)).code).not.toBe('no_partition');
  });

  it('calls a lock that was not had busy, and worth another try', async () => {
    await database.write.transaction().execute(async (holder) => {
      await sql`LOCK TABLE ledger.ledgers IN ACCESS EXCLUSIVE MODE`.execute(holder);
      const error = await failureOf(
        "DO $$ BEGIN SET LOCAL lock_timeout = '20ms'; LOCK TABLE ledger.ledgers IN ACCESS SHARE MODE; END $$",
      );
      expect(toAppError(error)).toMatchObject({ kind: 'busy', code: 'lock_timeout' });
      expect(isTransient(error)).toBe(true);
    });
  });

  it('knows a connection that was cut and a server that is not there', async () => {
    const cut = await failureOf('SELECT pg_terminate_backend(pg_backend_pid())');
    expect(toAppError(cut)).toMatchObject({ kind: 'unavailable', code: 'database_unavailable' });
    expect(isConnectionLoss(cut)).toBe(true);
    const nowhere = openDatabase({ databaseUrl: 'postgres://app:secret@127.0.0.1:1/nowhere' });
    const error = await sql`SELECT 1`.execute(nowhere.write).catch((failure: unknown) => failure);
    await nowhere.close();
    expect(toAppError(error)).toMatchObject({ kind: 'unavailable', code: 'database_unavailable' });
    expect(toAppError(error).message).not.toContain('secret');
  });

  it('takes what it does not know for a bug', () => {
    expect(toAppError(new TypeError('x is undefined'))).toMatchObject({ kind: 'internal', code: 'internal' });
    expect(isTransient(new TypeError('x is undefined'))).toBe(false);
  });
});

describe('the values of PostgreSQL', () => {
  it('keep money whole, days days and instants instants, whatever the zones', async () => {
    const before = process.env.TZ;
    // A zone that was off by seconds, which neither a whole-minute offset nor a float would survive.
    process.env.TZ = 'Africa/Monrovia';
    try {
      const instant = new Date('1970-02-03T04:05:06.789Z');
      const { rows } = await database.write.transaction().execute(async (trx) => {
        await sql`SET LOCAL TimeZone = 'Africa/Monrovia'`.execute(trx);
        return sql`SELECT 9223372036854775807::bigint AS money, '{-1,9007199254740993}'::bigint[] AS ids, '{}'::bigint[] AS none,
                          ${instant}::timestamptz AS instant, date '1970-01-01' AS day,
                          extract(epoch FROM ${instant}::timestamptz)::text AS epoch`.execute(trx);
      });
      expect(rows[0]).toEqual({
        money: 9223372036854775807n,
        ids: [-1n, 9007199254740993n],
        none: [],
        instant,
        day: '1970-01-01',
        epoch: '2865906.789000',
      });
    } finally {
      if (before === undefined) delete process.env.TZ;
      else process.env.TZ = before;
    }
  });
});
