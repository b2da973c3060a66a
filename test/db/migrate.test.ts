import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { migrateDown, migrateUp } from '../../src/db/migrate.ts';
import { packageRoot } from '../../src/db/root.ts';
import type { Db } from '../../src/db/schema.ts';
import { migrationStatus, readSettings } from '../../src/db/schema-version.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

const settings = { timezone: 'Europe/Paris', ledgerSet: 'ledger' };
const migrations = join(packageRoot(), 'sql', 'migrations');

/** Everything a migration can leave behind, as one text: columns, constraints, indexes, grants, settings of tables. */
async function fingerprint(db: Db): Promise<string> {
  const { rows } = await sql<{ line: string }>`
    WITH relations AS (
      SELECT c.oid AS relation, n.nspname || '.' || c.relname AS name, c.relkind, c.relacl, c.reloptions, pg_get_partkeydef(c.oid) AS key
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
      WHERE n.nspname IN ('ledger', 'quartermaster', 'reports') AND c.relname NOT LIKE 'migrations%')
    SELECT concat_ws(' ', name, relkind, relacl::text, reloptions::text, key) AS line FROM relations
    UNION ALL
    SELECT concat_ws(' ', name, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
                     pg_get_expr(d.adbin, d.adrelid))
    FROM relations JOIN pg_attribute AS a ON a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef AS d ON d.adrelid = relation AND d.adnum = a.attnum
    UNION ALL
    SELECT concat_ws(' ', name, k.conname, pg_get_constraintdef(k.oid))
    FROM relations JOIN pg_constraint AS k ON k.conrelid = relation
    UNION ALL
    SELECT pg_get_indexdef(relation) FROM relations WHERE relkind IN ('i', 'I')
    UNION ALL
    SELECT concat_ws(' ', p.oid::regprocedure, pg_get_function_result(p.oid), p.prosecdef, p.proconfig::text, p.proacl::text)
    FROM pg_proc AS p WHERE p.pronamespace::regnamespace::text IN ('ledger', 'quartermaster', 'reports')
    UNION ALL
    SELECT code || ' ' || exponent FROM ledger.currencies
    ORDER BY line`.execute(db);
  return rows.map((row) => row.line).join('\n');
}

