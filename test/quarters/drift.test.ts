import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { structureDrift } from '../../src/quarters/drift.ts';
import { previewReconcile, reconcile } from '../../src/quarters/reconcile.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { eventsOf, openHouse, run } from './support.ts';
import { runVerb, startVerb } from './support-process.ts';

let home: TestDatabase;
let house: QuarterHouse;
let admin: Database;
const role = () => `stranger_${home.name}`;

beforeEach(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { premake: 1 });
  admin = openDatabase({ databaseUrl: home.adminUrl, poolMax: 2 });
  await reconcile(house, run);
});

afterEach(async () => {
  const gone = await sql<{ there: boolean }>`
    SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = ${role()}) AS there`.execute(admin.direct);
  if (gone.rows[0]?.there) await asAdmin(`DROP OWNED BY ${role()}; DROP ROLE ${role()}`);
  await admin?.close();
  await house?.database.close();
  await home?.drop();
});

const ddl = (text: string) => sql.raw(text).execute(house.database.direct);
const asAdmin = (text: string) => sql.raw(text).execute(admin.direct);
const drift = () => structureDrift(house.database.direct);
const fix = () => reconcile(house, run, { fix: true });
const E = 'ledger.entries_2026q2';
const T = 'ledger.transactions_2026q2';

describe('what is safe', () => {
  it.each<[string, string, string]>([
    ['defaults_differ', `ALTER TABLE ${T} ALTER COLUMN user_id SET DEFAULT 'nobody'`, "SET DEFAULT ''::text"],
    ['defaults_differ', `ALTER TABLE ${T} ALTER COLUMN user_id DROP DEFAULT`, "SET DEFAULT ''::text"],
    ['defaults_differ', `ALTER TABLE ${E} ALTER COLUMN amount SET DEFAULT 7`, 'DROP DEFAULT'],
    ['grants_differ', `GRANT DELETE ON ${E} TO PUBLIC`, 'REVOKE DELETE'],
    ['grants_differ', `GRANT UPDATE, TRUNCATE ON ${E} TO CURRENT_USER`, 'REVOKE UPDATE'],
    ['grants_differ', `REVOKE SELECT ON ${E} FROM CURRENT_USER`, 'GRANT SELECT'],
    ['statistics_differ', `ALTER TABLE ${E} ALTER COLUMN account_id SET STATISTICS 900`, 'SET STATISTICS -1'],
    [
      'statistics_differ',
      'ALTER TABLE ONLY ledger.entries ALTER COLUMN account_id SET STATISTICS 300',
      'SET STATISTICS 300',
    ],
    ['storage_differ', `ALTER TABLE ${E} SET (autovacuum_enabled = off)`, 'RESET ("autovacuum_enabled")'],
    [
      'storage_differ',
      `ALTER TABLE ${T} SET (toast.autovacuum_enabled = off)`,
      'RESET ("toast"."autovacuum_enabled")',
    ],
    ['storage_differ', `ALTER TABLE ${T} ALTER COLUMN metadata SET STORAGE EXTERNAL`, 'SET STORAGE EXTENDED'],
    [
      'storage_differ',
      `ALTER TABLE ${T} ALTER COLUMN metadata SET COMPRESSION pglz`,
      'SET COMPRESSION default',
    ],
    ['bounds_unchecked', `ALTER TABLE ${E} DROP CONSTRAINT quarter_bounds`, 'VALIDATE'],
    [
      'bounds_unchecked',
      `ALTER TABLE ${E} DROP CONSTRAINT quarter_bounds; ALTER TABLE ${E} ADD CONSTRAINT quarter_bounds
       CHECK (created_at >= '2026-04-01 00:00:00+00' AND created_at < '2026-07-01 00:00:00+00') NOT VALID`,
      'VALIDATE',
    ],
    [
      'indexes_differ',
      'CREATE INDEX entries_transaction_idx ON ONLY ledger.entries (ledger_id, transaction_id) WHERE amount > 0',
      'CREATE INDEX CONCURRENTLY like entries_transaction_idx',
    ],
  ])('of %s after %s is mended and told, once', async (code, statement, did) => {
    await ddl(statement);
    const found = (await drift()).filter(({ relation }) => relation === E || relation === T);
    expect(found).toMatchObject([{ code, detail: expect.stringContaining('reconcile --fix') }]);
    expect((await reconcile(house, run)).fixed).toEqual([]);
    const dry = await previewReconcile(house, { fix: true });
    expect(dry.fixed).toContainEqual(
      expect.objectContaining({ code, did: expect.arrayContaining([expect.stringContaining(did)]) }),
    );
    expect((await drift()).filter(({ relation }) => relation === E || relation === T)).toEqual(found);

    const report = await fix();
    expect(report).toMatchObject({ drift: [], failed: [] });
    expect(report.fixed[0]).toMatchObject({ code, quarter: '2026q2' });
    expect(report.fixed[0]?.did.join('\n')).toContain(did);
    expect(await eventsOf(house.database.direct, '2026q2')).toContain('repair');
    expect(await fix()).toMatchObject({ fixed: [], drift: [], failed: [] });
  });

  it('the owner is set back, and then the grants', async () => {
    await asAdmin(`CREATE ROLE ${role()}; GRANT ${role()} TO quartermaster;
      ALTER TABLE ${E} OWNER TO ${role()}; GRANT UPDATE ON ${E} TO ${role()}`);
    expect((await drift()).map(({ code }) => code)).toEqual(['grants_differ', 'owner_differ']);
    expect(await fix()).toMatchObject({ failed: [], drift: [] });
    expect(await drift()).toEqual([]);
  });

  it('leaves the settings of autovacuum to a partition', async () => {
    await ddl(`ALTER TABLE ${E} SET (autovacuum_vacuum_insert_scale_factor = 0.01)`);
    expect(await drift()).toEqual([]);
  });
});

