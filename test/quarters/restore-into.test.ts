import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { holdQuarter } from '../../src/quarters/hold.ts';
import { previewRelease, releaseQuarter } from '../../src/quarters/release.ts';
import { previewRestore, restoreQuarter } from '../../src/quarters/restore.ts';
import { unholdQuarter } from '../../src/quarters/unhold.ts';
import { verifyQuarter } from '../../src/quarters/verify.ts';
import { run } from './archive-fixture.ts';
import { type ArchivedHome, differences, flipBit, openArchivedHome, takeTo } from './restore-fixture.ts';
import { eventsOf, standing } from './support.ts';

let home: ArchivedHome;
let house: QuarterHouse;
const quarters = ['2024q1', '2024q2', '2024q3'];
const into = (schema: string, more: object = {}) => ({ ...run, into: schema, ...more });
const db = () => house.database.direct;
const ddl = (text: string) => sql.raw(text).execute(db());
const tablesOf = async (schema: string) =>
  (
    await sql<{
      name: string;
    }>`SELECT tablename AS name FROM pg_tables WHERE schemaname = ${schema} ORDER BY 1`.execute(db())
  ).rows.map(({ name }) => name);
const hasSchema = async (schema: string) =>
  (await sql`SELECT FROM pg_namespace WHERE nspname = ${schema}`.execute(db())).rows.length > 0;
const copies = async () =>
  db().selectFrom('quartermaster.restores').selectAll().orderBy('quarter').orderBy('schema_name').execute();
const names = (quarter: string) =>
  ['accounts', 'currencies', 'entries', 'quarter_balances', 'transactions'].map(
    (name) => `${name}_${quarter}`,
  );

beforeAll(async () => {
  home = await openArchivedHome(quarters);
  house = home.house;
  await takeTo(house, '2024q1', 'dropped');
});

afterAll(() => home?.close());

