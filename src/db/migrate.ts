import { sql } from 'kysely';
import { type Migration, type MigrationResult, Migrator, NO_MIGRATIONS } from 'kysely/migration';
import { stopwatch } from '../core/clock.ts';
import { AppError, isAppError } from '../core/errors.ts';
import { retry } from '../platform/retry.ts';
import { buildIndexFile, type FileBuildOptions, isBeingBuilt, readBuilders } from './index-file-build.ts';
import { createBlockerAges } from './locks.ts';
import { requireMigrationRights } from './migrate-rights.ts';
import {
  type MigrationFile,
  migrationDirectory,
  oldestCodeOf,
  readMigration,
  readMigrationFiles,
} from './migration-files.ts';
import type { Db } from './schema.ts';
import {
  migrationStatus,
  OLDEST_CODE,
  readSettings,
  requireCompatible,
  type Settings,
} from './schema-version.ts';
import { toAppError } from './sqlstate.ts';

export interface MigrationReport {
  /** Names of the migrations this call ran, in order. */
  readonly ran: readonly string[];
  /** What changed of the rights of the roles, where there are any. */
  readonly granted?: readonly string[];
}

/** How long one statement of a migration waits for a lock while writers wait behind it, and how often that is tried. */
const LOCK_TIMEOUT = '1s';
const LOCK_ATTEMPTS = 30;

export interface MigrateOptions extends Pick<FileBuildOptions, 'signal' | 'onBlocked' | 'onProgress'> {
  readonly directory?: string;
}

/**
 * Brings the schema up to date and fixes the settings if they are not fixed yet. Migrations run in order: those of statements
 * together in one transaction, up to the next one of indexes, which are built outside of any and gone on with where a
 * run was killed. Of two pods one migrates and both succeed; a migration that fails takes back its transaction.
 *
 * @param db direct connections, two at least
 */
export async function migrateUp(
  db: Db,
  settings: Settings,
  options: MigrateOptions = {},
): Promise<MigrationReport> {
  const directory = options.directory ?? migrationDirectory();
  await requireNotNewer(db, directory);
  await requireMigrationRights(db);
  const ran: string[] = [];
  for (const { last, build } of stepsOf(await readMigrationFiles(directory))) {
    if (!(await isPending(migratorFor(db, directory), last))) continue;
    if (build !== undefined) await buildMigration(db, directory, build, options);
    const report = await inOneTransaction(db, directory, options.signal, async (migrator) => {
      // Of two pods the other one may have gone further meanwhile, and to migrate to an earlier one would be to go back.
      return (await isPending(migrator, last)) ? migrator.migrateTo(last) : {};
    });
    ran.push(...report.ran);
  }
  await sql`
    INSERT INTO quartermaster.settings (name, value)
    VALUES ('timezone', ${settings.timezone}), ('ledger_set', ${settings.ledgerSet})
    ON CONFLICT (name) DO NOTHING`.execute(db);
  await readSettings(db, settings);
  return { ran };
}

/** Takes back the last migration, or all of them. What its tables held is lost. */
export async function migrateDown(
  db: Db,
  options: { all?: boolean } = {},
  directory = migrationDirectory(),
): Promise<MigrationReport> {
  const { unknown } = await migrationStatus(db, directory);
  if (unknown.length > 0) {
    const detail = `The last migration is ${unknown.at(-1)}, which this version does not know and cannot take back. Run \`quartermaster migrate down\` of the version that brought it.`;
    throw new AppError('config', 'schema_newer', detail);
  }
  return inOneTransaction(db, directory, undefined, (migrator) =>
    options.all ? migrator.migrateTo(NO_MIGRATIONS) : migrator.migrateDown(),
  );
}

/**
 * An older version leaves a newer schema as it is, where it can live with it: so going back to that version is to deploy it,
 * migration job and all.
 */
