import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { roleNames } from '../../src/db/grants.ts';
import { plannedGrants } from '../../src/db/grants-apply.ts';
import { createQuarters } from '../quarters/create-as.ts';
import { createDatabase, runRolesScript, type TestDatabase } from '../support/database.ts';
import { migrateWhole } from '../support/migrate.ts';

let divided: TestDatabase;
beforeAll(async () => {
  divided = await createDatabase({ roles: true });
});
afterAll(() => divided?.drop());

describe('the script', () => {
  it('hands a ledger of one role over, rows and partitions and all, and may run twice', async () => {
    const former = await createDatabase({ migrated: false });
    const { adminUrl } = former;
    try {
      await migrateWhole({ url: former.url, zone: 'UTC' });
      await createQuarters(former.url, '2026q1');
      for (let runs = 0; runs < 2; runs++) {
        await runRolesScript(adminUrl, `SET quartermaster.former_owner = 'quartermaster';`);
        // Of two pods at once, as well.
        await Promise.all([1, 2].map(() => migrateWhole({ url: former.as('owner'), zone: 'UTC' })));
      }
      const after = openDatabase({ databaseUrl: former.as('worker'), poolMax: 2 });
      try {
        expect(await plannedGrants(after.direct)).toEqual({ divided: true, did: [] });
        const { rows } = await sql`
          SELECT DISTINCT pg_get_userbyid(relowner)::text AS owner FROM pg_class
          WHERE relnamespace = 'ledger'::regnamespace AND relkind IN ('r', 'p', 'i', 'I')`.execute(
          after.write,
        );
        expect(rows).toEqual([{ owner: roleNames.worker }]);
        await createQuarters(former.as('worker'), '2026q2');
        expect(await plannedGrants(after.direct)).toEqual({ divided: true, did: [] });
      } finally {
        await after.close();
      }
    } finally {
      await former.drop();
    }
  });
});

describe('an administrator who is no superuser', () => {
  it('hands a ledger over, and is no member of its roles afterwards', async () => {
    const former = await createDatabase();
    const { name, adminUrl } = former;
    const boss = `boss_${name}`;
    const admin = new pg.Client({ connectionString: adminUrl });
    admin.on('error', () => {});
    await admin.connect();
    try {
      const { rows } = await admin.query<{ newer: boolean }>(
        `SELECT current_setting('server_version_num')::int >= 160000 AS newer`,
      );
      // As who creates a role is with it from PostgreSQL 16 on.
      const asCreator = rows[0]?.newer ? 'WITH ADMIN TRUE, INHERIT FALSE, SET FALSE' : 'WITH ADMIN OPTION';
      await admin.query(`
        CREATE ROLE ${boss} LOGIN CREATEROLE PASSWORD 'x';
        GRANT ${Object.values(roleNames).join(', ')} TO ${boss} ${asCreator};
        GRANT quartermaster TO ${boss};
        ALTER DATABASE ${name} OWNER TO ${boss}`);
      const url = new URL(adminUrl);
      [url.username, url.password] = [boss, 'x'];
      await runRolesScript(url.href, `SET quartermaster.former_owner = 'quartermaster';`);
      await migrateWhole({ url: former.as('owner'), zone: 'UTC' });
      await createQuarters(former.as('worker'), '2026q1');
      const set = await admin.query(
        `SELECT pg_has_role('${boss}', '${roleNames.owner}', 'USAGE') AS owner, pg_has_role('${boss}', '${roleNames.worker}', 'USAGE') AS worker`,
      );
      if (rows[0]?.newer) expect(set.rows).toEqual([{ owner: false, worker: false }]);
    } finally {
      await former.drop();
      await admin.end().catch(() => {});
      const last = new pg.Client({ connectionString: divided.adminUrl });
      await last.connect();
      await last.query(`DROP OWNED BY ${boss} CASCADE; DROP ROLE ${boss}`);
      await last.end();
    }
  });
});

describe('a migration', () => {
  it('by a role that may not is refused with who may', async () => {
    await expect(migrateWhole({ url: divided.as('api'), zone: 'UTC' })).rejects.toMatchObject({
      kind: 'config',
      code: 'insufficient_privilege',
      detail: expect.stringContaining('Migrate as quartermaster_owner'),
    });
    const empty = await createDatabase({ migrated: false });
    try {
      await expect(migrateWhole({ url: empty.as('reader'), zone: 'UTC' })).rejects.toMatchObject({
        code: 'insufficient_privilege',
        detail: expect.stringContaining('run sql/roles.sql'),
      });
    } finally {
      await empty.drop();
    }
  });
});
