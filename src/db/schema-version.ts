import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import { migrationDirectory, numberOf, readMigrationFiles } from './migration-files.ts';
import type { Db } from './schema.ts';
import { sqlState, toAppError } from './sqlstate.ts';

/** Facts fixed at the first migration. */
export interface Settings {
  readonly timezone: string;
  readonly ledgerSet: string;
}

/** How the schema of a database stands to this version of the code. */
export interface MigrationStatus {
  /** Migrations that have run and that this version knows, in order. */
  readonly applied: readonly string[];
  /** Those it knows and that have not run. */
  readonly pending: readonly string[];
  /** Those that have run and that it does not know: the schema is newer than the code. */
  readonly unknown: readonly string[];
  /** The last migration a version has to know to live with this schema; null where every version can. */
  readonly oldestCode: string | null;
  /** Whether this version can work with the schema as it is. */
  readonly compatible: boolean;
}

/** Asks a database a statement that is a constant, by whichever connection: what readiness has to ask needs no values. */
export type Ask = (text: string) => Promise<{ readonly rows: readonly unknown[] }>;

export function asking(db: Db): Ask {
  return (text) => sql.raw(text).execute(db);
}

/** The name in `quartermaster.settings` of the migration that a version has to know. */
export const OLDEST_CODE = 'oldest_code';

const SETTINGS = 'SELECT name, value FROM quartermaster.settings';

// In one statement, so that a migration that commits meanwhile is seen with what it says of older versions, or not at all.
const SCHEMA = `SELECT 'migration' AS what, name, '' AS value FROM quartermaster.migrations
  UNION ALL SELECT 'setting', name, value FROM quartermaster.settings`;

interface SchemaRow {
  readonly what: 'migration' | 'setting';
  readonly name: string;
  readonly value: string;
}

/** The names of all migrations of this version, in order. */
export async function knownMigrations(directory = migrationDirectory()): Promise<string[]> {
  return (await readMigrationFiles(directory)).map(({ name }) => name);
}

/** How a schema with these migrations stands to a version that knows those. Pure. */
export function judgeSchema(
  known: readonly string[],
  executed: readonly string[],
  oldestCode: string | null,
): MigrationStatus {
  const pending = known.filter((name) => !executed.includes(name));
  const last = numberOf(known.at(-1) ?? '');
  return {
    applied: known.filter((name) => executed.includes(name)),
    pending,
    unknown: executed.filter((name) => !known.includes(name)).sort(),
    oldestCode,
    compatible: pending.length === 0 && (oldestCode ?? '') <= last,
  };
}

/**
 * @throws AppError config/not_migrated where migrations are missing, config/schema_newer where the schema has been changed
 *   in a way that this version does not know
 */
export function requireCompatible({
  applied,
  pending,
  unknown,
  oldestCode,
  compatible,
}: MigrationStatus): void {
  if (compatible) return;
  const own = applied.at(-1) ?? 'nothing';
  if (unknown.length > 0 || pending.length === 0) {
    const lacks = pending.length === 0 ? '' : ` and lacks ${pending.join(', ')}`;
    const detail = `The schema of the database is at ${unknown.at(-1) ?? own}${lacks}; this version knows it up to ${pending.at(-1) ?? own}, and what runs on it has to know ${oldestCode ?? 'all of it'} or later. Run a version that does; docs/upgrading.md says how to go back.`;
    throw new AppError('config', 'schema_newer', detail);
  }
  const detail = `The schema of the database is at ${own} and this version needs ${pending.at(-1)}: ${pending.length} migrations are missing. Run \`quartermaster migrate up\`.`;
  throw new AppError('config', 'not_migrated', detail);
}

/**
 * The migrations and the fixed settings in one look.
 *
 * @throws AppError config/not_migrated, config/schema_newer, config/setting_changed
 */
export async function requireSchema(
  ask: Ask,
  known: readonly string[],
  configured: Settings,
): Promise<MigrationStatus> {
  const rows = (await readRows(ask, SCHEMA)) as SchemaRow[];
  const settings = rows.filter(({ what }) => what === 'setting');
  const executed = rows.filter(({ what }) => what === 'migration').map(({ name }) => name);
  const oldestCode = settings.find(({ name }) => name === OLDEST_CODE)?.value ?? null;
  const status = judgeSchema(known, executed, oldestCode);
  requireCompatible(status);
  compareSettings(settings, configured);
  return status;
}

/** The same without a judgement, of a database that may be empty. */
export async function migrationStatus(db: Db, directory = migrationDirectory()): Promise<MigrationStatus> {
  const known = await knownMigrations(directory);
  const ask = asking(db);
  const executed = await rowsOrNone(ask, 'SELECT name FROM quartermaster.migrations ORDER BY name');
  const settings = await rowsOrNone(ask, SETTINGS);
  const oldestCode = settings.find(({ name }) => name === OLDEST_CODE)?.value ?? null;
  return judgeSchema(
    known,
    executed.map(({ name }) => name),
    oldestCode,
  );
}

/**
 * The fixed settings, compared with the configured ones: a zone that changed after the fact would shift every
 * quarter, so it is refused at the start.
 *
 * @throws AppError config/not_migrated, config/setting_changed
 */
export async function readSettings(db: Db, configured: Settings): Promise<Settings> {
  return compareSettings((await readRows(asking(db), SETTINGS)) as SchemaRow[], configured);
}

function compareSettings(rows: readonly Pick<SchemaRow, 'name' | 'value'>[], configured: Settings): Settings {
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

async function readRows(ask: Ask, text: string): Promise<readonly unknown[]> {
  const { rows } = await ask(text).catch((error: unknown) => {
    throw toAppError(error);
  });
  return rows;
}

/** Of a database that nothing was ever migrated in there is nothing to read. */
async function rowsOrNone(ask: Ask, text: string): Promise<readonly { name: string; value?: string }[]> {
  try {
    return (await ask(text)).rows as { name: string; value?: string }[];
  } catch (error) {
    if (/^(42P01|3F000)$/.test(sqlState(error) ?? '')) return [];
    throw toAppError(error);
  }
}
