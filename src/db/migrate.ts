import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { type Migration, type MigrationResult, Migrator, NO_MIGRATIONS } from 'kysely/migration';
import { AppError } from '../core/errors.ts';
import { packageRoot } from './root.ts';
import type { Db } from './schema.ts';
import { toAppError } from './sqlstate.ts';

export interface MigrationReport {
  /** Names of the migrations this call ran, in order. */
  readonly ran: readonly string[];
}

export interface MigrationStatus {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
}

/** Facts fixed at the first migration. */
export interface Settings {
  readonly timezone: string;
  readonly ledgerSet: string;
}

const directoryOf = (root: string) => join(root, 'sql', 'migrations');

/**
 * Brings the schema up to date and fixes the settings if they are not fixed yet. Kysely's migrator runs everything
 * in one transaction under an advisory lock: of two pods one migrates and both succeed, and a migration that fails
 * leaves nothing behind.
 *
 * @param db a direct connection
 */
export async function migrateUp(
  db: Db,
  settings: Settings,
  directory = directoryOf(packageRoot()),
): Promise<MigrationReport> {
  const report = reportOf(await migratorFor(db, directory).migrateToLatest());
  await sql`
    INSERT INTO quartermaster.settings (name, value)
    VALUES ('timezone', ${settings.timezone}), ('ledger_set', ${settings.ledgerSet})
    ON CONFLICT (name) DO NOTHING`.execute(db);
  await readSettings(db, settings);
  return report;
}

/** Takes back the last migration, or all of them. What its tables held is lost. */
export async function migrateDown(
  db: Db,
  options: { all?: boolean } = {},
  directory = directoryOf(packageRoot()),
): Promise<MigrationReport> {
  const migrator = migratorFor(db, directory);
  return reportOf(options.all ? await migrator.migrateTo(NO_MIGRATIONS) : await migrator.migrateDown());
}

export async function migrationStatus(
  db: Db,
  directory = directoryOf(packageRoot()),
): Promise<MigrationStatus> {
  const migrations = await migratorFor(db, directory).getMigrations();
  return {
    applied: migrations.filter((migration) => migration.executedAt).map((migration) => migration.name),
    pending: migrations.filter((migration) => !migration.executedAt).map((migration) => migration.name),
  };
}

/**
 * The fixed settings, compared with the configured ones: a zone that changed after the fact would shift every
 * quarter, so it is refused at the start.
 *
 * @throws AppError config/not_migrated, config/setting_changed
 */
export async function readSettings(db: Db, configured: Settings): Promise<Settings> {
  const rows = await db
    .selectFrom('quartermaster.settings')
    .select(['name', 'value'])
    .execute()
    .catch((error: unknown) => {
      throw toAppError(error);
    });
  const stored = new Map(rows.map((row) => [row.name, row.value]));
  const fixed = { timezone: stored.get('timezone'), ledgerSet: stored.get('ledger_set') };
  if (fixed.timezone === undefined || fixed.ledgerSet === undefined) {
    throw new AppError(
      'config',
      'not_migrated',
      'The database has no settings yet. Run `quartermaster migrate up`.',
    );
  }
  for (const [variable, name] of [
    ['QM_TIMEZONE', 'timezone'],
    ['QM_LEDGER_SET', 'ledgerSet'],
  ] as const) {
    if (fixed[name] !== configured[name]) {
      const detail = `${variable} is ${configured[name]}, but this database was made with ${fixed[name]}, and that cannot change: its quarters are cut by it. Set ${variable}=${fixed[name]}.`;
      throw new AppError('config', 'setting_changed', detail);
    }
  }
  return { timezone: fixed.timezone, ledgerSet: fixed.ledgerSet };
}

function migratorFor(db: Db, directory: string): Migrator {
  return new Migrator({
    db,
    provider: { getMigrations: () => readMigrations(directory) },
    migrationTableSchema: 'quartermaster',
    migrationTableName: 'migrations',
    migrationLockTableName: 'migrations_lock',
  });
}

async function readMigrations(directory: string): Promise<Record<string, Migration>> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.up.sql')).sort();
  const names = files.map((file) => file.slice(0, -'.up.sql'.length));
  return Object.fromEntries(names.map((name) => [name, migration(directory, name)]));
}

function migration(directory: string, name: string): Migration {
  // Without parameters the text goes as a simple query, which may hold many statements.
  const run = (way: 'up' | 'down') => async (db: Db) => {
    await sql.raw(await readFile(join(directory, `${name}.${way}.sql`), 'utf8')).execute(db);
  };
  return { up: run('up'), down: run('down') };
}

function reportOf(outcome: { error?: unknown; results?: MigrationResult[] }): MigrationReport {
  if (outcome.error !== undefined) {
    const failed = outcome.results?.find((result) => result.status === 'Error');
    if (failed === undefined) throw toAppError(outcome.error);
    const cause = toAppError(outcome.error);
    const detail = `Migration ${failed.migrationName} failed and everything was taken back. ${cause.detail}`;
    throw new AppError(cause.kind, 'migration_failed', detail, { cause: outcome.error });
  }
  return { ran: (outcome.results ?? []).map((result) => result.migrationName) };
}
