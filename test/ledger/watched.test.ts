import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { errorClass } from '../../src/db/error-class.ts';
import { changeAccounts } from '../../src/ledger/account-change.ts';
import { purgeIdempotencyKeys } from '../../src/ledger/idempotency-purge.ts';
import { createPoster } from '../../src/ledger/post.ts';
import { type Book, openBook } from './fixture.ts';
import { csv, openLoads, rows } from './load-fixture.ts';

let book: Book;
beforeAll(async () => {
  book = await openBook();
  await book.ensureQuarters(new Date(), new Date());
  await book.open(
    { address: 'bank:CASH', currency: 'EUR', minBalance: null },
    { address: 'ann:WALLET', currency: 'EUR', minBalance: 0n },
  );
});
afterAll(() => book.close());
const files = await openLoads(() => book);

/**
 * A database whose sessions wait for a lock for a moment only, on the way of an action that finds all of `table` locked; it is
 * let go when the action tells that it tries again.
 */
async function lockedOut(
  table: string,
  action: (db: Book['database'], onRetry: (error: unknown) => void) => Promise<unknown>,
): Promise<string[]> {
  const url = new URL(book.url);
  url.searchParams.set('options', '-c lock_timeout=50ms');
  const impatient = openDatabase({ databaseUrl: url.href, poolMax: 3 });
  onTestFinished(() => impatient.close());
  const told: string[] = [];
  const tried = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  const holder = book.db.transaction().execute(async (trx) => {
    await sql`LOCK TABLE ${sql.table(table)} IN ACCESS EXCLUSIVE MODE`.execute(trx);
    locked.resolve();
    await tried.promise;
  });
  await locked.promise;
  const done = action(impatient, (error) => {
    told.push(errorClass(error));
    tried.resolve();
  });
  // Should nothing be told the lock goes when the action has failed for it.
  await done.finally(tried.resolve);
  await holder;
  return told;
}

describe('who tries short statements again tells of it:', () => {
  const expected = expect.arrayContaining(['lock_timeout']);

  it('posting', async () => {
    const told = await lockedOut('ledger.balances', async ({ write }, onRetry) => {
      const poster = createPoster({ db: write, calendar: book.calendar, accounts: book.accounts, onRetry });
      const posting = { from: 'bank:CASH', to: 'ann:WALLET', amount: 1n, currency: 'EUR' };
      expect(await poster.post(book.ledger.id, [{ postings: [posting] }])).toMatchObject([
        { kind: 'created' },
      ]);
    });
    expect(told).toEqual(expected);
  });

  it('posting that looks for its key', async () => {
    const told = await lockedOut('ledger.idempotency_keys', async ({ write }, onRetry) => {
      const poster = createPoster({ db: write, calendar: book.calendar, accounts: book.accounts, onRetry });
      const posting = { from: 'bank:CASH', to: 'ann:WALLET', amount: 1n, currency: 'EUR' };
      const idempotency = { key: 'k', fingerprint: Buffer.alloc(32) };
      await poster.post(book.ledger.id, [{ postings: [posting], idempotency }]);
    });
    expect(told).toEqual(expected);
  });

  it('a change of accounts', async () => {
    const told = await lockedOut('ledger.balances', ({ write }, onRetry) =>
      changeAccounts(
        write,
        book.accounts,
        book.ledger.id,
        [{ account: 'ann:WALLET', currency: 'EUR', name: 'Ann' }],
        onRetry,
      ),
    );
    expect(told).toEqual(expected);
  });

  it('a load', async () => {
    const told = await lockedOut('ledger.balances', (database, onRetry) =>
      files.loadText('retried', csv(rows('retried', 3)), { house: { database, onRetry } }),
    );
    expect(told).toEqual(expected);
  });

  it('the purge of idempotency keys', async () => {
    const told = await lockedOut('ledger.idempotency_keys', ({ write }, onRetry) =>
      purgeIdempotencyKeys(write, { before: new Date('2026-01-01'), onRetry }),
    );
    expect(told).toEqual(expected);
  });
});

describe('a load tells of its rows', () => {
  /** Loads and adds up what was told. */
  async function tell(id: string, text: string, options: Parameters<typeof files.loadText>[2] = {}) {
    const told = { booked: 0, rejected: 0, times: 0 };
    const load = files.loadText(id, text, {
      ...options,
      house: {
        onRows: ({ booked, rejected }) => {
          told.booked += booked;
          told.rejected += rejected;
          told.times++;
        },
      },
    });
    await load.catch(() => undefined);
    return told;
  }
  const bad = '2026-02-30,a:A,b:B,1,EUR,,,,,';

  it('after each transaction', async () => {
    const text = csv(rows('told', 10));
    expect(await tell('told', text, { batch: 4 })).toEqual({ booked: 10, rejected: 0, times: 3 });
    // It is loaded already.
    expect(await tell('told', text)).toEqual({ booked: 0, rejected: 0, times: 0 });
  });

  it('with those that are rejected', async () => {
    const text = csv([...rows('mixed', 2), bad, ...rows('mixed-too', 3), bad]);
    const options = { rejectFile: files.path('rejects.csv'), batch: 3 };
    expect(await tell('mixed', text, options)).toMatchObject({ booked: 5, rejected: 2 });
  });

  it('with the one that stops it, and goes on from there', async () => {
    const before = rows('stopped', 5);
    const after = rows('stopped-too', 2);
    const stopped = await tell('stopped', csv([...before, bad, ...after]), { batch: 4 });
    expect(stopped).toMatchObject({ booked: 5, rejected: 1 });
    expect(await tell('stopped', csv([...before, ...after]))).toMatchObject({ booked: 2, rejected: 0 });
  });
});
