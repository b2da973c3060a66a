import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { migrateDown, migrateUp } from '../../src/db/migrate.ts';
import { migrationDirectory } from '../../src/db/migration-files.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

const settings = { timezone: 'Europe/Paris', ledgerSet: 'ledger' };

/** A transaction that has a lock on a table and does not end. */
async function holdTable(table: string, mode: string): Promise<{ release: () => void; held: Promise<void> }> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const reading = Promise.withResolvers<void>();
  const held = database.write.transaction().execute(async (trx) => {
    await sql.raw(`LOCK TABLE ${table} IN ${mode} MODE`).execute(trx);
    reading.resolve();
    await promise;
  });
  await reading.promise;
  return { release: resolve, held };
}

let test: TestDatabase;
let database: Database;
let directory: string;

beforeEach(async () => {
  test = await createDatabase({ migrated: false });
  database = openDatabase({ databaseUrl: test.url, poolMax: 4 });
  directory = await mkdtemp(join(tmpdir(), 'quartermaster-migrations-'));
});

afterEach(async () => {
  await database.close();
  await test.drop();
  await rm(directory, { recursive: true });
});

describe('migrations', () => {
  it('wait for a lock only for a moment at a time, so that writers pass', async () => {
    await migrateUp(database.direct, settings);
    const { release, held } = await holdTable('ledger.ledgers', 'ACCESS SHARE');
    await cp(migrationDirectory(), directory, { recursive: true });
    await writeFile(
      join(directory, '9999_column.up.sql'),
      'ALTER TABLE ledger.ledgers ADD COLUMN note text;',
    );
    const migrating = migrateUp(database.direct, settings, { directory });
    // A try is given up while the lock is still held: a waiter that was there is gone.
    const waiting = async () => {
      const { rows } = await sql<{ n: number }>`
            SELECT count(*)::int AS n FROM pg_locks
            WHERE NOT granted AND relation = 'ledger.ledgers'::regclass`.execute(database.write);
      return rows[0]?.n ?? 0;
    };
    await expect.poll(waiting, { timeout: 10_000, interval: 20 }).toBe(1);
    await expect.poll(waiting, { timeout: 10_000, interval: 20 }).toBe(0);
    release();
    await held;
    expect(await migrating).toEqual({ ran: ['9999_column'] });
  });

  it('that nobody waits behind outlast the second in which PostgreSQL ends an autovacuum for them', async () => {
    await migrateUp(database.direct, settings);
    while ((await migrateDown(database.direct)).ran[0] !== '0020_statistics');
    await sql`
      CREATE TABLE ledger.transactions_2026q1 PARTITION OF ledger.transactions
      FOR VALUES FROM ('2025-12-31 23:00Z') TO ('2026-03-31 22:00Z')`.execute(database.direct);
    // The lock of a vacuum, by a session that PostgreSQL does not end.
    const { release, held } = await holdTable('ledger.transactions_2026q1', 'SHARE UPDATE EXCLUSIVE');
    const migrating = migrateUp(database.direct, settings);
    const waited = async () => {
      const { rows } = await sql<{ seconds: number }>`
        SELECT coalesce(extract(epoch FROM clock_timestamp() - max(waitstart)), 0)::float8 AS seconds FROM pg_locks
        WHERE NOT granted AND relation = 'ledger.transactions_2026q1'::regclass`.execute(database.write);
      return rows[0]?.seconds ?? 0;
    };
    try {
      await expect.poll(waited, { timeout: 10_000, interval: 50 }).toBeGreaterThan(1.5);
    } finally {
      release();
      await held;
    }
    expect((await migrating).ran).toContain('0020_statistics');
  });
});
