import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { type RoleKey, roleNames, schemaRights, tableRights } from '../../src/db/grants.ts';
import { applyGrants, plannedGrants } from '../../src/db/grants-apply.ts';
import { createLedger } from '../../src/ledger/ledgers.ts';
import { createQuarters } from '../quarters/create-as.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let home: TestDatabase;
let owner: Database;

beforeAll(async () => {
  home = await createDatabase({ roles: true });
  owner = openDatabase({ databaseUrl: home.url, poolMax: 3 });
  await createQuarters(home.as('worker'), '2026q1', '2026q2');
  await createLedger(owner.write, 'main');
  await sql`
    INSERT INTO ledger.transactions (ledger_id, created_at, id, status, currency, amount, account_ids)
    VALUES (1, '2026-02-01T00:00:00Z', gen_random_uuid(), 'FAILED', 'EUR', 5, '{}')`.execute(owner.write);
});

afterAll(async () => {
  await owner?.close();
  await home?.drop();
});

/** What becomes of one statement, which is taken back in any case: the SQLSTATE it fails with, or nothing. */
async function tryAs(role: RoleKey, text: string): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: home.as(role) });
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query(text);
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  } finally {
    await client.query('ROLLBACK').catch(() => {});
    await client.end();
  }
}

interface Relation {
  readonly name: string;
  readonly kind: string;
  readonly column: string;
}

async function relations(): Promise<Relation[]> {
  const { rows } = await sql<Relation>`
    SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name, c.relkind AS kind,
           (SELECT quote_ident(a.attname) FROM pg_attribute AS a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum DESC LIMIT 1) AS column
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (${Object.keys(schemaRights)}::text[]) AND c.relkind IN ('r', 'p', 'v', 'm')
    ORDER BY 1`.execute(owner.write);
  return rows;
}

describe('the list of rights', () => {
  it('has a row for every table and view, and for none that is not there', async () => {
    const found = (await relations())
      .map(({ name }) => name)
      .filter((name) => !/_\d{4}q\d$|_\d{8}$/.test(name));
    expect(found).toEqual(Object.keys(tableRights).sort());
  });

  it('is what the database has after a migration, partitions included, and applying it again changes nothing', async () => {
    expect(await plannedGrants(owner.direct)).toEqual({ divided: true, did: [] });
    expect(await applyGrants(owner.direct)).toEqual({ divided: true, did: [] });
  });

  it('is put right where somebody gave more or took something, and leaves alone what others were given', async () => {
    const admin = openDatabase({ databaseUrl: home.adminUrl, poolMax: 1 });
    try {
      await sql
        .raw(
          `GRANT DELETE ON ledger.balances TO ${roleNames.api};
           REVOKE SELECT ON ledger.entries_2026q1 FROM ${roleNames.reader};
           GRANT UPDATE (state) ON quartermaster.quarters TO ${roleNames.api};
           GRANT SELECT ON ledger.balances TO quartermaster;
           GRANT CREATE ON SCHEMA quartermaster TO ${roleNames.worker};
           ALTER TABLE ledger.daily_totals OWNER TO ${roleNames.owner}`,
        )
        .execute(admin.write);
      const { did } = await applyGrants(owner.direct);
      expect(did.map((text) => text.replaceAll('"', '')).sort()).toEqual([
        'GRANT CREATE ON SCHEMA ledger TO quartermaster_worker; ALTER TABLE ledger.daily_totals OWNER TO quartermaster_worker',
        'GRANT SELECT ON TABLE ledger.entries_2026q1 TO quartermaster_reader',
        'REVOKE CREATE ON SCHEMA quartermaster FROM quartermaster_worker',
        'REVOKE DELETE ON TABLE ledger.balances FROM quartermaster_api',
        'REVOKE UPDATE (state) ON TABLE quartermaster.quarters FROM quartermaster_api',
      ]);
      expect(await plannedGrants(owner.direct)).toEqual({ divided: true, did: [] });
      const { rows } =
        await sql`SELECT has_table_privilege('quartermaster', 'ledger.balances', 'SELECT') AS kept`.execute(
          admin.write,
        );
      expect(rows).toEqual([{ kept: true }]);
    } finally {
      await admin.close();
    }
  });

  it('is of no concern to a ledger that one role keeps', async () => {
    const single = await createDatabase();
    const database = openDatabase({ databaseUrl: single.url, poolMax: 1 });
    try {
      expect(await applyGrants(database.direct)).toEqual({ divided: false, did: [] });
    } finally {
      await database.close();
      await single.drop();
    }
  });
});

