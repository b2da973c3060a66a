import { sql } from 'kysely';
import { expect } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import type { Db } from '../../src/db/schema.ts';

/** A table `big` whose key and index are nine tenths empty. */
export async function bloat(db: Db): Promise<void> {
  await sql
    .raw(`
    CREATE TABLE ledger.big (id integer PRIMARY KEY, note text);
    INSERT INTO ledger.big SELECT n, md5(n::text) FROM generate_series(1, 30000) AS n;
    CREATE INDEX big_note ON ledger.big (note);
    DELETE FROM ledger.big WHERE id % 10 > 0`)
    .execute(db);
  await sql.raw('VACUUM ANALYZE ledger.big').execute(db);
}

/** An index that is not valid, and what a REINDEX of it that died left. */
export async function breakOne(db: Db): Promise<void> {
  await sql.raw('CREATE TABLE ledger.same (a integer); INSERT INTO ledger.same VALUES (1), (1)').execute(db);
  for (const name of ['broken', 'broken_ccnew']) {
    const statement = `CREATE UNIQUE INDEX CONCURRENTLY ${name} ON ledger.same (a)`;
    await expect(sql.raw(statement).execute(db)).rejects.toThrow(/could not/);
  }
}

/** Makes a whole index one that is not valid, which only a superuser may. */
export async function invalidate(adminUrl: string, name: string): Promise<void> {
  const admin = openDatabase({ databaseUrl: adminUrl, poolMax: 1 });
  try {
    await sql`
      UPDATE pg_index SET indisvalid = false
      WHERE indexrelid = to_regclass(${`ledger.${name}`})`.execute(admin.direct);
  } finally {
    await admin.close();
  }
}
