import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { calendar } from '../../src/core/quarter.ts';
import { quarterTables } from '../../src/core/tables.ts';
import {
  parseBounds,
  readCatalog,
  readParents,
  readQuarterPartitions,
  readSizes,
} from '../../src/db/catalog.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { createPartitions } from '../../src/db/partition.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

const utc = calendar('UTC');
let home: TestDatabase;
let database: Database;

beforeAll(async () => {
  home = await createDatabase();
  // A session that prints instants in another zone and another style than ours.
  const url = new URL(home.url);
  url.searchParams.set('options', '-c TimeZone=Asia/Kathmandu -c DateStyle=German -c search_path=');
  database = openDatabase({ databaseUrl: url.href, poolMax: 3 });
  const parents = await readParents(database.direct);
  await database.direct.transaction().execute(async (trx) => {
    await createPartitions(trx, parents, utc.quarter('2025q4'));
    await createPartitions(trx, parents, utc.quarter('2026q1'));
  });
  await sql
    .raw(`
      CREATE TABLE ledger.old PARTITION OF ledger.entries FOR VALUES FROM (MINVALUE) TO ('1900-01-01 00:00:00.123+00');
      CREATE TABLE ledger.rest PARTITION OF ledger.entries DEFAULT;
      CREATE TABLE ledger.entries_2030q1 (LIKE ledger.entries);
      CREATE VIEW ledger.entries_2031q1 AS SELECT 1;
      CREATE TABLE ledger.entries_2031q5 (LIKE ledger.entries);
      ALTER TABLE ledger.transactions_2025q4 ADD CONSTRAINT quarter_closed CHECK (false) NOT VALID;
      INSERT INTO ledger.ledgers (name) VALUES ('a');
      INSERT INTO ledger.entries (ledger_id, account_id, created_at, version, transaction_id, amount, balance_after)
        VALUES (1, 1, '2099-01-01 00:00:00+00', 1, gen_random_uuid(), 1, 1);
    `)
    .execute(database.direct);
});

afterAll(async () => {
  await database?.close();
  await home?.drop();
});

describe('readCatalog', () => {
  it('tells every partition with its bounds as instants, whatever the settings of the session', async () => {
    const found = await readCatalog(database.direct);
    const seen = found.map((one) => [
      one.name,
      one.table,
      one.quarter,
      one.attachment,
      one.bounds === 'default' || one.bounds === undefined
        ? one.bounds
        : [one.bounds.from?.toISOString(), one.bounds.to?.toISOString()],
      `${one.ours ? 'ours' : 'foreign'}${one.fenced ? ', fenced' : ''}${one.empty ? ', empty' : ''}`,
    ]);
    const last = ['2025-10-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z'];
    const first = ['2026-01-01T00:00:00.000Z', '2026-04-01T00:00:00.000Z'];
    expect(seen).toEqual([
      ['entries_2025q4', 'entries', '2025q4', 'attached', last, 'ours'],
      ['entries_2026q1', 'entries', '2026q1', 'attached', first, 'ours'],
      ['entries_2030q1', 'entries', '2030q1', 'standalone', undefined, 'foreign, empty'],
      ['entries_2031q1', 'entries', '2031q1', 'standalone', undefined, 'foreign'],
      ['old', 'entries', undefined, 'attached', [undefined, '1900-01-01T00:00:00.123Z'], 'foreign'],
      ['rest', 'entries', undefined, 'attached', 'default', 'foreign'],
      ['transactions_2025q4', 'transactions', '2025q4', 'attached', last, 'ours, fenced'],
      ['transactions_2026q1', 'transactions', '2026q1', 'attached', first, 'ours'],
    ]);
  });

  it('answers while a partition is exclusively locked', async () => {
    const admin = openDatabase({ databaseUrl: home.adminUrl, poolMax: 2 });
    await admin.write.transaction().execute(async (trx) => {
      await sql`LOCK TABLE ledger.entries_2026q1 IN ACCESS EXCLUSIVE MODE`.execute(trx);
      expect(await readCatalog(database.direct)).toHaveLength(8);
      const sizes = await readSizes(database.direct, [
        { schema: 'ledger', name: 'entries_2026q1' },
        { schema: 'ledger', name: 'rest' },
      ]);
      expect(sizes.get('ledger.entries_2026q1')).toBe(0n);
      expect(sizes.get('ledger.rest')).toBeGreaterThan(8192n);
    });
    await admin.close();
  });
});

