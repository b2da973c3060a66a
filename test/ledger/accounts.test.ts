import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAccountCache, createAccounts, resolveAccounts } from '../../src/ledger/accounts.ts';
import { createLedger } from '../../src/ledger/ledgers.ts';
import { type Book, openBook } from './fixture.ts';

let book: Book;
beforeAll(async () => {
  book = await openBook();
});
afterAll(() => book.close());

describe('accounts', () => {
  it('are created once, however many try, and found by their address', async () => {
    const wanted = Array.from({ length: 50 }, (_, index) => ({
      address: `crowd-${index}:WALLET`,
      currency: 'EUR',
      minBalance: index % 2 === 0 ? null : -3n,
    }));
    const made = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        createAccounts(book.db, book.ledger.id, index % 2 === 0 ? wanted : [...wanted].reverse()),
      ),
    );
    expect(made.reduce((sum, n) => sum + n, 0)).toBe(50);
    const resolved = await resolveAccounts(book.db, createAccountCache(), book.ledger.id, wanted);
    const rows = await book.db
      .selectFrom('ledger.balances')
      .select(['account_id', 'min_balance'])
      .where('ledger_id', '=', book.ledger.id)
      .execute();
    const minimum = new Map(rows.map((row) => [row.account_id, row.min_balance]));
    for (const { address, minBalance } of wanted) {
      expect(minimum.get(resolved.get(address)?.get('EUR') as bigint)).toBe(minBalance);
    }
  });

  it('are asked for again when the cache knows the address in another currency only', async () => {
    const cache = createAccountCache();
    const resolve = (currency: string) =>
      resolveAccounts(book.db, cache, book.ledger.id, [{ address: 'growing:CASH', currency }]);
    await book.open({ address: 'growing:CASH', currency: 'EUR', minBalance: null });
    expect([...((await resolve('EUR')).get('growing:CASH')?.keys() ?? [])]).toEqual(['EUR']);
    await book.open({ address: 'growing:CASH', currency: 'USD', minBalance: null });
    expect([...((await resolve('USD')).get('growing:CASH')?.keys() ?? [])].sort()).toEqual(['EUR', 'USD']);
  });

  it('are forgotten when the cache is full, and found again', async () => {
    const cache = createAccountCache(2);
    const names = ['ann', 'bob', 'cid'].map((name) => ({ address: `${name}:WALLET`, currency: 'EUR' }));
    await book.open(...names.map((name) => ({ ...name, minBalance: null })));
    for (let round = 0; round < 3; round++) {
      expect((await resolveAccounts(book.db, cache, book.ledger.id, names)).size).toBe(3);
    }
  });
});

it('a ledger has a name of lower-case letters', async () => {
  await expect(createLedger(book.db, 'Main')).rejects.toMatchObject({ code: 'invalid_ledger_name' });
  expect(await createLedger(book.db, 'main')).toEqual(book.ledger);
});