describe('what is not safe is told and left', () => {
  it.each<[string, string, string]>([
    ['columns_differ', `ALTER TABLE ${T} ALTER COLUMN metadata SET NOT NULL`, 'metadata jsonb NOT NULL'],
    [
      'checks_differ',
      `ALTER TABLE ${E} ADD CHECK (version < 9) NOT VALID`,
      'has CHECK ((version < 9)) NOT VALID',
    ],
    ['checks_differ', `ALTER TABLE ${E} ADD CONSTRAINT quarter_closed CHECK (true)`, 'has CHECK (true)'],
    ['indexes_differ', `CREATE INDEX mine ON ${E} (amount)`, 'has of its own mine'],
    ['storage_differ', `ALTER TABLE ${E} SET UNLOGGED`, 'has UNLOGGED'],
    ['statistics_differ', `CREATE STATISTICS ledger.s ON account_id, amount FROM ${E}`, 'account_id, amount'],
    ['security_differ', `ALTER TABLE ${E} ENABLE ROW LEVEL SECURITY`, 'has row security'],
    ['replication_differ', `ALTER TABLE ${E} REPLICA IDENTITY FULL`, 'has replica identity FULL'],
    [
      'triggers_differ',
      `CREATE FUNCTION ledger.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
       CREATE TRIGGER swallow BEFORE INSERT ON ${E} FOR EACH ROW EXECUTE FUNCTION ledger.f()`,
      'has trigger swallow',
    ],
    [
      'bounds_unchecked',
      `ALTER TABLE ${E} DROP CONSTRAINT quarter_bounds; ALTER TABLE ${E} ADD CONSTRAINT quarter_bounds CHECK (true)`,
      'has nothing',
    ],
  ])('%s after %s', async (code, statement, what) => {
    await ddl(statement);
    const report = await fix();
    expect(report).toMatchObject({ fixed: [], failed: [], drift: [{ code, quarter: '2026q2' }] });
    expect(report.drift[0]?.detail).toContain(what);
    expect(report.drift[0]?.detail).not.toContain('--fix`, which mends it');
  });

  it('a collation of another kind', async () => {
    await ddl(`
      CREATE TABLE ledger.entries_2030q1 (LIKE ledger.entries INCLUDING ALL);
      ALTER TABLE ledger.transactions DETACH PARTITION ${T};
      ALTER TABLE ${T} ALTER COLUMN description TYPE text COLLATE "C"`);
    // PostgreSQL itself attaches no column of another collation.
    await expect(
      ddl(`ALTER TABLE ledger.transactions ATTACH PARTITION ${T}
           FOR VALUES FROM ('2026-04-01 00:00:00+00') TO ('2026-07-01 00:00:00+00')`),
    ).rejects.toThrow('collation');
  });
});

