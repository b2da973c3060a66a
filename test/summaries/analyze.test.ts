import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { analyzePartitions } from '../../src/summaries/analyze.ts';
import { staleStatistics } from '../../src/summaries/stale.ts';
import { randomPayments, useBooks } from './books.ts';

const books = useBooks('UTC');

const analyze = () => analyzePartitions({ database: books.database });

/** The planner's idea of how many rows a table has; -1 when it has none. */
async function rowsKnown(name: string): Promise<number> {
  const { rows } = await sql<{ reltuples: number }>`
    SELECT reltuples FROM pg_class WHERE oid = to_regclass(${name})`.execute(books.database.write);
  return rows[0]?.reltuples ?? Number.NaN;
}

describe('after a load', () => {
  it('the partitions it filled and the partitioned tables have statistics', async () => {
    await books.attach(['2024q1', '2024q2', '2024q3']);
    // Autovacuum would be right too, but then this test would not know who did it.
    for (const quarter of ['2024q1', '2024q2', '2024q3']) {
      for (const table of ['transactions', 'entries']) {
        await sql
          .raw(`ALTER TABLE ledger.${table}_${quarter} SET (autovacuum_enabled = false)`)
          .execute(books.database.direct);
      }
    }
    const payments = randomPayments(2000, new Date('2024-01-01T00:00Z'), new Date('2024-06-30T00:00Z'), 1);
    await books.book(payments);
    expect(await analyze()).toEqual({
      analyzed: [
        'ledger.entries_2024q1',
        'ledger.entries_2024q2',
        'ledger.transactions_2024q1',
        'ledger.transactions_2024q2',
        'ledger.entries',
        'ledger.transactions',
      ],
      failed: [],
    });
    const first = payments.filter(({ at }) => at < new Date('2024-04-01T00:00Z')).length;
    expect(await rowsKnown('ledger.transactions_2024q1')).toBe(first);
    expect(await rowsKnown('ledger.transactions')).toBe(2000);
    expect(await rowsKnown('ledger.transactions_2024q3')).toBeLessThanOrEqual(0);
    const { rows } = await sql`
      SELECT DISTINCT inherited FROM pg_stats WHERE schemaname = 'ledger' AND tablename = 'transactions'`.execute(
      books.database.write,
    );
    expect(rows).toEqual([{ inherited: true }]);
  });

  it('nothing is done twice', async () => {
    expect(await analyze()).toEqual({ analyzed: [], failed: [] });
  });

  it('only what grew is done again, at once', async () => {
    await books.book(randomPayments(2000, new Date('2024-05-01T00:00Z'), new Date('2024-06-30T00:00Z'), 2));
    expect((await analyze()).analyzed).toEqual([
      'ledger.entries_2024q2',
      'ledger.transactions_2024q2',
      'ledger.entries',
      'ledger.transactions',
    ]);
  });

  it('a vacuum, which counts the pages anew, does not pass for it', async () => {
    await books.book(randomPayments(3000, new Date('2024-05-01T00:00Z'), new Date('2024-06-30T00:00Z'), 9));
    await sql`VACUUM ledger.transactions_2024q2`.execute(books.database.direct);
    expect((await analyze()).analyzed).toContain('ledger.transactions_2024q2');
  });

  it('what grew is seen before the counters of changes arrive', async () => {
    const admin = openDatabase({ databaseUrl: books.adminUrl, poolMax: 1 });
    try {
      await admin.write.transaction().execute(async (trx) => {
        await sql`SET LOCAL track_counts = off`.execute(trx);
        await sql`
          INSERT INTO ledger.transactions (ledger_id, created_at, id, status, currency, amount, account_ids)
          SELECT 3, '2024-02-01', gen_random_uuid(), 'FAILED', 'EUR', n, '{}'
          FROM generate_series(1, 5000) AS n`.execute(trx);
      });
    } finally {
      await admin.close();
    }
    expect((await analyze()).analyzed).toEqual(['ledger.transactions_2024q1', 'ledger.transactions']);
  });

  it('the partitioned tables follow what autovacuum, or a person, did', async () => {
    await sql`ANALYZE ledger.entries_2024q2`.execute(books.database.direct);
    const { rows } = await sql<{ alone: boolean }>`
      SELECT current_setting('server_version_num')::integer >= 180000 AS alone`.execute(
      books.database.direct,
    );
    // Before version 18 that would read every partition, so only more rows are a reason.
    expect((await analyze()).analyzed).toEqual(rows[0]?.alone ? ['ledger.entries'] : []);
  });
});

