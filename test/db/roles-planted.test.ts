import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { findForeignCode } from '../../src/db/foreign-code.ts';
import { definerName, roleNames } from '../../src/db/grants.ts';
import { plannedGrants } from '../../src/db/grants-apply.ts';
import { createKey } from '../../src/ledger/keys.ts';
import { createQuarters } from '../quarters/create-as.ts';
import { createDatabase, runRolesScript, type TestDatabase } from '../support/database.ts';
import { migrateWhole } from '../support/migrate.ts';

let home: TestDatabase;
let worker: Database;
/** Made for one test file, for roles belong to the whole server. */
let boss: string;

/** What the worker can have done before anybody looks: whoever runs `mark` is noted. */
const planted = `
  CREATE SCHEMA planted;
  GRANT USAGE ON SCHEMA planted TO PUBLIC;
  CREATE TABLE planted.calls (who text, may boolean);
  GRANT INSERT ON planted.calls TO PUBLIC;
  CREATE FUNCTION planted.mark() RETURNS void LANGUAGE sql AS $$
    INSERT INTO planted.calls SELECT current_user, has_table_privilege('quartermaster.api_keys', 'SELECT') $$;
  CREATE FUNCTION planted.is_fine() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM planted.mark(); RETURN true; END $$;
  CREATE FUNCTION planted.react() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM planted.mark(); RETURN NEW; END $$;`;

beforeAll(async () => {
  home = await createDatabase({ roles: true });
  boss = `boss_${home.name}`;
  worker = openDatabase({ databaseUrl: home.as('worker'), poolMax: 1 });
  await createQuarters(home.as('worker'), '2026q1');
  await asWorker(planted);
  await asAdmin(`CREATE ROLE ${boss} SUPERUSER LOGIN PASSWORD 'x'`);
});
beforeEach(() => asWorker('DELETE FROM planted.calls'));
afterAll(async () => {
  await worker?.close();
  await home?.drop();
  const other = await createDatabase({ migrated: false });
  await query(other.adminUrl, `DROP ROLE IF EXISTS ${boss}`);
  await other.drop();
});

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query(text);
    return rows;
  } finally {
    await client.end();
  }
}
const asAdmin = (text: string) => query(home.adminUrl, text);
const asWorker = (text: string) => query(home.as('worker'), text);
const calls = () => asWorker('SELECT DISTINCT who, may FROM planted.calls');

/** A schema where the role looks for functions unless it is told otherwise, with functions that fit better than PostgreSQL's own. */
function trapFor(role: string): string {
  return `
    CREATE SCHEMA ${role};
    GRANT USAGE ON SCHEMA ${role} TO PUBLIC;
    CREATE FUNCTION ${role}.format(text, name, text) RETURNS text LANGUAGE plpgsql AS $$
      BEGIN PERFORM planted.mark(); RETURN pg_catalog.format($1, $2, $3); END $$;
    CREATE FUNCTION ${role}.format(text, text) RETURNS text LANGUAGE plpgsql AS $$
      BEGIN PERFORM planted.mark(); RETURN pg_catalog.format($1, $2); END $$;
    CREATE FUNCTION ${role}.hashtextextended(text, integer) RETURNS bigint LANGUAGE plpgsql AS $$
      BEGIN PERFORM planted.mark(); RETURN pg_catalog.hashtextextended($1, $2::bigint); END $$;`;
}

function bossUrl(of = home): string {
  const url = new URL(of.adminUrl);
  [url.username, url.password] = [boss, 'x'];
  return url.href;
}

describe('functions in a schema that is called as a role', () => {
  it('are not run by the script of the roles', async () => {
    await asWorker(trapFor(boss));
    // So that the trap is one.
    expect(await query(bossUrl(), `SELECT format('%s %s', 'a'::name, 'b'::text) AS f`)).toEqual([
      { f: 'a b' },
    ]);
    expect(await calls()).toMatchObject([{ who: boss }]);
    await asWorker('DELETE FROM planted.calls');
    await runRolesScript(bossUrl());
    expect(await calls()).toEqual([]);
  });

  it('are found by none of the four roles', async () => {
    for (const role of ['owner', 'worker', 'api', 'reader'] as const) {
      expect(await query(home.as(role), 'SHOW search_path')).toEqual([
        { search_path: 'pg_catalog, pg_temp' },
      ]);
    }
  });

  it('are not run by a migration, of the owner or of who acts as that role', async () => {
    const pod = `pod_${home.name}`;
    await asWorker(trapFor(roleNames.owner));
    await asAdmin(`
      CREATE ROLE ${pod} LOGIN PASSWORD 'x' IN ROLE ${roleNames.owner};
      ALTER ROLE ${pod} SET role = '${roleNames.owner}'`);
    try {
      const url = new URL(home.url);
      [url.username, url.password] = [pod, 'x'];
      await query(url.href, `SELECT hashtextextended('x', 0)`);
      expect(await calls()).toMatchObject([{ who: roleNames.owner }]);
      await asWorker('DELETE FROM planted.calls');
      // Something to do for all of it.
      await asAdmin(`GRANT DELETE ON ledger.balances TO ${roleNames.api}`);
      await migrateWhole({ url: url.href, zone: 'UTC' });
      await asAdmin(`GRANT DELETE ON ledger.balances TO ${roleNames.api}`);
      await migrateWhole({ url: home.url, zone: 'UTC' });
      expect(await calls()).toEqual([]);
    } finally {
      await asAdmin(`DROP ROLE ${pod}`);
    }
  });
});