describe('a repair that is killed', () => {
  const task = () => ({ url: home.url, house: { premake: 1 }, verb: 'fix' as const });

  it.each(['statistics', 'bounds', 'indexes'])(
    'before or after its %s is finished by the next run',
    async (aspect) => {
      for (const moment of ['before', 'after']) {
        await ddl(`
        DROP INDEX IF EXISTS ledger.entries_amount_idx;
        ALTER TABLE ${E} ALTER COLUMN account_id SET STATISTICS 900, DROP CONSTRAINT quarter_bounds;
        CREATE INDEX entries_amount_idx ON ONLY ledger.entries (ledger_id, amount)`);
        const died = await runVerb({ ...task(), dieAt: `repair.${moment}.${aspect}` });
        expect(died).toMatchObject({ signal: 'SIGKILL' });
        expect((await runVerb(task())).said).toMatchObject([{ failed: [], drift: [] }]);
        expect(await drift()).toEqual([]);
      }
    },
  );

  it('while it waits to build an index leaves one that the next run makes anew', async () => {
    await ddl('CREATE INDEX entries_amount_idx ON ONLY ledger.entries (ledger_id, amount)');
    await house.database.read.connection().execute(async (reader) => {
      await sql`BEGIN ISOLATION LEVEL REPEATABLE READ`.execute(reader);
      await sql.raw(`SELECT count(*) FROM ${E}`).execute(reader);
      const { child, blocked, done } = startVerb(task());
      await blocked;
      // Meanwhile a writer gets through.
      await ddl(
        `INSERT INTO ledger.entries VALUES (1, 1, '2026-04-05 00:00:00+00', 1, gen_random_uuid(), 1, 1)`,
      );
      child.kill('SIGKILL');
      await done;
      // Until the server has noticed the quarter is locked, and so is what it builds.
      for (;;) {
        const { rows } = await sql`
          SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONC%'
            AND state = 'active'`.execute(admin.write);
        if (rows.length === 0) break;
      }
      await sql`COMMIT`.execute(reader);
    });
    expect((await drift())[0]?.detail).toContain('(invalid)');
    expect(await fix()).toMatchObject({ failed: [], drift: [] });
    const { rows } = await sql`
      SELECT count(*)::int AS n FROM pg_index WHERE indrelid = ${E}::regclass`.execute(admin.direct);
    expect(rows).toEqual([{ n: 3 }]);
  });
});

