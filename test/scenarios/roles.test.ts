import { afterEach, describe, expect, it } from 'vitest';
import { openTown, type Town, type TownOptions } from './support.ts';

let town: Town | undefined;
const NOW = '2024-05-05T12:00:00Z';

afterEach(async () => {
  await town?.drop();
  town = undefined;
});

async function open(options: TownOptions = {}): Promise<Town> {
  town = await openTown(options);
  return town;
}

/** The role, quoted. */
const roleOf = ({ url }: Town) => `"${decodeURIComponent(new URL(url).username)}"`;

/** A quarter from its creation to its detach, and what the doctor says at the end. */
async function life(here: Town): Promise<void> {
  await here.ok('reconcile', NOW);
  await here.pay(['2024-01-01T00:00:00Z', '2024-03-31T23:59:59.999Z', '2024-04-01T00:00:00Z'], NOW);
  for (const verb of ['close', 'archive', 'verify', 'detach']) await here.ok(`quarters ${verb} 2024q1`, NOW);
  expect(await here.standing()).toContain('2024q1 detached: standalone standalone');
  expect(await here.sql('SELECT count(*)::int AS n FROM ledger.entries_2024q1')).toEqual([{ n: 4 }]);
  expect(await here.ok('reconcile --fix', NOW)).toMatchObject({
    created: [],
    fixed: [],
    drift: [],
    failed: [],
  });
}

describe('rights', () => {
  it('need be none but those on a database of its own', async () => {
    const here = await open();
    const [role] = await here.sql(`
      SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls AS mighty,
             pg_has_role(oid, 'pg_read_all_stats', 'usage') OR pg_has_role(oid, 'pg_signal_backend', 'usage') AS member
      FROM pg_roles WHERE quote_ident(rolname) = ${literal(roleOf(here))} OR rolname = trim('"' FROM ${literal(roleOf(here))})`);
    expect(role).toEqual({ mighty: false, member: false });
    await life(here);
  });

  it('of a role that may read and post, and owns nothing, are not enough, which is said', async () => {
    const here = await open();
    await here.ok('reconcile', NOW);
    const url = new URL(here.url);
    url.username = 'clerk';
    const clerk = `clerk_${url.pathname.slice(1)}`;
    await here.sql(`CREATE ROLE ${clerk} LOGIN PASSWORD 'x';
      GRANT USAGE ON SCHEMA ledger, quartermaster TO ${clerk};
      GRANT SELECT ON ALL TABLES IN SCHEMA ledger, quartermaster TO ${clerk};
      GRANT INSERT ON ALL TABLES IN SCHEMA ledger, quartermaster TO ${clerk}`);
    try {
      [url.username, url.password] = [clerk, 'x'];
      const as = { QM_DATABASE_URL: url.href };
      const report = await here.ok('reconcile --fix', '2024-08-08T00:00:00Z', as);
      expect(report).toMatchObject({ created: [], fixed: [] });
      expect(report.failed).toContainEqual(
        expect.objectContaining({ what: '2024q4', code: 'insufficient_privilege' }),
      );
      expect((await here.run('quarters close 2024q2', '2024-08-08T00:00:00Z', as)).code).not.toBe(0);
    } finally {
      await here.sql(`DROP OWNED BY ${clerk}; DROP ROLE ${clerk}`);
    }
  });
});