describe('a function that readers call', () => {
  it('runs what was put in the place of a table as a role that sees no secret', async () => {
    await asWorker(
      `
      ALTER TABLE ledger.daily_balances RENAME TO daily_balances_before;
      CREATE VIEW ledger.daily_balances AS
        SELECT * FROM ledger.daily_balances_before WHERE false
        UNION ALL SELECT 1, 1, '2026-01-01'::date, 5 WHERE planted.is_fine();
      GRANT SELECT ON ledger.daily_balances TO PUBLIC`.replace(
        'SELECT *',
        'SELECT ledger_id, account_id, snapshot_date, closing_balance',
      ),
    );
    try {
      expect(
        await query(home.as('reader'), `SELECT reports.closing_balance_minor(1, 1, '2026-02-01') AS minor`),
      ).toEqual([{ minor: '5' }]);
      expect(await calls()).toEqual([{ who: definerName, may: false }]);
      // A migration would run it as the owner.
      await asWorker('DELETE FROM planted.calls');
      await expect(migrateWhole({ url: home.url, zone: 'UTC' })).rejects.toMatchObject({
        kind: 'config',
        code: 'foreign_code',
        detail: expect.stringContaining(
          'view ledger.daily_balances calls function planted.is_fine() of quartermaster_worker',
        ),
      });
      const owner = openDatabase({ databaseUrl: home.url, poolMax: 1 });
      const key = createKey(owner.write, { name: 'ada', roles: ['reader'], ledgers: ['main'] });
      await expect(key.finally(owner.close)).rejects.toMatchObject({ code: 'foreign_code' });
      expect(await calls()).toEqual([]);
    } finally {
      await asWorker(`
        DROP VIEW ledger.daily_balances;
        ALTER TABLE ledger.daily_balances_before RENAME TO daily_balances`);
    }
    expect(await plannedGrants(worker.direct)).toEqual({ divided: true, did: [] });
  });

  it('belongs to a role that nobody logs in as, and that can do nothing but read', async () => {
    const { rows } = await sql`
      SELECT rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb AS more,
             (SELECT array_agg(DISTINCT pg_get_userbyid(proowner)::text) FROM pg_proc WHERE prosecdef AND pronamespace = 'reports'::regnamespace) AS owners,
             (SELECT count(*)::int FROM pg_proc WHERE prosecdef AND pronamespace = 'reports'::regnamespace) AS functions,
             (SELECT array_agg(DISTINCT a.privilege_type) FROM pg_class AS c CROSS JOIN aclexplode(c.relacl) AS a WHERE a.grantee = r.oid) AS rights,
             pg_has_role(${definerName}, ${roleNames.worker}, 'MEMBER') OR has_schema_privilege(${definerName}, 'reports', 'CREATE') AS may
      FROM pg_roles AS r WHERE rolname = ${definerName}`.execute(worker.direct);
    expect(rows).toEqual([
      { more: false, owners: [definerName], functions: 3, rights: ['SELECT'], may: false },
    ]);
  });
});

