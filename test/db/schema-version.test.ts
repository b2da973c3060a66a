import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { migrateDown, migrateUp } from '../../src/db/migrate.ts';
import { migrationDirectory, oldestCodeOf, readMigrationFiles } from '../../src/db/migration-files.ts';
import {
  asking,
  judgeSchema,
  knownMigrations,
  migrationStatus,
  requireCompatible,
  requireSchema,
} from '../../src/db/schema-version.ts';
import { createDatabase } from '../support/database.ts';

const settings = { timezone: 'UTC', ledgerSet: 'ledger' };

const nameOf = (number: number) => `${String(number).padStart(4, '0')}_change`;
const upTo = (last: number) => Array.from({ length: last }, (_, at) => nameOf(at + 1));

describe('a schema', () => {
  it('is served by every version that knows what it has, and of what is newer all that takes something away', () => {
    const versions = fc.record({
      code: fc.integer({ min: 1, max: 30 }),
      schema: fc.integer({ min: 0, max: 30 }),
      oldest: fc.option(fc.integer({ min: 1, max: 30 })),
    });
    fc.assert(
      fc.property(versions, ({ code, schema, oldest }) => {
        // A migration may say of others before it, and of itself.
        const said = oldest === null || oldest > schema ? null : oldest;
        const stored = said === null ? null : String(said).padStart(4, '0');
        const status = judgeSchema(upTo(code), upTo(schema), stored);
        expect(status.applied).toEqual(upTo(Math.min(code, schema)));
        expect(status.pending).toHaveLength(Math.max(0, code - schema));
        expect(status.unknown).toHaveLength(Math.max(0, schema - code));
        expect(status.compatible).toBe(schema >= code && (said === null || said <= code));
      }),
    );
  });

  it('that a version cannot work with is refused with both sides and what to do', () => {
    const older = judgeSchema(upTo(23), upTo(21), null);
    expect(() => requireCompatible(older)).toThrow(
      /at 0021_change and this version needs 0023_change: 2 migrations.*migrate up/,
    );
    const newer = judgeSchema(upTo(23), upTo(31), '0027');
    expect(() => requireCompatible(newer)).toThrow(
      /at 0031_change; this version knows it up to 0023_change, and .* has to know 0027 or later\. .*upgrading/,
    );
    const other = judgeSchema([...upTo(23), '0024_ours'], [...upTo(23), '0024_theirs'], null);
    expect(() => requireCompatible(other)).toThrow(/at 0024_theirs and lacks 0024_ours/);
    expect(() => requireCompatible(judgeSchema(upTo(23), upTo(31), '0023'))).not.toThrow();
  });
});

/** A database of this version, and the migrations of the next one: one that adds, one that takes away. */
async function openNext(): Promise<{ database: Database; next: string }> {
  const created = await createDatabase();
  const database = openDatabase({ databaseUrl: created.url, poolMax: 2 });
  const next = await mkdtemp(join(tmpdir(), 'quartermaster-migrations-'));
  onTestFinished(async () => {
    await database.close();
    await created.drop();
    await rm(next, { recursive: true });
  });
  await cp(migrationDirectory(), next, { recursive: true });
  await writeFile(join(next, '9001_add.up.sql'), 'CREATE TABLE quartermaster.added (id int);\n');
  await writeFile(join(next, '9001_add.down.sql'), 'DROP TABLE quartermaster.added;\n');
  return { database, next };
}

async function contract(next: string): Promise<void> {
  const text = '-- Oldest code: 9001\n-- Nobody reads it since 9001.\nDROP TABLE quartermaster.added;\n';
  await writeFile(join(next, '9002_contract.up.sql'), text);
  await writeFile(join(next, '9002_contract.down.sql'), 'CREATE TABLE quartermaster.added (id int);\n');
}

describe('a database that the next version has migrated', () => {
  it('is served by this version while the next one only added, and migrating it again changes nothing', async () => {
    const { database, next } = await openNext();
    const { direct } = database;
    expect(await migrateUp(direct, settings, { directory: next })).toEqual({ ran: ['9001_add'] });
    const look = async () => requireSchema(asking(direct), await knownMigrations(), settings);
    expect(await look()).toMatchObject({ unknown: ['9001_add'], oldestCode: null, compatible: true });
    expect(await migrateUp(direct, settings)).toEqual({ ran: [] });
    // It does not know how.
    await expect(migrateDown(direct)).rejects.toMatchObject({
      code: 'schema_newer',
      detail: expect.stringContaining('9001_add'),
    });
    expect(await migrateDown(direct, {}, next)).toEqual({ ran: ['9001_add'] });
    expect(await look()).toMatchObject({ unknown: [] });
  });

  it('is refused by it once something was taken away that it needs, until that is taken back', async () => {
    const { database, next } = await openNext();
    const { direct } = database;
    await contract(next);
    await migrateUp(direct, settings, { directory: next });
    expect((await migrationStatus(direct, next)).compatible).toBe(true);
    expect(await migrationStatus(direct)).toMatchObject({
      unknown: ['9001_add', '9002_contract'],
      oldestCode: '9001',
      compatible: false,
    });
    const look = async () => requireSchema(asking(direct), await knownMigrations(), settings);
    await expect(look()).rejects.toMatchObject({ kind: 'config', code: 'schema_newer' });
    await expect(migrateUp(direct, settings)).rejects.toMatchObject({ code: 'schema_newer' });
    await migrateDown(direct, {}, next);
    expect(await look()).toMatchObject({ oldestCode: null, compatible: true });
  });

  it('is never seen with a migration and without what that says of older versions', async () => {
    const { database, next } = await openNext();
    await contract(next);
    await writeFile(join(next, '9003_fail.up.sql'), 'SELECT 1 / 0;\n');
    await writeFile(join(next, '9003_fail.down.sql'), 'SELECT 1;\n');
    await expect(migrateUp(database.direct, settings, { directory: next })).rejects.toMatchObject({
      code: 'migration_failed',
    });
    expect(await migrationStatus(database.direct)).toMatchObject({ unknown: [], oldestCode: null });
  });
});

it('no migration asks for code that comes later than itself', async () => {
  for (const { name, file } of await readMigrationFiles(migrationDirectory())) {
    const text = await readFile(join(migrationDirectory(), file), 'utf8');
    expect(oldestCodeOf(text) ?? '').not.toSatisfy((oldest: string) => oldest > name.slice(0, 4));
    // Written otherwise it would be read by nobody.
    expect(/oldest code/i.test(text)).toBe(oldestCodeOf(text) !== undefined);
  }
});
