import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { inject } from 'vitest';
import type { RoleKey } from '../../src/db/grants.ts';
import { identifier } from '../../src/db/identifier.ts';
import { migrateUp, migrateWhole } from './migrate.ts';
import { asRole, rolesScript, underRoles } from './roles.ts';

export interface DatabaseOptions {
  readonly migrated?: boolean;
  readonly zone?: string;
  readonly roles?: boolean;
}

/** A database of a test file's own. */
export interface TestDatabase {
  /** Of the application role, which owns the database; where there are roles, of the owner. */
  readonly url: string;
  /** Of a superuser, in the same database. */
  readonly adminUrl: string;
  readonly name: string;
  /** Of one of the four roles; only where the database was made with them. */
  as(role: RoleKey): string;
  /** Deletes it, ending the sessions that still use it. */
  drop(): Promise<void>;
}

/**
 * Makes a database, cloned from a template that is migrated once a run for each zone. `migrated: false` gives an
 * empty one. With `roles` the schema is handed out to the four roles, and the queues are there.
 */
export async function createDatabase(options: DatabaseOptions = {}): Promise<TestDatabase> {
  const { adminUrl, appUrl, run, rolePassword } = inject('postgres');
  const name = `qm_${run}_${randomBytes(6).toString('hex')}`;
  const { migrated = true, zone = 'UTC', roles = migrated && underRoles() } = options;
  await withAdmin(async (admin) => {
    await create(admin, name, migrated ? await migratedTemplate(admin, zone, roles) : 'template0');
    // Rights on a database are not cloned with it.
    if (roles) await runRolesScript(inDatabase(adminUrl, name));
  });
  const own = inDatabase(appUrl, name);
  const as = (role: RoleKey) => asRole(own, role, rolePassword);
  return {
    url: roles ? as('owner') : own,
    adminUrl: inDatabase(adminUrl, name),
    name,
    as,
    drop: () =>
      withAdmin(async (admin) => {
        await admin.query(`DROP DATABASE IF EXISTS ${identifier(name)} WITH (FORCE)`);
      }),
  };
}

/** The name of the template of `zone`, which is made when it is missing. */
async function migratedTemplate(admin: pg.Client, zone: string, roles: boolean): Promise<string> {
  const { adminUrl, appUrl, run, rolePassword } = inject('postgres');
  // A digest, for Etc/GMT+1 and Etc/GMT-1 must not become one name.
  const kind = roles ? 'roles' : 'template';
  const name = `qm_${run}_${kind}_${createHash('sha256').update(zone).digest('hex').slice(0, 12)}`;
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
  const url = inDatabase(appUrl, name);
  if (roles) {
    await runRolesScript(inDatabase(adminUrl, name));
    await migrateWhole({ url: asRole(url, 'owner', rolePassword), zone });
  } else await migrateUp({ url, zone });
  // A database with a session in it, be it autovacuum's, cannot be cloned.
  await admin.query(`ALTER DATABASE ${identifier(name)} ALLOW_CONNECTIONS false IS_TEMPLATE true`);
  return name;
}

/** What an administrator does before the first migration. */
export async function runRolesScript(url: string, settings = ''): Promise<void> {
  const text = await readFile(rolesScript, 'utf8');
  await withAdmin(async (admin) => void (await admin.query(`${settings}${text}`)), url);
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

async function withAdmin<T>(
  action: (admin: pg.Client) => Promise<T>,
  url = inject('postgres').adminUrl,
): Promise<T> {
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  try {
    return await action(admin);
  } finally {
    await admin.end();
  }
}