/** A directory of all migrations and some more. */
async function withMigrations(
  more: Readonly<Record<string, string>>,
  action: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'quartermaster-migrations-'));
  try {
    await cp(migrations, directory, { recursive: true });
    for (const [file, text] of Object.entries(more)) {
      await writeFile(join(directory, file), text);
      await writeFile(join(directory, file.replace(/\.(up|build)\./, '.down.')), '');
    }
    await action(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

let test: TestDatabase;
let database: Database;

beforeEach(async () => {
  test = await createDatabase({ migrated: false });
  database = openDatabase({ databaseUrl: test.url, poolMax: 4 });
});

afterEach(async () => {
  await database.close();
  await test.drop();
});

describe('migrations', () => {
  it('run up, down and up again to the same schema', async () => {
    const { ran } = await migrateUp(database.direct, settings);
    expect(ran.length).toBeGreaterThan(5);
    const first = await fingerprint(database.direct);
    expect(first).toContain('ledger.transactions');

    await migrateDown(database.direct, { all: true });
    const { rows } = await sql`SELECT 1 FROM pg_namespace WHERE nspname = 'ledger'`.execute(database.direct);
    expect(rows).toHaveLength(0);

    await migrateUp(database.direct, settings);
    expect(await fingerprint(database.direct)).toBe(first);
  });

  it('go down one at a time, each taking back exactly what it made', async () => {
    const { ran } = await migrateUp(database.direct, settings);
    const complete = await fingerprint(database.direct);
    for (const name of [...ran].reverse().slice(0, -2)) {
      expect(await migrateDown(database.direct)).toEqual({ ran: [name] });
    }
    await migrateUp(database.direct, settings);
    expect(await fingerprint(database.direct)).toBe(complete);
  });

  it('are run once by two pods that start together, and both succeed', async () => {
    const other = openDatabase({ databaseUrl: test.url, poolMax: 4 });
    try {
      const reports = await Promise.all([
        migrateUp(database.direct, settings),
        migrateUp(other.direct, settings),
      ]);
      const ran = reports.flatMap((report) => report.ran);
      expect(new Set(ran).size).toBe(ran.length);
      expect((await migrationStatus(database.direct)).applied).toEqual([...ran].sort());
    } finally {
      await other.close();
    }
  });

  it('that fail take back the step they are part of, and what comes before stays', async () => {
    await withMigrations(
      {
        '9998_before.up.sql': 'CREATE TABLE ledger.before (id integer);',
        '9999_broken.up.sql': 'CREATE TABLE ledger.half (id integer); SELECT 1 / 0;',
      },
      async (directory) => {
        await expect(migrateUp(database.direct, settings, { directory })).rejects.toMatchObject({
          code: 'migration_failed',
          detail: /9999_broken.*division by zero/,
        });
        const { rows } = await sql`
          SELECT relname FROM pg_class WHERE relname IN ('before', 'half')`.execute(database.direct);
        expect(rows).toEqual([]);
        const { applied, pending } = await migrationStatus(database.direct, directory);
        // The step begins behind the last migration of indexes.
        expect(applied.at(-1)).toBe('0025_event_indexes');
        expect(pending.slice(-2)).toEqual(['9998_before', '9999_broken']);
      },
    );
  });

  it('of indexes are recorded when they are built, and gone on with where they failed', async () => {
    const index = `
      -- A comment; with a semicolon.
      CREATE INDEX transactions_amount_idx ON ledger.transactions (ledger_id, amount);
      CREATE UNIQUE INDEX settings_value_key ON quartermaster.settings (value);`;
    const files = { '9998_build.build.sql': index, '9999_after.up.sql': 'CREATE TABLE ledger.after ();' };
    await migrateUp(database.direct, settings);
    await sql`INSERT INTO quartermaster.settings (name, value) VALUES ('other', 'ledger')`.execute(
      database.direct,
    );
    await withMigrations(files, async (directory) => {
      await expect(migrateUp(database.direct, settings, { directory })).rejects.toMatchObject({
        kind: 'conflict',
        code: 'migration_failed',
        detail: /9998_build.*settings_value_key.*\(value\)=\(ledger\) is duplicated/,
      });
      expect((await migrationStatus(database.direct, directory)).pending).toEqual([
        '9998_build',
        '9999_after',
      ]);
      await sql`DELETE FROM quartermaster.settings WHERE name = 'other'`.execute(database.direct);
      expect(await migrateUp(database.direct, settings, { directory })).toEqual({
        ran: ['9998_build', '9999_after'],
      });
      const { rows } = await sql`
        SELECT c.relname AS name, i.indisvalid AS valid
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE c.relname IN ('transactions_amount_idx', 'settings_value_key')
        ORDER BY 1`.execute(database.direct);
      expect(rows).toEqual([
        { name: 'settings_value_key', valid: true },
        { name: 'transactions_amount_idx', valid: true },
      ]);
      expect(await migrateUp(database.direct, settings, { directory })).toEqual({ ran: [] });
    });
  });

  it('of a database that is ahead in its steps are never gone back', async () => {
    await migrateUp(database.direct, settings);
    const complete = await fingerprint(database.direct);
    expect(await migrateUp(database.direct, settings)).toEqual({ ran: [] });
    expect(await fingerprint(database.direct)).toBe(complete);
  });

  it('let others read the quarters until the last statement of 0020', async () => {
    await migrateUp(database.direct, settings);
    while (!(await migrateDown(database.direct)).ran.includes('0018_upkeep'));
    const text = (name: string) => readFile(join(migrations, `${name}.up.sql`), 'utf8');
    const [before, last, ...more] = (await text('0020_statistics')).split(/^(?=ALTER TABLE quartermaster)/m);
    expect(more).toEqual([]);
    expect(last?.trimEnd()).toMatch(/^ALTER TABLE quartermaster\.quarters [^;]*;$/);
    const trx = await database.direct.startTransaction().execute();
    try {
      /** Whom a reader of the quarters would have to wait for. */
      const closedTo = async () => {
        const { rows } = await sql<{ n: number }>`
          SELECT count(*)::int AS n FROM pg_locks
          WHERE relation = 'quartermaster.quarters'::regclass AND mode = 'AccessExclusiveLock'`.execute(trx);
        return rows[0]?.n;
      };
      for (const part of [await text('0018_upkeep'), await text('0019_reports'), before ?? '']) {
        await sql.raw(part).execute(trx);
        expect(await closedTo()).toBe(0);
      }
      await sql.raw(last ?? '').execute(trx);
      expect(await closedTo()).toBe(1);
    } finally {
      await trx.rollback().execute();
    }
  });

  it('taken back leave what somebody has built upon the reports, and name it', async () => {
    await migrateUp(database.direct, settings);
    await sql`CREATE SCHEMA finance`.execute(database.direct);
    await sql`CREATE VIEW finance.mine AS SELECT day, amount FROM reports.daily`.execute(database.direct);
    const back = async () => {
      while (!(await migrateDown(database.direct)).ran.includes('0019_reports'));
    };
    await expect(back()).rejects.toMatchObject({
      code: 'migration_failed',
      detail: /0019_reports.*view finance\.mine depends on view reports\.daily/,
    });
    expect((await sql`SELECT day FROM finance.mine`.execute(database.direct)).rows).toEqual([]);
    await sql`DROP VIEW finance.mine`.execute(database.direct);
    await back();
  });

  it('fix the zone for ever: a later change of the setting is refused', async () => {
    await migrateUp(database.direct, settings);
    const changed = { ...settings, timezone: 'Asia/Tokyo' };
    const refusal = {
      kind: 'config',
      code: 'setting_changed',
      detail: /QM_TIMEZONE is Asia\/Tokyo.*Europe\/Paris/,
    };
    await expect(readSettings(database.direct, changed)).rejects.toMatchObject(refusal);
    await expect(migrateUp(database.direct, changed)).rejects.toMatchObject(refusal);
    expect(await readSettings(database.direct, settings)).toEqual(settings);
  });

  it('leave booked rows beyond the reach of the role that owns them', async () => {
    await migrateUp(database.direct, settings);
    for (const statement of ['UPDATE ledger.entries SET amount = 1', 'DELETE FROM ledger.transactions']) {
      await expect(sql.raw(statement).execute(database.direct)).rejects.toMatchObject({ code: '42501' });
    }
  });

  it('are asked for by name when they are missing', async () => {
    const refusal = { kind: 'config', code: 'not_migrated', detail: /quartermaster migrate up/ };
    await expect(readSettings(database.direct, settings)).rejects.toMatchObject(refusal);
    const status = await migrationStatus(database.direct);
    expect(status.applied).toEqual([]);
    expect(status.pending.length).toBeGreaterThan(5);
  });
});
