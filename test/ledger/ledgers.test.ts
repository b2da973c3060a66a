import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Db } from '../../src/db/schema.ts';
import { createLedger, createLedgerCache } from '../../src/ledger/ledgers.ts';
import { remember } from '../../src/ledger/remember.ts';
import { type Book, openBook } from './fixture.ts';

let book: Book;
beforeAll(async () => {
  book = await openBook();
});
afterAll(() => book.close());

/** A clock that is moved by hand. */
function handClock() {
  let at = 0;
  const pass = (ms: number) => {
    at += ms;
  };
  return { now: () => new Date(at), pass };
}

/** The database, and how many statements were sent to it. */
function counted(db: Db): { db: Db; asked: () => number } {
  let count = 0;
  const transformQuery = (args: { node: never }) => {
    count++;
    return args.node;
  };
  const plugin = { transformQuery, transformResult: async (args: { result: never }) => args.result };
  return { db: db.withPlugin(plugin as never), asked: () => count };
}

describe('the ledger cache', () => {
  it('asks once for many who ask at once, and remembers a ledger for its time', async () => {
    const clock = handClock();
    const { db, asked } = counted(book.db);
    const cache = createLedgerCache(db, { clock, ttlMs: 60_000 });
    const found = await Promise.all(Array.from({ length: 20 }, () => cache.find('main')));
    expect(new Set(found.map((ledger) => ledger?.id))).toEqual(new Set([book.ledger.id]));
    clock.pass(59_999);
    await cache.find('main');
    expect(asked()).toBe(1);
    clock.pass(1);
    await cache.find('main');
    expect(asked()).toBe(2);
  });

  it('remembers for a second that a ledger is missing, and is told at once when it makes one', async () => {
    const clock = handClock();
    const { db, asked } = counted(book.db);
    const cache = createLedgerCache(db, { clock });
    expect(await cache.find('later')).toBeUndefined();
    await createLedger(book.db, 'later');
    expect(await cache.find('later')).toBeUndefined();
    expect(asked()).toBe(1);
    clock.pass(1000);
    expect(await cache.find('later')).toMatchObject({ name: 'later' });
    expect(await cache.find('mine')).toBeUndefined();
    expect((await cache.list()).map(({ name }) => name)).not.toContain('mine');
    const made = await cache.create('mine');
    expect(await cache.find('mine')).toEqual(made);
    expect((await cache.list()).map(({ name }) => name)).toContain('mine');
    await expect(cache.create('No')).rejects.toMatchObject({ code: 'invalid_ledger_name' });
  });

  it('does not ask for what cannot be a name, and knows the currencies', async () => {
    const { db, asked } = counted(book.db);
    const cache = createLedgerCache(db, { clock: handClock() });
    expect(await cache.find("'; --")).toBeUndefined();
    expect(asked()).toBe(0);
    expect((await cache.currencies()).get('JPY')).toBe(0);
    expect((await cache.currencies()).get('KWD')).toBe(3);
    expect(asked()).toBe(1);
  });
});

describe('what is remembered', () => {
  it('has a bound, and the first to go is what was asked for longest ago', async () => {
    const asked: string[] = [];
    const cache = remember(async (key) => asked.push(key), {
      ttlMs: () => 1000,
      limit: 2,
      clock: handClock(),
    });
    for (const key of ['a', 'b', 'c', 'b', 'c', 'a']) await cache.get(key);
    expect(asked).toEqual(['a', 'b', 'c', 'a']);
  });

  it('is not a failure', async () => {
    let failures = 1;
    const ask = async () => {
      if (failures-- > 0) throw new Error('away');
      return 'there';
    };
    const cache = remember(ask, { ttlMs: () => 1000, limit: 2, clock: handClock() });
    const both = await Promise.allSettled([cache.get('a'), cache.get('a')]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await cache.get('a')).toBe('there');
  });
});
