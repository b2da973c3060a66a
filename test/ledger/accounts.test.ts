import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAccounts } from '../../src/ledger/account-create.ts';
import { type AccountCache, createAccountCache, resolveAccounts } from '../../src/ledger/accounts.ts';
import { createLedger } from '../../src/ledger/ledgers.ts';
import { type Book, openBook } from './fixture.ts';

let book: Book;
beforeAll(async () => {
  book = await openBook();
});
afterAll(() => book.close());

const named = (currency: string, ...addresses: string[]) => new Map([[currency, new Set(addresses)]]);

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
    const names = named('EUR', ...wanted.map(({ address }) => address));
    const known = await resolveAccounts(book.db, createAccountCache(), book.ledger.id, names);
    expect(known.map(({ id }) => id)).toEqual(known.map(({ id }) => id).toSorted((a, b) => Number(a - b)));
    const idOf = new Map(known.map(({ id, address }) => [address, id]));
    const rows = await book.db
      .selectFrom('ledger.balances')
      .select(['account_id', 'min_balance'])
      .where('ledger_id', '=', book.ledger.id)
      .execute();
    const minimum = new Map(rows.map((row) => [row.account_id, row.min_balance]));
    for (const { address, minBalance } of wanted) {
      expect(minimum.get(idOf.get(address) as bigint)).toBe(minBalance);
    }
  });

  it('are asked for again when the cache knows the address in another currency only', async () => {
    const cache = createAccountCache();
    const resolve = async (...currencies: string[]) => {
      const names = new Map(currencies.map((currency) => [currency, new Set(['growing:CASH'])]));
      const known = await resolveAccounts(book.db, cache, book.ledger.id, names);
      return known.map(({ currency }) => currency).sort();
    };
    await book.open({ address: 'growing:CASH', currency: 'EUR', minBalance: null });
    expect(await resolve('EUR')).toEqual(['EUR']);
    // It is not there in dollars, so what it is kept in is told.
    expect(await resolve('USD')).toEqual(['EUR']);
    expect(await resolve('EUR', 'USD')).toEqual(['EUR']);
    await book.open({ address: 'growing:CASH', currency: 'USD', minBalance: null });
    expect(await resolve('USD')).toEqual(['USD']);
    expect(await resolve('EUR', 'USD')).toEqual(['EUR', 'USD']);
    expect(await resolve('EUR')).toEqual(['EUR']);
  });

  it('that nobody has are not among those that were found', async () => {
    const names = named('EUR', 'ann:WALLET', 'nobody:WALLET', 'no address');
    await book.open({ address: 'ann:WALLET', currency: 'EUR', minBalance: null });
    const cache = createAccountCache();
    for (let round = 0; round < 2; round++) {
      const known = await resolveAccounts(book.db, cache, book.ledger.id, names);
      expect(known.map(({ address }) => address)).toEqual(['ann:WALLET']);
    }
  });

  it('are forgotten when the cache is full, and found again', async () => {
    const cache = createAccountCache(1);
    const addresses = ['ann:WALLET', 'bob:WALLET', 'cid:WALLET'];
    await book.open(...addresses.map((address) => ({ address, currency: 'EUR', minBalance: null })));
    for (let round = 0; round < 3; round++) {
      const known = await resolveAccounts(book.db, cache, book.ledger.id, named('EUR', ...addresses));
      expect(known).toHaveLength(3);
    }
  });
});

describe('the account cache', () => {
  const known = (cache: AccountCache, count: number) =>
    Array.from({ length: count }, (_, index) => index).filter((index) => cache.get(1, `a-${index}:X`));

  it('keeps what is used when it forgets the rest', () => {
    const cache = createAccountCache(10);
    for (let index = 0; index < 1000; index++) {
      cache.set(1, `a-${index}:X`, new Map([['EUR', BigInt(index)]]));
      expect(cache.get(1, 'a-0:X')?.get('EUR')).toBe(0n);
    }
    const left = known(cache, 1000);
    expect(left).toContain(999);
    expect(left.length).toBeLessThanOrEqual(20);
    expect(cache.get(2, 'a-999:X')).toBeUndefined();
  });

  it('forgets what nobody has used for as long as it may be kept', () => {
    let now = 0;
    const cache = createAccountCache(100, 60, () => now);
    for (const at of [0, 61, 122]) {
      now = at;
      cache.set(1, `a-${at}:X`, new Map([['EUR', 1n]]));
    }
    expect(known(cache, 123)).toEqual([61, 122]);
  });
});

it('a ledger has a name of lower-case letters', async () => {
  await expect(createLedger(book.db, 'Main')).rejects.toMatchObject({ code: 'invalid_ledger_name' });
  expect(await createLedger(book.db, 'main')).toEqual(book.ledger);
});