describe('a copy of a quarter in a schema of its own', () => {
  it('has every row and the reference data, and leaves the quarter alone', async () => {
    const before = await standing(db());
    expect((await previewRestore(house, into('audit'), '2024q1')).obstacles).toEqual([]);
    expect(await hasSchema('audit')).toBe(false);
    const report = await restoreQuarter(house, into('audit'), '2024q1');
    expect(report).toMatchObject({
      restored: true,
      into: 'audit',
      until: new Date('2026-05-19T12:00:00.123Z'),
    });
    expect(report.loaded).toHaveLength(5);
    // Of an archived quarter as well, and beside the other.
    await restoreQuarter(house, into('audit', { until: new Date('2026-06-01T00:00:00Z') }), '2024q2');
    expect(await standing(db())).toEqual(before);
    expect(await tablesOf('audit')).toEqual([...names('2024q1'), ...names('2024q2')].sort());
    for (const quarter of ['2024q1', '2024q2']) {
      const found = await differences(db(), quarter, (table) => `audit.${table}_${quarter}`);
      expect(
        Object.values(found).every(({ before, lost, gained }) => before > 0n && lost + gained === 0n),
      ).toBe(true);
    }
    const { rows } = await sql`
      SELECT count(*) FILTER (WHERE a.id IS NULL)::int AS unknown, sum(closing - opening - credits + debits)::int AS wrong
      FROM audit.quarter_balances_2024q1 AS b
      LEFT JOIN audit.accounts_2024q1 AS a ON a.ledger_id = b.ledger_id AND a.id = b.account_id`.execute(
      db(),
    );
    expect(rows).toEqual([{ unknown: 0, wrong: 0 }]);
    expect(await copies()).toMatchObject([
      { quarter: '2024q1', schema_name: 'audit', reason: 'year-end', restored_by: 'ada' },
      { quarter: '2024q2', schema_name: 'audit', expires_at: new Date('2026-06-01T00:00:00Z') },
    ]);
    expect(await eventsOf(db(), '2024q2')).toEqual(['create', 'close', 'archive', 'restore']);
  });

  it('has the indexes of the ledger, and is analyzed', async () => {
    const indexes = async (relation: string) =>
      (
        await sql<{ definition: string }>`
          SELECT regexp_replace(indexdef, '^.* USING ', '') AS definition FROM pg_indexes
          WHERE schemaname || '.' || tablename = ${relation} ORDER BY 1`.execute(db())
      ).rows;
    for (const name of ['transactions', 'entries'])
      expect(await indexes(`audit.${name}_2024q1`)).toEqual(await indexes(`ledger.${name}_2024q2`));
    const { rows } = await sql`
      SELECT FROM pg_class AS c WHERE relnamespace = 'audit'::regnamespace AND relkind = 'r'
        AND (reltuples < 0 OR NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary))`.execute(
      db(),
    );
    expect(rows).toEqual([]);
  });

  it('takes no row', async () => {
    for (const name of names('2024q1')) {
      await expect(ddl(`INSERT INTO audit.${name} SELECT * FROM audit.${name} LIMIT 1`)).rejects.toThrow(
        /permission denied|quarter_closed/,
      );
      await expect(ddl(`DELETE FROM audit.${name}`)).rejects.toMatchObject({ code: '42501' });
    }
  });

  it('changes nothing the second time, but for a later time', async () => {
    expect(await restoreQuarter(house, into('audit'), '2024q1')).toMatchObject({
      restored: false,
      extended: false,
    });
    const until = new Date('2026-07-01T00:00:00Z');
    expect(await restoreQuarter(house, into('audit', { until }), '2024q1')).toMatchObject({
      extended: true,
      until,
    });
    expect((await copies())[0]).toMatchObject({ expires_at: until });
  });

  it.each([
    'ledger',
    'quartermaster',
    'reports',
    'pg_catalog',
    'information_schema',
    'Audit',
    'a-b',
    '',
    'x'.repeat(64),
  ])('does not go into %s', async (schema) => {
    await expect(restoreQuarter(house, into(schema), '2024q1')).rejects.toMatchObject({
      kind: 'invalid',
      code: 'invalid_schema',
    });
  });

  it('does not go where something else bears its name, nor come from a quarter without an archive', async () => {
    await ddl('CREATE SCHEMA theirs');
    await ddl('CREATE VIEW theirs.accounts_2024q1 AS SELECT 1');
    await expect(restoreQuarter(house, into('theirs'), '2024q1')).rejects.toMatchObject({
      code: 'relation_exists',
    });
    await expect(restoreQuarter(house, into('theirs'), '2026q2')).rejects.toMatchObject({
      code: 'quarter_state',
    });
    expect(await tablesOf('theirs')).toEqual([]);
  });

  it('is not made of a damaged archive', async () => {
    const mend = await flipBit(home.directory, 'ledger/2024q3/accounts/part-0000.parquet');
    await expect(restoreQuarter(house, into('damaged'), '2024q3')).rejects.toMatchObject({
      code: 'archive_damaged',
    });
    await mend();
    await verifyQuarter(house, run, '2024q3');
    let unflip: (() => Promise<void>) | undefined;
    const step = async (name: string) => {
      if (name === 'restore.loaded.entries')
        unflip = await flipBit(home.directory, 'ledger/2024q3/accounts/part-0000.parquet');
    };
    await expect(restoreQuarter(house, into('damaged', { step }), '2024q3')).rejects.toMatchObject({
      code: 'archive_damaged',
    });
    await unflip?.();
    await verifyQuarter(house, run, '2024q3');
    expect(await tablesOf('damaged')).toEqual([]);
    expect((await copies()).filter(({ schema_name }) => schema_name === 'damaged')).toEqual([]);
  });

  it('takes an archive as it is, though the tables are others by now', async () => {
    await ddl('ALTER TABLE ledger.entries RENAME COLUMN balance_after TO balance');
    try {
      await restoreQuarter(house, into('other'), '2024q3');
      const found = await differences(db(), '2024q3', (table) => `other.${table}_2024q3`);
      expect(found.entries).toMatchObject({ lost: 0n, gained: 0n });
    } finally {
      await ddl('ALTER TABLE ledger.entries RENAME COLUMN balance TO balance_after');
    }
  });

  it('is dropped by its release, with the schema when that was made for it; what is not ours stays', async () => {
    await holdQuarter(house, run, '2024q2');
    await expect(releaseQuarter(house, into('audit'), '2024q2')).rejects.toMatchObject({
      code: 'quarter_held',
    });
    await unholdQuarter(house, run, '2024q2');
    const damaged = (verified_at: Date | null) =>
      db()
        .updateTable('quartermaster.archives')
        .set({ verified_at })
        .where('quarter', '=', '2024q1')
        .execute();
    await damaged(null);
    await expect(releaseQuarter(house, into('audit'), '2024q1')).rejects.toMatchObject({
      code: 'archive_damaged',
    });
    await damaged(new Date());
    await ddl('CREATE VIEW audit.mine AS SELECT amount FROM audit.entries_2024q1');
    await expect(releaseQuarter(house, into('audit'), '2024q1')).rejects.toMatchObject({
      code: 'table_in_use',
    });
    await ddl('DROP VIEW audit.mine');

    expect((await previewRelease(house, into('audit'), '2024q1')).steps).toHaveLength(6);
    expect(await releaseQuarter(house, into('audit'), '2024q1')).toEqual({
      quarter: '2024q1',
      into: 'audit',
      released: names('2024q1'),
    });
    expect(await tablesOf('audit')).toEqual(names('2024q2'));
    await ddl('CREATE TABLE audit.notes ()');
    await releaseQuarter(house, into('audit'), '2024q2');
    expect(await tablesOf('audit')).toEqual(['notes']);
    await releaseQuarter(house, into('other'), '2024q3');
    expect(await hasSchema('other')).toBe(false);
    expect(await copies()).toEqual([]);
    expect(await releaseQuarter(house, into('audit'), '2024q1')).toMatchObject({ released: [] });
    expect((await eventsOf(db(), '2024q1')).slice(-2)).toEqual(['restore_extended', 'release']);
  });
});