describe('a repair', () => {
  it('finishes an index that was half built, and takes over one that is whole', async () => {
    await ddl(`
      CREATE UNIQUE INDEX entries_id_idx ON ONLY ledger.entries (ledger_id, created_at, transaction_id, amount);
      INSERT INTO ledger.entries VALUES (1, 1, '2026-04-05 00:00:00+00', 1, gen_random_uuid(), 1, 1);
      INSERT INTO ledger.entries SELECT ledger_id, account_id, created_at, 2, transaction_id, 1, 2 FROM ledger.entries;
      CREATE UNIQUE INDEX by_hand ON ledger.entries_2026q3 (ledger_id, created_at, transaction_id, amount)`);
    // It cannot be unique as long as there are two rows alike, and a build that fails leaves an invalid index.
    const failed = await fix();
    expect(failed.failed).toMatchObject([{ what: E }]);
    expect(failed.fixed).toMatchObject([{ relation: 'ledger.entries_2026q3' }]);
    expect((await drift())[0]?.detail).toMatch(/has of its own entries_2026q2_fix_[0-9a-f]{8} \(invalid\)/);
    await asAdmin('DELETE FROM ledger.entries WHERE version = 2');
    expect(await fix()).toMatchObject({ failed: [], drift: [], fixed: [{ relation: E }] });
    const { rows } = await sql`
      SELECT indexrelid::regclass::text AS name FROM pg_index
      WHERE indrelid = 'ledger.entries_2026q3'::regclass AND indisvalid ORDER BY 1`.execute(admin.direct);
    const names = ['by_hand', 'entries_2026q3_created_at_idx', 'entries_2026q3_pkey'];
    expect(rows).toEqual(names.map((name) => ({ name: `ledger.${name}` })));
  });

  it('drops an invalid index that a REINDEX left, and no other', async () => {
    await ddl(
      `CREATE INDEX entries_2026q2_pkey_ccnew ON ${E} (ledger_id); CREATE INDEX other ON ${E} (ledger_id)`,
    );
    await asAdmin(`UPDATE pg_index SET indisvalid = false
      WHERE indexrelid IN ('ledger.entries_2026q2_pkey_ccnew'::regclass, 'ledger.other'::regclass)`);
    const report = await fix();
    expect(report.fixed).toMatchObject([{ did: ['DROP INDEX "ledger"."entries_2026q2_pkey_ccnew"'] }]);
    expect(report.drift).toMatchObject([
      { detail: expect.stringContaining('has of its own other (invalid)') },
    ]);
  });

  it('does the others when one cannot be mended', async () => {
    await asAdmin(`CREATE ROLE ${role()}; ALTER TABLE ${T} OWNER TO ${role()}`);
    await ddl(`ALTER TABLE ${E} ALTER COLUMN account_id SET STATISTICS 900`);
    const report = await fix();
    expect(report.fixed).toMatchObject([{ relation: E, code: 'statistics_differ' }]);
    expect(report.failed).toContainEqual(
      expect.objectContaining({ what: T, code: 'insufficient_privilege' }),
    );
    expect(report.drift.map(({ relation }) => relation)).toEqual([T, T]);
  });

  it('compares the others while somebody keeps everybody out of one', async () => {
    await ddl(`ALTER TABLE ${T} ALTER COLUMN account_ids SET STATISTICS 900`);
    await admin.write.transaction().execute(async (trx) => {
      await sql.raw(`LOCK TABLE ${E} IN ACCESS EXCLUSIVE MODE`).execute(trx);
      expect(await reconcile(house, run)).toMatchObject({
        failed: [],
        drift: [{ code: 'statistics_differ' }, { code: 'not_compared', relation: E }],
      });
    });
  });

  it('touches no partition that was not made here', async () => {
    await ddl(`CREATE TABLE ledger."Entries odd" PARTITION OF ledger.entries
      FOR VALUES FROM ('2030-01-01 00:00:00+00') TO ('2030-04-01 00:00:00+00');
      ALTER TABLE ledger."Entries odd" ALTER COLUMN amount SET DEFAULT 3`);
    const report = await fix();
    expect(report.fixed).toEqual([]);
    expect(report.drift.map(({ code }) => code)).toEqual([
      'foreign_partition',
      'defaults_differ',
      'grants_differ',
    ]);
  });

  it('gives way to readers and writers, and is done as soon as it may', async () => {
    await ddl(`ALTER TABLE ${E} ALTER COLUMN amount SET DEFAULT 7`);
    const blocked: (readonly string[])[] = [];
    await house.database.read.connection().execute(async (reader) => {
      await sql.raw(`BEGIN; SELECT count(*) FROM ${E}`).execute(reader);
      const fixing = reconcile(
        house,
        {
          ...run,
          onBlocked: (relations, blockers) => {
            if (blocked.push(relations) > 1) return;
            // An autovacuum may be at the table as well.
            expect(blockers.map(({ state }) => state)).toContain('idle in transaction');
            // Between two tries others get through.
            void sql`SELECT count(*) FROM ledger.entries`
              .execute(house.database.write)
              .then(() => sql`COMMIT`.execute(reader));
          },
        },
        { fix: true },
      );
      expect(await fixing).toMatchObject({ failed: [], drift: [], fixed: [{ code: 'defaults_differ' }] });
    });
    expect(blocked[0]).toEqual([E]);
  });
});