describe('code that the worker plants in its tables', () => {
  it.each([
    [
      'a trigger',
      'CREATE TRIGGER t BEFORE UPDATE ON ledger.balances FOR EACH ROW EXECUTE FUNCTION planted.react()',
      'trigger t on table ledger.balances calls function planted.react()',
    ],
    [
      'a trigger of a partition',
      'CREATE TRIGGER t BEFORE INSERT ON ledger.entries_2026q1 FOR EACH ROW EXECUTE FUNCTION planted.react()',
      'trigger t on table ledger.entries_2026q1',
    ],
    [
      'a rule',
      'CREATE RULE r AS ON INSERT TO ledger.balances WHERE planted.is_fine() DO ALSO NOTHING',
      'rule r on table ledger.balances',
    ],
    [
      'a policy',
      'CREATE POLICY p ON ledger.accounts USING (planted.is_fine())',
      'policy p on table ledger.accounts',
    ],
    [
      'a check',
      'ALTER TABLE ledger.accounts ADD CONSTRAINT c CHECK (planted.is_fine())',
      'constraint c on table ledger.accounts',
    ],
    [
      'a default',
      'ALTER TABLE ledger.accounts ALTER COLUMN name SET DEFAULT planted.is_fine()::text',
      'column name of table ledger.accounts',
    ],
    [
      'an index',
      `CREATE FUNCTION planted.f(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1'; CREATE INDEX i ON ledger.accounts (planted.f(name))`,
      'index ledger.i calls function planted.f(text)',
    ],
    [
      'an operator',
      `CREATE FUNCTION planted.f(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true'; CREATE OPERATOR planted.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = planted.f);
      ALTER TABLE ledger.accounts ADD CONSTRAINT c CHECK (name OPERATOR(planted.===) name)`,
      'calls operator planted.===(text,text)',
    ],
    [
      'a domain',
      'CREATE DOMAIN planted.d AS text CHECK (planted.is_fine()); ALTER TABLE ledger.accounts ADD COLUMN d planted.d',
      'table ledger.accounts',
    ],
    [
      'a function beside those of the queue',
      `CREATE FUNCTION pgboss.create_queue(text, text) RETURNS void LANGUAGE sql AS 'SELECT planted.mark()'`,
      'function pgboss.create_queue(text,text) belongs to quartermaster_worker',
    ],
  ])('is found: %s', async (_what, text, said) => {
    const undone = new Error('undone');
    const trial = worker.direct.transaction().execute(async (trx) => {
      await sql.raw(text).execute(trx);
      expect((await findForeignCode(trx)).join('\n')).toContain(said);
      throw undone;
    });
    await expect(trial).rejects.toBe(undone);
    expect(await findForeignCode(worker.direct)).toEqual([]);
  });

  it('is no concern where an administrator has put it there, or one role keeps the ledger', async () => {
    await asAdmin(`
      CREATE SCHEMA audit; CREATE FUNCTION audit.react() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TRIGGER t BEFORE UPDATE ON ledger.balances FOR EACH ROW EXECUTE FUNCTION audit.react()`);
    expect(await findForeignCode(worker.direct)).toEqual([]);
    await asAdmin('DROP SCHEMA audit CASCADE');
    const single = await createDatabase();
    const database = openDatabase({ databaseUrl: single.url, poolMax: 1 });
    try {
      await query(
        single.adminUrl,
        `CREATE ROLE eve_${single.name}; CREATE FUNCTION ledger.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
        ALTER FUNCTION ledger.f() OWNER TO eve_${single.name}`,
      );
      expect(await findForeignCode(database.direct)).toEqual([]);
    } finally {
      await query(single.adminUrl, `DROP FUNCTION ledger.f(); DROP ROLE eve_${single.name}`);
      await database.close();
      await single.drop();
    }
  });
});

describe('the script', () => {
  it('fails and says what to do where who runs it does not own the database', async () => {
    const empty = await createDatabase({ migrated: false });
    const maker = `maker_${empty.name}`;
    await asAdmin(`
      CREATE ROLE ${maker} LOGIN CREATEROLE PASSWORD 'x';
      GRANT ${[...Object.values(roleNames), definerName].join(', ')} TO ${maker} WITH ADMIN OPTION`);
    try {
      const url = new URL(empty.adminUrl);
      [url.username, url.password] = [maker, 'x'];
      await expect(runRolesScript(url.href)).rejects.toMatchObject({
        code: '42501',
        message: expect.stringContaining(`${maker} may not grant rights on the database ${empty.name}`),
        hint: expect.stringContaining('as quartermaster, who owns the database'),
      });
    } finally {
      await asAdmin(`DROP OWNED BY ${maker}; DROP ROLE ${maker}`);
      await empty.drop();
    }
  });

  it('takes from everybody the right to make things in public', async () => {
    const empty = await createDatabase({ migrated: false });
    try {
      await query(empty.adminUrl, 'GRANT CREATE ON SCHEMA public TO PUBLIC');
      await runRolesScript(empty.adminUrl);
      expect(
        await query(
          empty.adminUrl,
          `SELECT has_schema_privilege('${roleNames.reader}', 'public', 'CREATE') AS may`,
        ),
      ).toEqual([{ may: false }]);
    } finally {
      await empty.drop();
    }
  });
});
