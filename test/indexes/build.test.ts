import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AppError } from '../../src/core/errors.ts';
import { openDatabase } from '../../src/db/database.ts';
import { buildIndexFile } from '../../src/db/index-file-build.ts';
import type { OnBlocked } from '../../src/db/locks.ts';
import { type Book, openBook } from '../ledger/fixture.ts';
import { holdRead } from './build-process.ts';
import { complete, EXAMPLE, indexesLike } from './fixture.ts';

const QUARTERS = ['2026q1', '2026q2', '2026q3'];

let book: Book;

beforeEach(async () => {
  book = await openBook({ poolMax: 4 });
  await book.ensureQuarters(new Date('2026-02-01'), new Date('2026-08-01'));
});

afterEach(() => book.close());

const ddl = (text: string) => sql.raw(text).execute(book.database.direct);
const build = (text: string, options = {}) =>
  buildIndexFile(book.database.direct, { name: 'example.sql', text }, options);
const all = (pattern = '%currency_idx') => indexesLike(book.db, pattern);

describe('an index of a partitioned table', () => {
  it('is built on each partition, attached, and valid in the end; then there is nothing to do', async () => {
    const [report] = await build(EXAMPLE.text);
    expect(report).toEqual({
      index: 'ledger.transactions_currency_idx',
      table: 'ledger.transactions',
      wasThere: false,
      built: QUARTERS.map((q) => `ledger.transactions_${q}_currency_idx`),
      attached: [],
      dropped: [],
    });
    expect(await all()).toEqual(complete(QUARTERS));
    expect(await build(EXAMPLE.text)).toMatchObject([{ wasThere: true, built: [] }]);
    // A partition that is made later gets its own with the table.
    await book.ensureQuarters(new Date('2026-11-01'), new Date('2026-11-01'));
    expect(await all('transactions_2026q4_ledger_id_currency%')).toHaveLength(1);
  });

  it('takes what is there of the same definition, whatever its name, and what others made of the table’s', async () => {
    await ddl(`
      CREATE INDEX mine ON ledger.transactions_2026q2 (ledger_id, currency, created_at DESC);
      CREATE INDEX transactions_currency_idx ON ONLY ledger.transactions (ledger_id, currency, created_at DESC);`);
    const [report] = await build(EXAMPLE.text);
    expect(report).toMatchObject({ attached: ['ledger.mine'], dropped: [] });
    expect(report?.built).toHaveLength(2);
    expect(await all('mine')).toEqual(['mine valid on transactions_2026q2 of transactions_currency_idx']);
  });

  it('is refused where another one has its name, and both are told', async () => {
    await ddl('CREATE INDEX transactions_currency_idx ON ledger.transactions (currency)');
    await expect(build(EXAMPLE.text)).rejects.toMatchObject({
      kind: 'conflict',
      code: 'index_differs',
      detail:
        /is there already.*btree \(currency\).*asked for: .*btree \(ledger_id, currency, created_at DESC\)/,
    });
    await expect(build('CREATE INDEX entries_pkey ON ledger.transactions (currency)')).rejects.toMatchObject({
      code: 'index_differs',
    });
    await expect(build('CREATE INDEX quarters ON ledger.ledgers (name)')).resolves.toHaveLength(1);
    await expect(build('CREATE INDEX entries ON ledger.ledgers (id)')).rejects.toMatchObject({
      code: 'index_differs',
      detail: /something that is no index/,
    });
  });

  it.each<[string, string, RegExp]>([
    [
      'a column that is not there',
      'CREATE INDEX a ON ledger.entries (nothing)',
      /line 1: .*"nothing" does not exist/,
    ],
    [
      'a table that is not there',
      '\nCREATE INDEX a ON ledger.nothing (b)',
      /line 2: .*no table ledger.nothing/,
    ],
    [
      'a unique one without the key of the partitions',
      'CREATE UNIQUE INDEX a ON ledger.entries (ledger_id, transaction_id)',
      /must include all partitioning columns.*lacks column "created_at"/,
    ],
    ['what is no syntax', 'CREATE INDEX a ON ledger.entries (amount) WHERE', /syntax error/],
  ])('with %s is refused before anything is done', async (_what, text, why) => {
    const before = await all('%');
    await expect(build(`CREATE INDEX b ON ledger.ledgers (name);${text}`)).rejects.toMatchObject({
      kind: 'invalid',
      code: 'index_refused',
      detail: why,
    });
    expect(await all('%')).toEqual(before);
  });

  it('that cannot be unique is told with the duplicate, and nothing of it is left', async () => {
    await ddl(`
      INSERT INTO ledger.transactions (ledger_id, created_at, id, status, currency, amount, account_ids)
      SELECT 1, '2026-05-05', gen_random_uuid(), 'SUCCESS', 'EUR', 7, '{}' FROM generate_series(1, 2)`);
    const text =
      'CREATE UNIQUE INDEX transactions_once_key ON ledger.transactions (ledger_id, created_at, amount);';
    await expect(build(text)).rejects.toMatchObject({
      kind: 'conflict',
      code: 'duplicate_key',
      detail:
        /transactions_once_key cannot be unique: in ledger.transactions_2026q2 Key .*amount\)=\(1, .*7\) is duplicated/,
    });
    expect(await all('%once_key')).toEqual([]);
    await ddl('CREATE UNIQUE INDEX unlike ON ledger.transactions_2026q2 (ledger_id, created_at, id, amount)');
  });

  it('that cannot be unique goes again without keeping anybody out for long, and tells who is in the way', async () => {
    await ddl(`
      INSERT INTO ledger.transactions (ledger_id, created_at, id, status, currency, amount, account_ids)
      SELECT 1, '2026-08-05', gen_random_uuid(), 'SUCCESS', 'EUR', 7, '{}' FROM generate_series(1, 2)`);
    const letGo = await holdRead(book.db, 'ledger.transactions_2026q1');
    const told: string[][] = [];
    const onBlocked: OnBlocked = (relations, blockers, _attempt, waiting) => {
      if (waiting === 'short' && blockers.length > 0) told.push([...relations]);
      if (told.length > 0) void letGo();
    };
    const text =
      'CREATE UNIQUE INDEX transactions_once_key ON ledger.transactions (ledger_id, created_at, amount);';
    await expect(build(text, { onBlocked })).rejects.toMatchObject({ code: 'duplicate_key' });
    expect(told[0]).toContain('ledger.transactions_2026q1');
    expect(await all('%once_key')).toEqual([]);
  });

  it('leaves none of its own where somebody attaches another one meanwhile', async () => {
    let done = false;
    const onStatement = async (statement: string) => {
      if (done || !/ATTACH PARTITION.*2026q2/.test(statement)) return;
      done = true;
      await sql
        .raw(`CREATE INDEX theirs ON ledger.transactions_2026q2 (ledger_id, currency, created_at DESC);
              ALTER INDEX ledger.transactions_currency_idx ATTACH PARTITION ledger.theirs`)
        .execute(book.db);
    };
    const [report] = await build(EXAMPLE.text, { onStatement });
    expect(report).toMatchObject({
      built: ['2026q1', '2026q3'].map((q) => `ledger.transactions_${q}_currency_idx`),
      dropped: ['ledger.transactions_2026q2_currency_idx'],
    });
    expect(await all()).toEqual(complete(['2026q1', '2026q3']));
    expect(await all('theirs')).toEqual(['theirs valid on transactions_2026q2 of transactions_currency_idx']);
  });

  it('is not completed with a part that is not valid, and what it is told mends that', async () => {
    await ddl(`
      CREATE INDEX transactions_currency_idx ON ONLY ledger.transactions (ledger_id, currency, created_at DESC);
      CREATE INDEX theirs ON ledger.transactions_2026q2 (ledger_id, currency, created_at DESC)`);
    const admin = openDatabase({ databaseUrl: book.adminUrl, poolMax: 1 });
    await sql`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ledger.theirs'::regclass`.execute(
      admin.direct,
    );
    await admin.close();
    await ddl('ALTER INDEX ledger.transactions_currency_idx ATTACH PARTITION ledger.theirs');
    const failure = await build(EXAMPLE.text).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'index_incomplete', detail: /Run `REINDEX[^`]*"theirs"`, then/ });
    await ddl(/`(.*)`/.exec((failure as AppError).detail)?.[1] ?? '');
    expect(await build(EXAMPLE.text)).toMatchObject([{ built: [] }]);
    expect(await all()).toContainEqual('transactions_currency_idx valid on transactions');
  });

  it('is built where one partition left after the others were done', async () => {
    const detach = 'ALTER TABLE ledger.transactions DETACH PARTITION ledger.transactions_2026q3';
    let left = false;
    const onStatement = async (statement: string) => {
      if (left || !statement.startsWith('CREATE INDEX CONCURRENTLY') || !statement.includes('2026q3')) return;
      left = true;
      await sql.raw(detach).execute(book.db);
    };
    const [report] = await build(EXAMPLE.text, { onStatement });
    expect(left).toBe(true);
    // That one was built too, and stays with its table for the day it comes back.
    expect(report?.built).toHaveLength(3);
    expect(await all()).toEqual(
      [
        ...complete(['2026q1', '2026q2']),
        'transactions_2026q3_currency_idx valid on transactions_2026q3',
      ].toSorted(),
    );
    await ddl(`ALTER TABLE ledger.transactions ATTACH PARTITION ledger.transactions_2026q3
               FOR VALUES FROM ('2026-07-01Z') TO ('2026-10-01Z')`);
    expect(await all()).toEqual(complete(QUARTERS));
  });

  it('is built where a partition is dropped or made meanwhile', async () => {
    let changed = false;
    const onStatement = async (statement: string) => {
      if (changed || !statement.startsWith('CREATE INDEX CONCURRENTLY')) return;
      changed = true;
      await sql.raw('DROP TABLE ledger.transactions_2026q1').execute(book.db);
      await book.ensureQuarters(new Date('2026-11-01'), new Date('2026-11-01'));
    };
    await build(EXAMPLE.text, { onStatement });
    const found = await indexesLike(book.db, 'transactions_2026%currency%');
    expect(found).toHaveLength(3);
    for (const line of found) expect(line).toMatch(/ valid .* of transactions_currency_idx$/);
    expect(await all('transactions_currency_idx')).toEqual([
      'transactions_currency_idx valid on transactions',
    ]);
  });

  it('is only told of in a dry run', async () => {
    const told: string[] = [];
    const before = await all('%');
    const onStatement = (statement: string) => void told.push(statement);
    await build(`${EXAMPLE.text}CREATE INDEX ledgers_at_idx ON ledger.ledgers (created_at)`, {
      dryRun: true,
      onStatement,
    });
    expect(await all('%')).toEqual(before);
    expect(told).toHaveLength(8);
    expect(told[0]).toMatch(
      /^CREATE INDEX "transactions_currency_idx" ON ONLY "ledger"."transactions" USING btree/,
    );
    expect(told[1]).toMatch(/^CREATE INDEX CONCURRENTLY "transactions_2026q1_currency_idx" ON /);
    expect(told[2]).toMatch(/^ALTER INDEX "ledger"."transactions_currency_idx" ATTACH PARTITION /);
    expect(told[7]).toMatch(/^CREATE INDEX CONCURRENTLY "ledgers_at_idx" ON "ledger"."ledgers"/);
  });
});

describe('an index of a plain table', () => {
  it('is built, and what was left invalid of it is built anew', async () => {
    await ddl("INSERT INTO ledger.currencies (code, exponent) VALUES ('AAA', 2)");
    const unique = 'CREATE UNIQUE INDEX CONCURRENTLY currencies_exponent_key ON ledger.currencies (exponent)';
    await expect(ddl(unique)).rejects.toThrow(/could not create unique index/);
    expect(await all('currencies_exponent%')).toEqual(['currencies_exponent_key INVALID on currencies']);
    await expect(
      build('CREATE UNIQUE INDEX currencies_exponent_key ON ledger.currencies (exponent)'),
    ).rejects.toMatchObject({ code: 'duplicate_key' });
    expect(await all('currencies_exponent%')).toEqual([]);

    await expect(ddl(unique)).rejects.toThrow(/could not create unique index/);
    await ddl("DELETE FROM ledger.currencies WHERE code NOT IN ('EUR', 'JPY')");
    expect(
      await build('CREATE UNIQUE INDEX currencies_exponent_key ON ledger.currencies (exponent)'),
    ).toMatchObject([
      { dropped: ['ledger.currencies_exponent_key'], built: ['ledger.currencies_exponent_key'] },
    ]);
    expect(await all('currencies_exponent%')).toEqual(['currencies_exponent_key valid on currencies']);
  });
});
