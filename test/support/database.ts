import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { identifier } from '../../src/db/identifier.ts';
import { migrateUp } from './migrate.ts';

/** A database of a test file's own. */
export interface TestDatabase {
  /** Of the application role, which owns the database. */
  readonly url: string;
  /** Of a superuser, in the same database. */
  readonly adminUrl: string;
  readonly name: string;
  /** Deletes it, ending the sessions that still use it. */
  drop(): Promise<void>;
}

/**
 * Makes a database, cloned from a template that is migrated once a run for each zone. `migrated: false` gives an
 * empty one.
 */
export async function createDatabase(
  options: { migrated?: boolean; zone?: string } = {},
): Promise<TestDatabase> {
  const { adminUrl, appUrl, run } = inject('postgres');
  const name = `qm_${run}_${randomBytes(6).toString('hex')}`;
  await withAdmin(async (admin) => {
    const template =
      options.migrated === false ? 'template0' : await migratedTemplate(admin, options.zone ?? 'UTC');
    await create(admin, name, template);
  });
  return {
    url: inDatabase(appUrl, name),
    adminUrl: inDatabase(adminUrl, name),
    name,
    drop: () =>
      withAdmin(async (admin) => {
        await admin.query(`DROP DATABASE IF EXISTS ${identifier(name)} WITH (FORCE)`);
      }),
  };
}

/** The name of the template of `zone`, which is made when it is missing. */
async function migratedTemplate(admin: pg.Client, zone: string): Promise<string> {
  const { appUrl, run } = inject('postgres');
  // A digest, for Etc/GMT+1 and Etc/GMT-1 must not become one name.
  const name = `qm_${run}_template_${createHash('sha256').update(zone).digest('hex').slice(0, 12)}`;
  // Two workers may want it at once: one makes it. The lock ends with this session.
  await admin.query('SELECT pg_advisory_lock(hashtext($1))', [name]);
  const { rows } = await admin.query<{ datistemplate: boolean }>(
    'SELECT datistemplate FROM pg_catalog.pg_database WHERE datname = $1',
    [name],
  );
  // It is declared a template last of all, so one that is not was left half made by a worker that died.
  if (rows[0]?.datistemplate) return name;
  await admin.query(`DROP DATABASE IF EXISTS ${identifier(name)} WITH (FORCE)`);
  await create(admin, name, 'template0');
  await migrateUp({ url: inDatabase(appUrl, name), zone });
  // A database with a session in it, be it autovacuum's, cannot be cloned.
  await admin.query(`ALTER DATABASE ${identifier(name)} ALLOW_CONNECTIONS false IS_TEMPLATE true`);
  return name;
}

async function create(admin: pg.Client, name: string, template: string): Promise<void> {
  await admin.query(
    `CREATE DATABASE ${identifier(name)} OWNER quartermaster TEMPLATE ${identifier(template)}`,
  );
}

function inDatabase(url: string, name: string): string {
  const result = new URL(url);
  result.pathname = `/${name}`;
  return result.href;
}

async function withAdmin<T>(action: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: inject('postgres').adminUrl });
  await admin.connect();
  try {
    return await action(admin);
  } finally {
    await admin.end();
  }
}
