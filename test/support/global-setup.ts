import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { ensureApplication } from '../../src/db/embedded-cluster.ts';
import { roleNames } from '../../src/db/grants.ts';
import { identifier } from '../../src/db/identifier.ts';
import { hasPgBouncer, startSharedPooler } from './pgbouncer.ts';
import { rolesScript } from './roles.ts';
import { startServer } from './server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The one server of this run: a superuser's URL, the application role's, what the run's databases are called by, the password of the four roles,
     * and where PgBouncer listens if it is installed. */
    postgres: {
      adminUrl: string;
      appUrl: string;
      run: string;
      rolePassword: string;
      poolerPort?: number | undefined;
    };
  }
}

/** Nobody will miss these databases, so nothing of them need reach the disk. */
const fastSettings = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  max_connections: '200',
};

/** Starts the server all test files share, and returns what ends it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { adminUrl, stop } = await openServer();
  try {
    const password = randomBytes(16).toString('hex');
    await asAdmin(adminUrl, async (admin) => {
      await ensureApplication(admin, password);
      await ensureRoles(admin, password);
    });
    const appUrl = new URL(adminUrl);
    appUrl.username = 'quartermaster';
    appUrl.password = password;
    appUrl.pathname = '/quartermaster';
    // A server that is not ours may hold databases of other runs, made by other migrations.
    const run = randomBytes(4).toString('hex');
    const users = {
      quartermaster: password,
      ...Object.fromEntries(Object.values(roleNames).map((name) => [name, password])),
    };
    const pooler = (await hasPgBouncer()) ? await startSharedPooler(adminUrl, users) : undefined;
    project.provide('postgres', {
      adminUrl,
      appUrl: appUrl.href,
      run,
      rolePassword: password,
      poolerPort: pooler?.port,
    });
    return async () => {
      await pooler?.stop();
      try {
        await asAdmin(adminUrl, (admin) => dropDatabases(admin, `qm_${run}_`));
      } finally {
        await stop();
      }
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function openServer(): Promise<{ adminUrl: string; stop: () => Promise<void> }> {
  const given = process.env.QM_TEST_DATABASE_URL;
  if (given) return { adminUrl: given, stop: async () => {} };
  if (process.env.QM_TEST_CONTAINERS === '1') {
    const { PostgreSqlContainer } = await import('@testcontainers/postgresql');
    const flags = Object.entries(fastSettings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const container = await new PostgreSqlContainer('postgres:18')
      .withCommand(['postgres', ...flags])
      .start();
    return {
      adminUrl: container.getConnectionUri(),
      stop: async () => {
        await container.stop();
      },
    };
  }
  return startServer(fastSettings);
}

/** The roles of sql/roles.sql, which belong to the whole server. */
async function ensureRoles(admin: pg.Client, password: string): Promise<void> {
  await admin.query(await readFile(rolesScript, 'utf8'));
  for (const role of Object.values(roleNames)) {
    await admin.query(`ALTER ROLE ${identifier(role)} PASSWORD ${admin.escapeLiteral(password)}`);
  }
}

async function dropDatabases(admin: pg.Client, prefix: string): Promise<void> {
  const { rows } = await admin.query<{ datname: string }>(
    'SELECT datname FROM pg_catalog.pg_database WHERE starts_with(datname, $1)',
    [prefix],
  );
  for (const { datname } of rows) {
    await admin.query(`ALTER DATABASE ${identifier(datname)} IS_TEMPLATE false`);
    await admin.query(`DROP DATABASE ${identifier(datname)} WITH (FORCE)`);
  }
}

async function asAdmin(adminUrl: string, action: (admin: pg.Client) => Promise<void>): Promise<void> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    await action(admin);
  } finally {
    await admin.end();
  }
}