describe('a partitioned table', () => {
  const [from, to] = [`'2024-01-01 00:00:00+00'`, `'2024-04-01 00:00:00+00'`];
  const ddl = (text: string) => sql.raw(text).execute(books.database.direct);

  it('is analyzed again when a quarter with many rows has left, or is there again', async () => {
    await ddl('ALTER TABLE ledger.entries DETACH PARTITION ledger.entries_2024q2');
    expect((await analyze()).analyzed).toEqual(['ledger.entries']);
    expect(await analyze()).toEqual({ analyzed: [], failed: [] });
    await ddl(
      `ALTER TABLE ledger.entries ATTACH PARTITION ledger.entries_2024q2 FOR VALUES FROM (${to}) TO ('2024-07-01 00:00:00+00')`,
    );
    expect((await analyze()).analyzed).toEqual(['ledger.entries']);
    expect(await analyze()).toEqual({ analyzed: [], failed: [] });
  });

  it('and its partitions are analyzed for statistics that were made since', async () => {
    await ddl('CREATE STATISTICS ledger.later (mcv) ON ledger_id, amount FROM ledger.entries');
    await ddl('CREATE STATISTICS ledger.later_q1 (mcv) ON ledger_id, amount FROM ledger.entries_2024q1');
    const stale = await staleStatistics(books.database.direct);
    expect(stale).toMatchObject([
      { name: 'entries_2024q1', reason: 'not_built', detail: expect.stringContaining('later_q1') },
      { name: 'entries', partitioned: true, reason: 'not_built' },
    ]);
    expect((await analyze()).analyzed).toEqual(['ledger.entries_2024q1', 'ledger.entries']);
    expect(await staleStatistics(books.database.direct)).toEqual([]);
    await ddl('DROP STATISTICS ledger.later, ledger.later_q1');
  });

  it('is looked at while somebody keeps everybody out of a partition, and the others are seen to', async () => {
    const holder = await books.database.direct.startTransaction().execute();
    try {
      await sql`LOCK TABLE ledger.entries_2024q1 IN ACCESS EXCLUSIVE MODE`.execute(holder);
      expect(await staleStatistics(books.database.write)).toEqual([]);
    } finally {
      await holder.rollback().execute();
    }
  });

  it('a quarter that has left is no business of ours', async () => {
    await ddl(`ALTER TABLE ledger.transactions DETACH PARTITION ledger.transactions_2024q1`);
    await ddl('ALTER TABLE ledger.transactions_2024q1 ADD COLUMN more integer');
    expect((await staleStatistics(books.database.direct)).map(({ name }) => name)).toEqual(['transactions']);
    await ddl('ALTER TABLE ledger.transactions_2024q1 DROP COLUMN more');
    await ddl(
      `ALTER TABLE ledger.transactions ATTACH PARTITION ledger.transactions_2024q1 FOR VALUES FROM (${from}) TO (${to})`,
    );
  });
});

describe('the tables of summaries', () => {
  it('are analyzed when they have changed', async () => {
    await analyze();
    const { direct } = books.database;
    await sql`
      INSERT INTO ledger.daily_transaction_summary
      SELECT 9, date '2024-01-01' + n % 90, 'user-' || n, 'EUR', 'SUCCESS', 1, 1 FROM generate_series(1, 5000) AS n,
           pg_stat_force_next_flush()`.execute(direct);
    await sql`
      INSERT INTO ledger.daily_balances (ledger_id, account_id, snapshot_date, closing_balance)
      SELECT 9, n, '2024-01-01', 1 FROM generate_series(1, 5000) AS n, pg_stat_force_next_flush()`.execute(
      direct,
    );
    expect((await analyze()).analyzed).toEqual(['ledger.daily_balances', 'ledger.daily_transaction_summary']);
  });
});

describe('a table that cannot be analyzed', () => {
  it('is reported with who holds it, and the others are done', { timeout: 60_000 }, async () => {
    const { direct } = books.database;
    await books.book(randomPayments(3000, new Date('2024-07-01T00:00Z'), new Date('2024-09-30T00:00Z'), 3));
    const holder = await direct.startTransaction().execute();
    await sql`LOCK TABLE ledger.entries_2024q3 IN SHARE UPDATE EXCLUSIVE MODE`.execute(holder);
    const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(holder);
    const report = await analyze();
    await holder.rollback().execute();
    expect(report.analyzed).toContain('ledger.transactions_2024q3');
    expect(report.failed).toMatchObject([{ table: 'ledger.entries_2024q3', code: 'lock_timeout' }]);
    expect(report.failed[0]?.detail).toContain(`pid ${rows[0]?.pid}`);
    expect((await analyze()).analyzed).toEqual(['ledger.entries_2024q3', 'ledger.entries']);
  });

  it('is reported when the role may not, which PostgreSQL itself only warns about', async () => {
    await books.book(randomPayments(3000, new Date('2024-02-01T00:00Z'), new Date('2024-03-30T00:00Z'), 4));
    const admin = openDatabase({ databaseUrl: books.adminUrl, poolMax: 1 });
    const url = new URL(books.url);
    const role = `stranger_${url.pathname.slice(1)}`;
    url.username = role;
    url.password = 'secret';
    const stranger = openDatabase({ databaseUrl: url.href, poolMax: 2 });
    try {
      await sql.raw(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`).execute(admin.write);
      await sql.raw(`GRANT USAGE ON SCHEMA ledger TO ${role}`).execute(admin.write);
      const report = await analyzePartitions({ database: stranger });
      expect(report.analyzed).toEqual([]);
      expect(report.failed).toMatchObject([
        { table: 'ledger.entries_2024q1', kind: 'config', code: 'insufficient_privilege' },
        { table: 'ledger.transactions_2024q1', kind: 'config', code: 'insufficient_privilege' },
      ]);
    } finally {
      await stranger.close();
      await sql.raw(`DROP OWNED BY ${role}`).execute(admin.write);
      await sql.raw(`DROP ROLE ${role}`).execute(admin.write);
      await admin.close();
    }
  });
});

describe('counters that a crash has lost', () => {
  it('are no reason to analyze everything again', async () => {
    await analyze();
    const admin = openDatabase({ databaseUrl: books.adminUrl, poolMax: 1 });
    await sql`SELECT pg_stat_reset()`.execute(admin.direct);
    await admin.close();
    expect(await analyze()).toEqual({ analyzed: [], failed: [] });
  });
});
