import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import {
  estimateBloat,
  freshPages,
  measuredBloat,
  readBloat,
  rowBytes,
} from '../../src/summaries/index-bloat.ts';
import { type IndexFacts, readIndexFacts } from '../../src/summaries/index-facts.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

describe('the size of a fresh index', () => {
  it('is made of aligned columns, and of a bitmap where there are NULLs', () => {
    const column = (width: number, align: number, nulls = 0) => ({ width, align, nulls });
    expect(rowBytes([column(4, 4)])).toBe(20);
    expect(rowBytes([column(4, 4), column(8, 8)])).toBe(28);
    expect(rowBytes([column(4, 4), column(7, 1)])).toBe(28);
    expect(rowBytes([column(8, 8, 0.5)])).toBe(28);
    expect(rowBytes([column(4, 4), { width: undefined, align: 1, nulls: 0 }])).toBeUndefined();
  });

  it('rises with the rows, and is never less than they are', () => {
    const rows = fc.integer({ min: 0, max: 10_000_000 });
    const bytes = fc.integer({ min: 16, max: 500 });
    fc.assert(
      fc.property(rows, rows, bytes, (a, b, size) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        expect(freshPages(less, size, 90)).toBeLessThanOrEqual(freshPages(more, size, 90));
        expect(freshPages(more, size, 90) * 8192).toBeGreaterThan(more * size);
      }),
    );
  });

  it('is what pgstatindex says, less what is empty', () => {
    const index = { bytes: 1000n * 8192n, fillfactor: 90 } as IndexFacts;
    const share = (density: number, empty = 0) =>
      measuredBloat(index, { leaves: 990 - empty, empty, deleted: 0, density }).share;
    expect(share(90)).toBe(0);
    expect(share(45)).toBeCloseTo(0.495);
    expect(share(90, 500)).toBeCloseTo(0.5);
    expect(share(Number.NaN)).toBeCloseTo(0.99);
  });
});

describe('the bloat of real indexes', () => {
  let test: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    test = await createDatabase();
    database = openDatabase({ databaseUrl: test.url, poolMax: 2 });
    const db = database.direct;
    await sql.raw('CREATE TABLE ledger.sample (id bigint, name text, note text, extra text)').execute(db);
    await sql
      .raw(`INSERT INTO ledger.sample SELECT n, 'user-' || n, CASE WHEN n % 2 = 0 THEN md5(n::text) END, 'x'
            FROM generate_series(1, 60000) AS n`)
      .execute(db);
    await sql.raw('CREATE INDEX sample_pair ON ledger.sample (id, name)').execute(db);
    await sql.raw('CREATE INDEX sample_note ON ledger.sample (note)').execute(db);
    await sql.raw('CREATE INDEX sample_expression ON ledger.sample (lower(name))').execute(db);
    // Of a column that is mostly NULL the index has the rest only.
    await sql.raw('ALTER TABLE ledger.sample ADD rare text').execute(db);
    await sql.raw('UPDATE ledger.sample SET rare = md5(id::text) WHERE id % 10 = 0').execute(db);
    await sql.raw('CREATE INDEX sample_rare ON ledger.sample (rare) WHERE rare IS NOT NULL').execute(db);
    await sql.raw('CREATE INDEX sample_same ON ledger.sample (extra)').execute(db);
    await sql.raw('ANALYZE ledger.sample').execute(db);
  });
  afterAll(async () => {
    await database.close();
    await test.drop();
  });

  const shares = async () => {
    const facts = (await readIndexFacts(database.direct)).filter(({ table }) => table === 'sample');
    const { by, bloats, unknown } = await readBloat(database.direct, facts, 1n);
    return { by, unknown, bloats: Object.fromEntries(bloats.map(({ index, share }) => [index.name, share])) };
  };

  it('is none of a fresh one by the estimate, and found when four of five rows are gone', async () => {
    const fresh = await shares();
    expect(fresh).toMatchObject({ by: 'estimate', unknown: [] });
    for (const [name, share] of Object.entries(fresh.bloats)) expect(share, name).toBeLessThan(0.1);

    await sql.raw('DELETE FROM ledger.sample WHERE id % 5 > 0').execute(database.direct);
    await sql.raw('VACUUM ANALYZE ledger.sample').execute(database.direct);
    const bloated = await shares();
    for (const name of ['sample_pair', 'sample_expression', 'sample_note'])
      expect(bloated.bloats[name], name).toBeGreaterThan(0.65);
  });

  it('is measured where the extension is there for the role, and about the same', async () => {
    const estimated = await shares();
    const admin = openDatabase({ databaseUrl: test.adminUrl, poolMax: 1 });
    try {
      await sql.raw('CREATE EXTENSION pgstattuple').execute(admin.direct);
      // PostgreSQL lets only those call it who may look into everything.
      expect((await shares()).by).toBe('estimate');
      await sql.raw('GRANT EXECUTE ON FUNCTION pgstatindex(regclass) TO quartermaster').execute(admin.direct);
      const measured = await shares();
      expect(measured.by).toBe('pgstattuple');
      for (const name of ['sample_pair', 'sample_expression', 'sample_note'])
        expect(Math.abs((measured.bloats[name] ?? 0) - (estimated.bloats[name] ?? 0)), name).toBeLessThan(
          0.1,
        );
    } finally {
      await sql.raw('DROP EXTENSION IF EXISTS pgstattuple').execute(admin.direct);
      await admin.close();
    }
  });

  it('is not judged without statistics', async () => {
    await sql
      .raw('CREATE TABLE ledger.fresh (note text); CREATE INDEX fresh_note ON ledger.fresh (note)')
      .execute(database.direct);
    const facts = (await readIndexFacts(database.direct)).filter(({ table }) => table === 'fresh');
    expect(facts.map(estimateBloat)).toEqual([undefined]);
    expect(await readBloat(database.direct, facts, 1n)).toMatchObject({
      bloats: [],
      unknown: ['ledger.fresh_note'],
    });
  });
});
