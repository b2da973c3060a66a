import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { buildIndexFile } from '../../src/db/index-file-build.ts';
import { packageRoot } from '../../src/db/root.ts';
import { auditIndexes } from '../../src/summaries/index-audit.ts';
import { indexesNamed, readDeclared, readQueryIndexes } from '../../src/summaries/index-declared.ts';
import type { FindingKind } from '../../src/summaries/index-finding.ts';
import { thresholds } from '../../src/summaries/index-findings.ts';
import { type Book, openBook } from '../ledger/fixture.ts';

let book: Book;

beforeEach(async () => {
  book = await openBook({ poolMax: 4 });
  await book.ensureQuarters(new Date('2026-02-01'), new Date('2026-05-01'));
});

afterEach(() => book.close());

const ddl = (text: string) => sql.raw(text).execute(book.database.direct);
const audit = (limits: Partial<typeof thresholds> = {}) =>
  auditIndexes(book.database, { limits: { ...thresholds, ...limits } });
const found = async (kind: FindingKind, limits: Partial<typeof thresholds> = {}) =>
  (await audit(limits)).findings.filter((one) => one.kind === kind);

describe('an audit of a database', () => {
  it('finds nothing in a fresh one, and says since when scans are counted', async () => {
    const report = await audit();
    expect(report).toMatchObject({ findings: [], freed: 0n, countedDays: 0, bloatBy: 'estimate' });
    expect(report.countedSince).toBeInstanceOf(Date);
    expect(report.indexes).toBeGreaterThan(30);
    expect(report.tooEarly).toEqual([]);
  });

  it('finds what a query misses, and its own command mends it', async () => {
    await ddl('DROP INDEX ledger.transactions_failed_idx, ledger.accounts_address_key');
    const missing = await found('missing');
    expect(missing.map(({ index, queries, mend }) => [index, queries, mend])).toEqual([
      [
        'ledger.accounts_address_key',
        ['accounts_by_address', 'accounts_of_entity', 'accounts_of_groups', 'lock_accounts'],
        'quartermaster indexes build sql/migrations/0004_account_indexes.build.sql',
      ],
      [
        'ledger.transactions_failed_idx',
        ['count_days', 'transactions_failed'],
        'quartermaster indexes build sql/migrations/0012_list_indexes.build.sql',
      ],
    ]);
    for (const { mend } of missing) {
      const name = mend?.split(' ').at(-1) ?? '';
      const text = await readFile(join(packageRoot(), name), 'utf8');
      await buildIndexFile(book.database.direct, { name, text });
    }
    expect((await audit()).findings).toEqual([]);
  });

  it('finds the index of a table that a partition has not, and a key that is gone', async () => {
    await ddl(`
      DROP INDEX ledger.transactions_failed_idx;
      CREATE INDEX transactions_failed_idx ON ONLY ledger.transactions (ledger_id, created_at DESC, id DESC) WHERE status = 'FAILED';
      ALTER TABLE ledger.daily_totals DROP CONSTRAINT daily_totals_pkey;
      ALTER TABLE ledger.entries DROP CONSTRAINT entries_pkey;`);
    expect(
      (await found('missing')).map(({ detail, mend }) => [detail.split('.').slice(0, 2).join('.'), mend]),
    ).toEqual([
      [
        'ledger.entries_pkey is not there',
        'ALTER TABLE ledger.entries ADD PRIMARY KEY (ledger_id, account_id, created_at, version)',
      ],
      [
        'ledger.transactions_failed_idx is not there, or not valid, on transactions_2026q1, transactions_2026q2',
        'quartermaster indexes build sql/migrations/0012_list_indexes.build.sql',
      ],
      ['ledger.daily_totals_pkey is not there', null],
    ]);
  });

  it('finds duplicates, beginnings of others, broken ones and leftovers, and each statement mends', async () => {
    await ddl(`
      CREATE INDEX twin ON ledger.accounts (ledger_id, entity_id, group_type, currency) INCLUDE (id, status, name);
      CREATE INDEX short ON ledger.entries (ledger_id, account_id);
      CREATE INDEX own ON ledger.entries_2026q1 (ledger_id, account_id, created_at);
      CREATE TABLE ledger.same (a integer); INSERT INTO ledger.same VALUES (1), (1)`);
    const unique = 'CREATE UNIQUE INDEX CONCURRENTLY';
    for (const name of ['broken', 'broken_ccnew', 'broken_ccold1'])
      await expect(ddl(`${unique} ${name} ON ledger.same (a)`)).rejects.toThrow(/could not create/);
    const { findings } = await audit();
    expect(findings.map(({ kind, index }) => `${kind} ${index}`).sort()).toEqual([
      'invalid ledger.broken',
      'leftover ledger.broken_ccnew',
      'leftover ledger.broken_ccold1',
      // A unique index does all that a plain one of the same columns does.
      'redundant ledger.own',
      'redundant ledger.short',
      'redundant ledger.twin',
    ]);
    await ddl('DELETE FROM ledger.same');
    for (const { mend } of findings) await ddl(mend ?? '');
    expect((await audit()).findings).toEqual([]);
  });

  it('finds what was never read when scans were counted for long enough', async () => {
    await ddl('CREATE INDEX never ON ledger.entries (amount); CREATE INDEX read ON ledger.entries (version)');
    await book.database.direct.connection().execute(async (session) => {
      await sql`SET enable_seqscan = off`.execute(session);
      await sql`SELECT FROM ledger.entries_2026q2 WHERE version = 7`.execute(session);
      await sql`SELECT pg_stat_force_next_flush()`.execute(session);
    });
    expect(await audit()).toMatchObject({ findings: [], tooEarly: ['ledger.never'] });
    expect((await found('unused', { unusedDays: 0 })).map(({ index }) => index)).toEqual(['ledger.never']);
    // What the software itself brings along is not called unused.
    expect((await found('idle', { unusedDays: 0 })).length).toBeGreaterThan(5);
  });

  it('leaves out the own tables of a quarter that is detached, and whatever is not ours', async () => {
    await ddl(`
      ALTER TABLE ledger.entries DETACH PARTITION ledger.entries_2026q1;
      CREATE INDEX extra ON ledger.entries_2026q1 (ledger_id);
      CREATE SCHEMA theirs; CREATE TABLE theirs.t (a integer); CREATE INDEX one ON theirs.t (a); CREATE INDEX two ON theirs.t (a)`);
    const report = await audit({ unusedDays: 0 });
    expect(report.findings.filter(({ kind }) => kind !== 'idle')).toEqual([]);
  });

  it('finds bloat by the thresholds, and tells what it would free', async () => {
    await ddl(`
      CREATE TABLE ledger.big (id integer PRIMARY KEY);
      INSERT INTO ledger.big SELECT generate_series(1, 50000);
      DELETE FROM ledger.big WHERE id % 10 > 0`);
    await ddl('VACUUM ANALYZE ledger.big');
    expect(await found('bloated')).toEqual([]);
    const report = await audit({ bloatBytes: 500_000n });
    expect(report.findings).toMatchObject([{ kind: 'bloated', index: 'ledger.big_pkey' }]);
    expect(report.freed).toBeGreaterThan(500_000n);
  });

  it('finds updates of balances that an index too many has to be told of', async () => {
    await ddl(`
      INSERT INTO ledger.accounts (ledger_id, entity_id, group_type, currency) VALUES (${book.ledger.id}, 'a', 'B', 'EUR');
      INSERT INTO ledger.balances (ledger_id, account_id) SELECT ledger_id, id FROM ledger.accounts;
      CREATE INDEX balances_version_idx ON ledger.balances (version)`);
    await book.db.transaction().execute(async (trx) => {
      for (let i = 0; i < 20; i++) await sql`UPDATE ledger.balances SET version = version + 1`.execute(trx);
      await sql`SELECT pg_stat_force_next_flush()`.execute(trx);
    });
    expect(await found('not_hot', { hotUpdates: 20 })).toMatchObject([
      { detail: /^Only 0 % of 20 updates/, mend: 'DROP INDEX CONCURRENTLY ledger.balances_version_idx' },
    ]);
  });

  it('does not wait for ever for who keeps everybody out of a table or an index', async () => {
    const holder = openDatabase({ databaseUrl: book.url, poolMax: 1 });
    const holding = async (statement: string, action: () => Promise<void>) => {
      await holder.direct
        .transaction()
        .execute(async (trx) => {
          await sql.raw(statement).execute(trx);
          await action();
          throw new Error('taken back');
        })
        .catch((error: Error) => expect(error.message).toBe('taken back'));
    };
    await holding('REINDEX INDEX ledger.transactions_2026q1_pkey', async () => {
      expect((await audit()).findings).toEqual([]);
    });
    await holding('ALTER TABLE ledger.reservations ADD COLUMN more text', async () => {
      // PostgreSQL itself looks at the table for the condition of an index of it.
      await audit().catch((error: unknown) => expect(error).toMatchObject({ code: 'lock_timeout' }));
    });
    await holder.close();
  });
});

