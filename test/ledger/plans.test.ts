import { readFile } from 'node:fs/promises';
import { CompiledQuery, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Book, openBook } from './fixture.ts';

let book: Book;
let made: { id: string; at: string; accounts: string };

const DAY = 86_400_000;

beforeAll(async () => {
  book = await openBook();
  const start = new Date('2023-12-31');
  await book.ensureQuarters(start, new Date('2025-01-01'));
  const names = Array.from({ length: 20 }, (_, index) => `user-${index}:WALLET`);
  await book.open(...names.map((address) => ({ address, currency: 'EUR', minBalance: null })));
  const requests = Array.from({ length: 2000 }, (_, index) => ({
    postings: [
      {
        from: names[index % 20] as string,
        to: names[(index + 1) % 20] as string,
        amount: 1n,
        currency: 'EUR',
      },
    ],
    userId: names[index % 20],
    createdAt: new Date(start.getTime() + (index * 366 * DAY) / 2000),
  }));
  const results = await book.poster.post(book.ledger.id, requests);
  await sql`ANALYZE`.execute(book.db);
  const middle = results[1000];
  if (middle?.kind !== 'created') throw new Error('not booked');
  const { id, createdAt } = middle.transaction;
  made = { id, at: createdAt.toISOString(), accounts: '{1,2}' };
});
afterAll(() => book.close());

async function planOf(name: string, parameters: unknown[]): Promise<string> {
  const text = (await readFile(`sql/queries/${name}.sql`, 'utf8')).replace(/^--.*\n/gm, '');
  const { rows } = await book.db.executeQuery<Record<string, string>>(
    CompiledQuery.raw(`EXPLAIN (COSTS OFF) ${text}`, parameters),
  );
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}

describe('a lookup by id probes one quarter by primary key', () => {
  it('for the transaction', async () => {
    const plan = await planOf('transaction_by_id', [book.ledger.id, made.at, made.id]);
    expect(plan).toMatch(/Index Scan using transactions_2024q\d_pkey/);
    expect(plan.match(/transactions_2024q\d_pkey/g)).toHaveLength(1);
    expect(plan).not.toContain('Append');
  });

  it('for its entries', async () => {
    const plan = await planOf('entries_of_transaction', [book.ledger.id, made.accounts, made.at, made.id]);
    expect(plan.match(/entries_2024q\d_pkey/g)).toHaveLength(1);
    expect(plan).not.toContain('Append');
    expect(plan).not.toContain('Seq Scan on entries');
  });
});

it('balances are locked in the order of their ids', async () => {
  const plan = await planOf('lock_balances', [book.ledger.id, '{3,1,2}']);
  expect(plan).toMatch(/^LockRows/);
  expect(plan).toMatch(/Sort Key: b.account_id|Index Scan using balances_pkey/);
});