it('knows a fence by what it says, and asks for no lock to know it', async () => {
  const fenced = async () =>
    (await readQuarterPartitions(database.direct, '2025q4')).map(
      ({ table, fenced }) => `${table.name} ${fenced}`,
    );
  const admin = openDatabase({ databaseUrl: home.adminUrl, poolMax: 2 });
  await admin.write.transaction().execute(async (trx) => {
    await sql`LOCK TABLE ledger.transactions_2025q4 IN ACCESS EXCLUSIVE MODE`.execute(trx);
    expect(await fenced()).toEqual(['transactions true', 'entries false']);
    expect((await readCatalog(database.direct)).filter((one) => one.fenced)).toHaveLength(1);
  });
  await admin.close();
  const add = (constraint: string) =>
    sql
      .raw(`ALTER TABLE ledger.entries_2025q4 DROP CONSTRAINT IF EXISTS quarter_closed;
            ALTER TABLE ledger.entries_2025q4 ADD CONSTRAINT quarter_closed ${constraint}`)
      .execute(database.direct);
  const { rows } = await sql<{ version: number }>`
    SELECT current_setting('server_version_num')::int AS version`.execute(database.direct);
  const others = [
    'CHECK (true)',
    'CHECK (version < 0) NOT VALID',
    'CHECK (NULL)',
    'UNIQUE (ledger_id, created_at)',
  ];
  if ((rows[0]?.version ?? 0) >= 180_000) others.push('CHECK (false) NOT ENFORCED');
  for (const other of others) {
    await add(other);
    expect(await fenced(), other).toEqual(['transactions true', 'entries false']);
  }
  await add('CHECK (false) NOT VALID');
  expect(await fenced()).toEqual(['transactions true', 'entries true']);
  await sql`ALTER TABLE ledger.entries_2025q4 DROP CONSTRAINT quarter_closed`.execute(database.direct);
});

describe('readQuarterPartitions', () => {
  it('tells how the partitions of one quarter stand, in the order of the tables', async () => {
    const of = async (quarter: string) =>
      (await readQuarterPartitions(database.direct, quarter)).map(
        ({ table, attachment, fenced }) => `${table.name} ${attachment}${fenced ? ' fenced' : ''}`,
      );
    expect(await of('2025q4')).toEqual(['transactions attached fenced', 'entries attached']);
    expect(await of('2030q1')).toEqual(['transactions missing', 'entries standalone']);
  });
});

describe('readParents', () => {
  it('refuses a table that is not partitioned', async () => {
    const [table] = quarterTables;
    const other = { ...(table as (typeof quarterTables)[0]), name: 'accounts' };
    await expect(readParents(database.direct, [other])).rejects.toThrow(
      'ledger.accounts is not a partitioned',
    );
  });
});

describe('parseBounds', () => {
  it('takes what is no plain instant for no bound', () => {
    expect(parseBounds('DEFAULT')).toBe('default');
    expect(parseBounds("FOR VALUES FROM ('-infinity') TO (MAXVALUE)")).toEqual({
      from: undefined,
      to: undefined,
    });
    expect(
      parseBounds("FOR VALUES FROM ('0044-03-15 00:00:00+00 BC') TO ('12026-01-01 00:00:00+00')"),
    ).toEqual({
      from: undefined,
      to: new Date('+012026-01-01T00:00:00Z'),
    });
  });
});
