import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAccountNames } from '../../src/ledger/account-names.ts';
import { createAccountCache, resolveAccounts } from '../../src/ledger/accounts.ts';
import { type Book, openBook } from './fixture.ts';

let book: Book;
const ids: bigint[] = [];
beforeAll(async () => {
  book = await openBook();
  const addresses = ['ann:WALLET', 'bob:WALLET', 'cid:WALLET'];
  await book.open(...addresses.map((address) => ({ address, currency: 'EUR', minBalance: null })));
  const names = new Map([['EUR', new Set(addresses)]]);
  const known = await resolveAccounts(book.db, createAccountCache(), book.ledger.id, names);
  for (const wanted of addresses) ids.push(known.find(({ address }) => address === wanted)?.id as bigint);
});
afterAll(() => book.close());

describe('what accounts are called', () => {
  const [ann, bob, cid] = ['ann:WALLET', 'bob:WALLET', 'cid:WALLET'];
  const place = (...places: number[]) => places.map((index) => ids[index] as bigint);

  it('is told of all that are asked for, known or not, when the memory is full', async () => {
    const names = createAccountNames(2);
    const ask = async (...places: number[]) => {
      const found = await names.of(book.db, book.ledger.id, place(...places));
      return place(...places).map((id) => found.get(id)?.address);
    };
    expect(await ask(0, 1)).toEqual([ann, bob]);
    // What is new makes no room for itself at the cost of what is known.
    expect(await ask(1, 2)).toEqual([bob, cid]);
    expect(await ask(0, 1, 2)).toEqual([ann, bob, cid]);
    // Nor do others that ask meanwhile.
    expect(await Promise.all([ask(0, 2), ask(1), ask(2, 0, 1)])).toEqual([
      [ann, cid],
      [bob],
      [cid, ann, bob],
    ]);
  });

  it('is remembered', async () => {
    const names = createAccountNames();
    const first = await names.of(book.db, book.ledger.id, place(0));
    const again = await names.of(book.db, book.ledger.id, place(0));
    expect(again.get(ids[0] as bigint)).toBe(first.get(ids[0] as bigint));
  });

  it('is not made up for an id that nobody has', async () => {
    await expect(createAccountNames().of(book.db, book.ledger.id, [999_999n])).rejects.toThrow(
      'there is no account 999999',
    );
  });
});