describe('the statements of sql/queries', () => {
  it('each say in their first line which indexes they rest on, and all of those are there', async () => {
    const directory = join(packageRoot(), 'sql', 'queries');
    const without: string[] = [];
    for (const file of await readdir(directory)) {
      if (indexesNamed(await readFile(join(directory, file), 'utf8')) === undefined) without.push(file);
    }
    expect(without).toEqual([]);
    const { rows } = await sql<{ name: string }>`
      SELECT c.relname AS name FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
      JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'ledger'`.execute(book.db);
    const there = new Set(rows.map(({ name }) => name));
    expect([...(await readQueryIndexes()).keys()].filter((name) => !there.has(name))).toEqual([]);
  });

  it('are what the declared indexes are for', async () => {
    const declared = await readDeclared(book.db);
    // These are for a close, for the refresh of a day, and for the lists of a quarter's events and of all.
    expect(
      declared
        .filter(({ queries }) => queries.length === 0)
        .map(({ name }) => name)
        .sort(),
    ).toEqual([
      'daily_balances_day_idx',
      'entries_time_idx',
      'house_events_at_idx',
      'quarter_events_at_idx',
      'quarter_events_quarter_idx',
    ]);
    expect(declared.find(({ name }) => name === 'transactions_user_idx')).toEqual({
      name: 'transactions_user_idx',
      schema: 'ledger',
      table: 'transactions',
      key: undefined,
      file: 'sql/migrations/0006_transaction_indexes.build.sql',
      queries: ['count_days_of_user', 'transactions_of_user', 'transactions_of_user_all'],
    });
  });

  it.each([
    ['-- Indexes: a_pkey, b_idx\nSELECT', ['a_pkey', 'b_idx']],
    ['-- Indexes: none\nSELECT', []],
    ['-- Something\n-- Indexes: a\nSELECT', undefined],
    ['-- Indexes: a b\n', undefined],
  ])('are read by their first line: %j', (text, names) => {
    expect(indexesNamed(text)).toEqual(names);
  });
});
