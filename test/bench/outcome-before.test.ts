import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAccounts } from '../../bench/books.ts';
import { getTypeParser, withClient } from '../../bench/database.ts';
import { createPairs, createRandom } from '../../bench/distributions.ts';
import { transfer } from '../../bench/outcome/before-post.ts';
import { balanceBefore, listBefore, reportBefore } from '../../bench/outcome/before-read.ts';
import { makeBefore } from '../../bench/outcome/before-rows.ts';
import { verifyBooks } from '../../bench/outcome/books.ts';
import { makeNaiveRows } from '../../bench/read-naive-rows.ts';
import { createIds } from '../../src/core/id.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

const ACCOUNTS = 10;
const newId = createIds();

let database: TestDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createDatabase();
  const bench = { say: () => {} } as unknown as Parameters<typeof makeBefore>[0];
  await withClient(database.url, async (client) => {
    await client.query("INSERT INTO ledger.ledgers (name) VALUES ('bench')");
    await openAccounts(client, 'bench', ACCOUNTS);
  });
  await makeNaiveRows(bench, database.url);
  await makeBefore(bench, database.url);
  pool = new pg.Pool({ connectionString: database.url, max: 10, types: { getTypeParser } });
});

afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

async function post(from: number, to: number, amount: bigint, at = new Date()) {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const request = {
      userId: `user-${from}`,
      postings: [{ from: `user-${from}:WALLET`, to: `user-${to}:WALLET`, amount, currency: 'EUR' }],
    };
    const result = await transfer(client, request, { id: newId(at), at });
    await client.query(result.kind === 'created' ? 'COMMIT' : 'ROLLBACK');
    return result;
  } finally {
    client.release();
  }
}

describe('the ledger as a team has it before', () => {
  it('keeps its books while transfers fight over few accounts, and is found out when it does not', async () => {
    const next = createPairs('spread', ACCOUNTS, createRandom(1));
    const results = await Promise.all(Array.from({ length: 300 }, () => post(...next(), 5n)));
    expect(results.every(({ kind }) => kind === 'created')).toBe(true);
    await withClient(database.url, async (client) => {
      await verifyBooks(client, 'before', 0, { posted: 300, unknown: 0 });
      await verifyBooks(client, 'before', 0, { posted: 290, unknown: 10 });
      await verifyBooks(client, 'before', 100, { posted: 200, unknown: 0 });
      await verifyBooks(client, 'ours', 0, { posted: 0, unknown: 0 });
      const wrong = async (sent: { posted: number; unknown: number }) =>
        expect(verifyBooks(client, 'before', 0, sent)).rejects.toThrow('The books of before are wrong');
      await wrong({ posted: 301, unknown: 5 });
      await wrong({ posted: 290, unknown: 9 });
      await client.query('UPDATE naive.accounts SET balance = balance + 1 WHERE id = 3');
      await expect(verifyBooks(client, 'before', 0, { posted: 300, unknown: 0 })).rejects.toThrow(
        '"wrong_balances":"1"',
      );
      await client.query('UPDATE naive.accounts SET balance = balance - 1 WHERE id = 3');
      // Two entries that cancel each other out are no less wrong.
      await client.query(
        `INSERT INTO naive.entries (transaction_id, account_id, created_at, amount)
         SELECT gen_random_uuid(), 3, now(), amount FROM unnest('{7,-7}'::bigint[]) AS amount`,
      );
      await wrong({ posted: 300, unknown: 0 });
      await client.query('DELETE FROM naive.entries WHERE abs(amount) = 7');
    });
  });

  it('refuses what an account has not got, and books nothing of it', async () => {
    const { kind } = await post(1, 2, 2_000_000_000_000n);
    expect(kind).toBe('refused');
    await withClient(database.url, (client) => verifyBooks(client, 'before', 0, { posted: 300, unknown: 0 }));
  });

  it('lists pages with the total, newest first, each once', async () => {
    const seen: { id: string; createdAt: Date }[] = [];
    let cursor: string | undefined;
    do {
      const { transactions, next, total } = await listBefore(pool, { status: 'SUCCESS', limit: 70, cursor });
      expect(total).toEqual({ count: 300n, exact: true });
      seen.push(...transactions);
      cursor = next;
    } while (cursor !== undefined);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(300);
    const instants = seen.map(({ createdAt }) => createdAt.getTime());
    expect(instants).toEqual(instants.toSorted((a, b) => b - a));
    const { transactions, total } = await listBefore(pool, { userId: 'user-4', status: 'FAILED', limit: 5 });
    expect([transactions, total]).toEqual([[], { count: 0n, exact: true }]);
  });

  it('knows a balance now and as it was, and the months of a user', async () => {
    const early = new Date('2020-01-31T12:00:00Z');
    await post(7, 8, 100n, early);
    await post(7, 8, 11n, new Date('2020-02-01T00:00:00Z'));
    const now = await balanceBefore(pool, { account: 'user-7:WALLET', currency: 'EUR' });
    const { rows } = await pool.query(
      'SELECT sum(amount)::text AS sum FROM naive.entries WHERE account_id = 7',
    );
    expect(String(now.posted)).toBe(rows[0].sum);
    expect((await balanceBefore(pool, { account: 'user-7:WALLET', at: early })).posted).toBe(-100n);
    await expect(balanceBefore(pool, { account: 'user-99:WALLET' })).rejects.toThrow('no account');

    const months = { from: '2020-01-01', to: '2020-02-01', groupBy: 'month' as const };
    const { lines } = await reportBefore(pool, { ...months, userId: 'user-7' });
    expect(lines.map((line) => [line.period, line.status, line.transactionCount, line.totalAmount])).toEqual([
      ['2020-01', 'SUCCESS', 1n, 100n],
      ['2020-02', 'SUCCESS', 1n, 11n],
    ]);
    expect((await reportBefore(pool, { ...months, userId: 'user-8' })).lines).toEqual([]);
    expect((await reportBefore(pool, { ...months, to: '2020-01-31' })).lines).toHaveLength(1);
  });
});