describe('a role', () => {
  it.each(['Ops Team', 'ops"t\'m', 'SELECT', '-- größe'])(
    'named %s is quoted wherever it is named',
    async (role) => {
      const here = await open({ role });
      await life(here);
      await here.sql(`ALTER TABLE ledger.entries_2024q2 OWNER TO CURRENT_USER;
        GRANT DELETE ON ledger.entries_2024q2 TO PUBLIC`);
      const report = await here.run('reconcile --fix', NOW);
      // It may not take back what is not its own; that is told, and nothing else breaks.
      expect(report.report.failed.map(({ code }: { code: string }) => code)).toContain(
        'insufficient_privilege',
      );
    },
  );

  it.each<[string, string[]]>([
    ['an empty search_path', [`search_path = ''`]],
    ['a search_path that is not there', ['search_path = nowhere']],
    [
      'the words of another country',
      [
        `DateStyle = 'German, DMY'`,
        `TimeZone = 'Pacific/Kiritimati'`,
        `IntervalStyle = 'iso_8601'`,
        'extra_float_digits = -15',
        `bytea_output = 'escape'`,
        'quote_all_identifiers = on',
      ],
    ],
    [
      'the words of yet another',
      [
        `DateStyle = 'SQL, MDY'`,
        `TimeZone = 'Africa/Monrovia'`,
        `IntervalStyle = 'sql_standard'`,
        'backslash_quote = off',
        'transform_null_equals = on',
        `default_toast_compression = 'pglz'`,
      ],
    ],
    [
      'habits of its own',
      [
        'row_security = off',
        `default_transaction_isolation = 'serializable'`,
        'enable_seqscan = off',
        'enable_indexscan = off',
        'enable_partition_pruning = off',
        'synchronous_commit = off',
        'check_function_bodies = off',
      ],
    ],
    [
      'little patience',
      [
        `statement_timeout = '5s'`,
        `lock_timeout = '200ms'`,
        `idle_in_transaction_session_timeout = '10s'`,
        `idle_session_timeout = '10s'`,
      ],
    ],
  ])('with %s does all of it', async (_, settings) => {
    const here = await open();
    await here.sql(settings.map((setting) => `ALTER ROLE ${roleOf(here)} SET ${setting}`).join(';'));
    await life(here);
  });

  it('whose transactions only read is told so', async () => {
    const here = await open();
    await here.sql(`ALTER ROLE ${roleOf(here)} SET default_transaction_read_only = on`);
    const { code, report } = await here.run('reconcile', NOW);
    expect(code === 0 ? report.failed[0] : report.error).toMatchObject({ code: 'read_only' });
    await here.sql(`ALTER ROLE ${roleOf(here)} RESET default_transaction_read_only`);
    await life(here);
  });
});

describe('a hostile search_path', () => {
  const traps = `
    CREATE SCHEMA trap;
    CREATE TABLE trap.quarters (quarter text, state text);
    CREATE TABLE trap.transactions (a int);
    CREATE TABLE trap.entries (a int);
    CREATE TABLE trap.pg_class (a int);
    CREATE TABLE trap.pg_inherits (a int);
    CREATE VIEW trap.pg_stat_activity AS SELECT 1 AS a;
    CREATE FUNCTION trap.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT '1999-01-01'::timestamptz $$;
    CREATE FUNCTION trap.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT '1999-01-01'::timestamptz $$;
    CREATE FUNCTION trap.md5(text) RETURNS text LANGUAGE sql AS $$ SELECT repeat('0', 32) $$;
    CREATE FUNCTION trap.pg_try_advisory_lock(int, int) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;
    CREATE FUNCTION trap.count(text) RETURNS bigint LANGUAGE sql AS $$ SELECT 0::bigint $$;
    CREATE DOMAIN trap.text AS pg_catalog.text CHECK (false);
    GRANT USAGE ON SCHEMA trap TO PUBLIC;
    GRANT ALL ON ALL TABLES IN SCHEMA trap TO PUBLIC;`;

  it('that puts others before public shadows nothing of ours', async () => {
    const here = await open();
    await here.sql(`${traps} ALTER ROLE ${roleOf(here)} SET search_path = trap, public`);
    await life(here);
  });

  it('with tables of our names in public and in pg_temp shadows nothing of ours', async () => {
    const here = await open();
    await here.sql(`
      CREATE TABLE public.transactions (a int); CREATE TABLE public.entries (a int); CREATE TABLE public.quarters (a int);
      ALTER ROLE ${roleOf(here)} SET search_path = pg_temp, public`);
    await life(here);
  });

  it('that puts others even before pg_catalog deceives nobody into a wrong digest or a lock that is none', async () => {
    const here = await open();
    await here.ok('reconcile', NOW);
    await here.pay(['2024-01-01T00:00:00Z'], NOW);
    await here.ok('quarters close 2024q1', NOW);
    const [{ digest }] = await here.sql(`SELECT digest FROM quartermaster.quarters WHERE quarter = '2024q1'`);
    await here.sql(`ALTER TABLE ledger.entries_2024q1 DROP CONSTRAINT quarter_closed;
      ${traps} ALTER ROLE ${roleOf(here)} SET search_path = trap, pg_catalog`);
    const { code, report } = await here.run('reconcile --fix', NOW);
    if (code === 0) expect(report.fixed).toMatchObject([{ code: 'fence_missing' }]);
    expect(
      await here.sql(`SELECT digest, state FROM quartermaster.quarters WHERE quarter = '2024q1'`),
    ).toEqual([{ digest, state: 'closed' }]);
  });
});

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
