import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import { findViolations } from '../../src/ledger/invariants.ts';
import { openHouse, payment, post } from '../http/house.ts';
import type { Book } from './fixture.ts';

let book: Book;

beforeAll(async () => {
  const opened = await openHouse();
  book = opened.book;
  const app = createApp(opened.house);
  for (let i = 0; i < 3; i++) expect((await post(app, payment)).statusCode).toBe(201);
});
afterAll(() => book.close());

it('of every account, however many pages of them there are; where pages are counted, of the first ones', async () => {
  await book.open(
    ...Array.from({ length: 7 }, (_, n) => ({
      address: `user-${n}:WALLET`,
      currency: 'EUR',
      minBalance: 0n,
    })),
  );
  for (const pageSize of [1, 2, 3, 9, 100]) expect(await findViolations(book.db, { pageSize })).toEqual([]);
  // Of the last of the two that have entries, and of the sum of all.
  await sql`UPDATE ledger.balances SET posted = posted + 5 WHERE account_id = (
    SELECT max(account_id) FROM ledger.balances WHERE last_entry_at IS NOT NULL)`.execute(book.db);
  for (const pageSize of [1, 2, 3, 9, 100]) {
    expect(await findViolations(book.db, { pageSize })).toMatchObject([
      { what: 'balances in EUR sum to 5, not 0' },
      { what: expect.stringContaining('its last entry says') },
    ]);
  }
  expect(await findViolations(book.db, { pageSize: 1, pages: 1 })).toHaveLength(1);
  const stopped = AbortSignal.abort();
  await expect(findViolations(book.db, { signal: stopped })).rejects.toThrow();
});
