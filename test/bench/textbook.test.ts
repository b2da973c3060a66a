import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBooks, verifyBooks } from '../../bench/books.ts';
import { getTypeParser, withClient } from '../../bench/database.ts';
import { createPairs, createRandom } from '../../bench/distributions.ts';
import { createTextbookPoster } from '../../bench/textbook-post.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

const ACCOUNTS = 10;

let database: TestDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createDatabase();
  await withClient(database.url, (client) => openBooks({ say: () => {} }, client, ACCOUNTS));
  pool = new pg.Pool({ connectionString: database.url, max: 10, types: { getTypeParser } });
});

afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

it('the textbook side keeps its books while batches and singles fight over few accounts', async () => {
  const post = createTextbookPoster(pool);
  const next = createPairs('spread', ACCOUNTS, createRandom(1));
  const transaction = () => {
    const [from, to] = next();
    return {
      postings: [{ from: `user-${from}:WALLET`, to: `user-${to}:WALLET`, amount: 5n, currency: 'EUR' }],
    };
  };
  const sizes = Array.from({ length: 40 }, (_, index) => (index % 4 === 0 ? 25 : 1));
  const results = await Promise.all(sizes.map((size) => post(1, Array.from({ length: size }, transaction))));
  expect(results.flat().every(({ kind }) => kind === 'created')).toBe(true);
  const acknowledged = results.flat().length;

  await withClient(database.url, async (client) => {
    await verifyBooks(client, 'textbook', acknowledged);
    await verifyBooks(client, 'ours', 0);
    await expect(verifyBooks(client, 'textbook', acknowledged + 1)).rejects.toThrow('were acknowledged');
    await client.query('UPDATE textbook.balances SET posted = posted + 1 WHERE account_id = 3');
    await expect(verifyBooks(client, 'textbook', acknowledged)).rejects.toThrow('"wrong_balances":"1"');
  });
});

it('the textbook side refuses what an account has not got, and books nothing of it', async () => {
  const post = createTextbookPoster(pool);
  const [result] = await post(1, [
    {
      postings: [{ from: 'user-1:WALLET', to: 'user-2:WALLET', amount: 2_000_000_000_000n, currency: 'EUR' }],
    },
  ]);
  expect(result?.kind).toBe('refused');
});