async function requireNotNewer(db: Db, directory: string): Promise<void> {
  const status = await migrationStatus(db, directory);
  if (status.unknown.length > 0) requireCompatible(status);
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

/** What is run in one go, up to its last migration; and what has to be built before. */
interface Step {
  readonly last: string;
  readonly build?: MigrationFile;
}

/** Migrations of statements go together, one of indexes is a step of its own. */
function stepsOf(files: readonly MigrationFile[]): Step[] {
  return files.flatMap((file, at): Step[] => {
    if (file.kind === 'build') return [{ last: file.name, build: file }];
    return files[at + 1]?.kind === 'up' ? [] : [{ last: file.name }];
  });
}

async function isPending(migrator: Migrator, name: string): Promise<boolean> {
  const migrations = await migrator.getMigrations();
  return migrations.some((migration) => migration.name === name && migration.executedAt === undefined);
}

/** Seconds after which it is told again who is waited for. */
const TOLD_AGAIN = 60;

/**
 * Another pod that builds is waited for: then there is as a rule nothing left to build. So is a REINDEX, which may take hours, and
 * is told of at once and then once a minute.
 */
async function buildMigration(
  db: Db,
  directory: string,
  { name, file }: MigrationFile,
  options: MigrateOptions,
): Promise<void> {
  const text = await readMigration(directory, file);
  // Whoever was waited for may have gone on to a migration that drops what this one builds.
  const isWanted = (session: Db) => isPending(migratorFor(session, directory), name);
  const aged = createBlockerAges();
  let told: (() => number) | undefined;
  try {
    await retry(() => buildIndexFile(db, { name: file, text }, { ...options, isWanted }), {
      retryable: (error) => isAppError(error) && isBeingBuilt(error),
      attempts: Number.POSITIVE_INFINITY,
      baseMs: 100,
      capMs: 3000,
      signal: options.signal,
      onRetry: async (_error, attempt) => {
        const blockers = aged(await readBuilders(db));
        if (told !== undefined && told() < TOLD_AGAIN) return;
        told = stopwatch();
        options.onBlocked?.(['whoever builds indexes'], blockers, attempt, 'long');
      },
    });
  } catch (error) {
    const { kind, detail } = toAppError(error);
    if (isAppError(error, 'aborted')) throw error;
    const what = `Migration ${name} failed; what was built of it stays, and the next run goes on from there. ${detail}`;
    throw new AppError(kind, 'migration_failed', what, { cause: error });
  }
}

/**
 * Kysely's migrator in a transaction of ours, under a lock that lasts as long: its own is let go before the commit. Tried again
 * where somebody holds a table's lock: each try is the whole transaction, so that in between nobody waits for us.
 */
async function inOneTransaction(
  db: Db,
  directory: string,
  signal: AbortSignal | undefined,
  action: (migrator: Migrator) => Promise<{ error?: unknown; results?: MigrationResult[] }>,
): Promise<MigrationReport> {
  const work = () =>
    db.transaction().execute(async (trx) => {
      await sql`SELECT pg_advisory_xact_lock(hashtextextended('quartermaster migrations', 0))`.execute(trx);
      const report = reportOf(await action(migratorFor(trx, directory)));
      if (report.ran.length > 0) await storeOldestCode(trx, directory);
      return report;
    });
  return retry(() => work().catch((error: unknown) => Promise.reject(toAppError(error))), {
    retryable: (error) => isAppError(error, 'busy'),
    attempts: LOCK_ATTEMPTS,
    baseMs: 100,
    capMs: 3000,
    signal,
  });
}

/**
 * Keeps what the migrations that have run say of older versions, in the transaction that ran them: nobody sees the one without
 * the other.
 */
async function storeOldestCode(trx: Db, directory: string): Promise<void> {
  const executed = await sql<{ name: string }>`SELECT name FROM quartermaster.migrations`.execute(trx);
  const applied = new Set(executed.rows.map(({ name }) => name));
  const files = (await readMigrationFiles(directory)).filter(({ name }) => applied.has(name));
  const declared = await Promise.all(
    files.map(async ({ file }) => oldestCodeOf(await readMigration(directory, file))),
  );
  const oldest = declared
    .filter((code) => code !== undefined)
    .sort()
    .at(-1);
  // Taken back with the first migration, so there may be no table any more.
  const { rows } = await sql`SELECT 1 WHERE to_regclass('quartermaster.settings') IS NOT NULL`.execute(trx);
  if (rows.length === 0) return;
  await trx.deleteFrom('quartermaster.settings').where('name', '=', OLDEST_CODE).execute();
  if (oldest === undefined) return;
  await trx.insertInto('quartermaster.settings').values({ name: OLDEST_CODE, value: oldest }).execute();
}

async function readMigrations(directory: string): Promise<Record<string, Migration>> {
  const files = await readMigrationFiles(directory);
  return Object.fromEntries(files.map((file) => [file.name, migration(directory, file)]));
}

function migration(directory: string, { name, kind, file }: MigrationFile): Migration {
  const run = async (db: Db, text: string) => {
    await sql`SAVEPOINT migration`.execute(db);
    try {
      await sql`SELECT set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`.execute(db);
      // Without parameters the text goes as a simple query, which may hold many statements.
      await sql.raw(text).execute(db);
    } catch (error) {
      // The migrator has a last word in this transaction, and it must not be what the failure is told by.
      await sql`ROLLBACK TO SAVEPOINT migration`.execute(db);
      throw error;
    }
  };
  return {
    // What is built is there already: only its row is written.
    up: async (db: Db) => {
      if (kind === 'up') await run(db, await readMigration(directory, file));
    },
    down: async (db: Db) => run(db, await readMigration(directory, `${name}.down.sql`)),
  };
}

function reportOf(outcome: { error?: unknown; results?: MigrationResult[] }): MigrationReport {
  if (outcome.error !== undefined) {
    const failed = outcome.results?.find((result) => result.status === 'Error');
    if (failed === undefined) throw toAppError(outcome.error);
    const cause = toAppError(outcome.error);
    const detail = `Migration ${failed.migrationName} failed, and the step it is part of was taken back. ${cause.detail}`;
    throw new AppError(cause.kind, 'migration_failed', detail, { cause: outcome.error });
  }
  return { ran: (outcome.results ?? []).map((result) => result.migrationName) };
}