/** Where the API may delete: decision 0017 says why. */
const deletes = ['ledger.account_phones', 'pgboss.job_common'];

describe('the role of the API', () => {
  it('changes no table but by what its routes do, and defines nothing', async () => {
    const may: string[] = [];
    for (const { name, kind, column } of await relations()) {
      const what = kind === 'v' ? 'VIEW' : kind === 'm' ? 'MATERIALIZED VIEW' : 'TABLE';
      for (const text of [
        `DROP ${what} ${name} CASCADE`,
        `ALTER ${what} ${name} RENAME TO other`,
        `ALTER ${what} ${name} OWNER TO ${roleNames.api}`,
        ...(['r', 'p'].includes(kind)
          ? [
              `CREATE INDEX ON ${name} (${column})`,
              `ALTER TABLE ${name} ADD COLUMN other integer`,
              `CREATE TRIGGER t BEFORE INSERT ON ${name} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
              `TRUNCATE ${name}`,
              `DELETE FROM ${name}`,
            ]
          : []),
      ]) {
        const failed = await tryAs('api', text);
        if (failed === '42501') continue;
        may.push(`${text}${failed === undefined ? '' : `: ${failed}`}`);
      }
    }
    expect(may).toEqual(deletes.map((name) => `DELETE FROM ${name}`));
  }, 120_000);

  it.each([
    ['UPDATE ledger.transactions SET amount = 1'],
    ['UPDATE ledger.transactions_2026q1 SET amount = 1'],
    ['DELETE FROM ledger.transactions_2026q1'],
    [
      'INSERT INTO ledger.transactions_2026q1 SELECT * FROM ledger.transactions_2026q1 WHERE amount < 0',
      true,
    ],
    ['UPDATE ledger.entries SET amount = 1'],
    [`UPDATE quartermaster.quarters SET state = 'dropped'`],
    [`UPDATE quartermaster.quarters SET hold_reason = 'audit'`, true],
    [`UPDATE quartermaster.approvals SET verb = 'drop'`],
    [`UPDATE quartermaster.approvals SET approved_by = 'bob', approved_at = now()`, true],
    [
      `INSERT INTO quartermaster.approvals (quarter, verb, digest, requested_by, requested_at, approved_by, approved_at)
       VALUES ('2026q1', 'drop', '', 'ada', now(), 'bob', now())`,
    ],
    [`INSERT INTO quartermaster.quarters (quarter, starts_at, ends_at) VALUES ('2030q1', now(), now())`],
    [`UPDATE quartermaster.quarter_events SET actor = 'eve'`],
    [`UPDATE quartermaster.settings SET value = 'Europe/Paris'`],
    [
      `INSERT INTO quartermaster.api_keys (id, name, secret_sha256, roles) VALUES ('x', 'x', '\\x00', '{admin}')`,
    ],
    // Who is signed in may be ended, and made nobody else.
    [`UPDATE quartermaster.sessions SET ended_at = now(), seen_at = now()`, true],
    [`UPDATE quartermaster.sessions SET identity = '{}'`],
    [`UPDATE quartermaster.sessions SET expires_at = 'infinity'`],
    [`UPDATE quartermaster.house_events SET actor = 'eve'`],
    [`UPDATE quartermaster.archives SET digest = ''`],
    ['UPDATE ledger.daily_totals SET total_amount = 0'],
    ['UPDATE ledger.accounts SET entity_id = entity_id'],
    ['CREATE TABLE ledger.other (a int)'],
    ['CREATE TABLE public.other (a int)'],
    ['CREATE SCHEMA other'],
    ['CREATE ROLE other'],
    [`SET ROLE ${roleNames.worker}`],
    [`COPY ledger.entries TO PROGRAM 'true'`],
  ])('%s', async (text, allowed?: boolean) => {
    expect(await tryAs('api', text)).toBe(allowed ? undefined : '42501');
  });
});

describe('the role of the worker', () => {
  it.each([
    ['UPDATE ledger.transactions SET amount = 1'],
    ['DELETE FROM ledger.transactions_2026q1'],
    ['TRUNCATE ledger.entries_2026q1'],
    ['DROP SCHEMA ledger CASCADE'],
    ['ALTER SCHEMA ledger RENAME TO other'],
    ['DROP TABLE quartermaster.quarters'],
    ['ALTER TABLE quartermaster.quarters ADD COLUMN other int'],
    ['CREATE TABLE quartermaster.other (a int)'],
    ['CREATE TABLE reports.other (a int)'],
    ['CREATE ROLE other'],
    [`SET ROLE ${roleNames.owner}`],
    [`ALTER ROLE ${roleNames.api} SUPERUSER`],
    [`GRANT ${roleNames.owner} TO ${roleNames.worker}`],
    ['SELECT secret_sha256 FROM quartermaster.api_keys'],
    [`UPDATE quartermaster.api_keys SET roles = '{admin}'`],
    ['DELETE FROM quartermaster.quarter_events'],
    [`UPDATE quartermaster.settings SET value = 'x'`],
    ['DELETE FROM quartermaster.quarters'],
    ['ANALYZE ledger.balances', true],
    ['REFRESH MATERIALIZED VIEW reports.top_counterparties_quarterly', true],
    ['ALTER TABLE ledger.entries DETACH PARTITION ledger.entries_2026q1', true],
  ])('%s', async (text, allowed?: boolean) => {
    expect(await tryAs('worker', text)).toBe(allowed ? undefined : '42501');
  });

  it('adds no row to a closed quarter', async () => {
    const rows = `INSERT INTO ledger.transactions SELECT * FROM ledger.transactions WHERE created_at < '2026-04-01'`;
    const fence = `ALTER TABLE ledger.transactions_2026q1 ADD CONSTRAINT quarter_closed CHECK (false) NOT VALID`;
    expect(await tryAs('worker', `${fence}; ${rows}`)).toBe('23514');
  });
});

describe('the role of readers', () => {
  it('reads the ledger, its state and the reports, but no secret, and writes nothing', async () => {
    const may: string[] = [];
    const unread: string[] = [];
    for (const { name, kind, column } of await relations()) {
      if ((await tryAs('reader', `SELECT FROM ${name} LIMIT 0`)) !== undefined) unread.push(name);
      const writes = [
        `INSERT INTO ${name} DEFAULT VALUES`,
        `UPDATE ${name} SET ${column} = ${column}`,
        `DELETE FROM ${name}`,
      ];
      for (const text of kind === 'r' || kind === 'p' ? writes : []) {
        if ((await tryAs('reader', text)) !== '42501') may.push(text);
      }
    }
    expect(may).toEqual([]);
    expect(unread.filter((name) => !name.startsWith('pgboss.'))).toEqual([
      'quartermaster.api_keys',
      'quartermaster.migrations_lock',
      'quartermaster.sessions',
    ]);
    expect(await tryAs('reader', 'SELECT * FROM reports.closing_balances(1, CURRENT_DATE)')).toBeUndefined();
    expect(await tryAs('reader', 'CREATE TABLE public.other (a int)')).toBe('42501');
  }, 120_000);
});
