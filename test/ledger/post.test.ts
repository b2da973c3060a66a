import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAccountCache } from '../../src/ledger/accounts.ts';
import { createLedger } from '../../src/ledger/ledgers.ts';
import { createPoster, type PostResult } from '../../src/ledger/post.ts';
import type { PostRequest } from '../../src/ledger/request.ts';
import { readTransaction } from '../../src/ledger/transactions.ts';
import { type Book, brokenRules, closeQuarter } from './fixture.ts';
import { codes, countTransactions, openWallets, request, transactionOf } from './post-fixture.ts';

let book: Book;
const today = new Date();
const MINUTE = 60_000;
beforeAll(async () => {
  book = await openWallets(today);
});
afterAll(() => book.close());

const post = (...requests: PostRequest[]) => book.poster.post(book.ledger.id, requests);

describe('posting', () => {
  it('answers with what it booked, and reads the same back by id', async () => {
    const before = Date.now();
    const [result] = await post({
      postings: [
        { from: 'bank:CASH', to: 'ann:WALLET', amount: 1000n, currency: 'EUR' },
        { from: 'ann:WALLET', to: 'bob:WALLET', amount: 300n, currency: 'EUR' },
        { from: 'bank:CASH', to: 'bob:WALLET', amount: 5n, currency: 'EUR' },
      ],
      userId: 'ann',
      referenceCode: 'R"1\\,{}',
      description: 'two\nlines\t€ 💶 NULL',
      effectiveAt: new Date('2020-02-29T12:34:56.789Z'),
      metadata: { order: 7, nested: { a: [null, 'x"y\\z'] } },
    });
    const made = transactionOf(result);
    expect(made).toMatchObject({ status: 'SUCCESS', currency: 'EUR', amount: 1305n, userId: 'ann' });
    expect(made.entries.map(({ account, amount, balanceAfter }) => [account, amount, balanceAfter])).toEqual([
      ['bank:CASH', -1000n, -1000n],
      ['bank:CASH', -5n, -1005n],
      ['ann:WALLET', 1000n, 1000n],
      ['ann:WALLET', -300n, 700n],
      ['bob:WALLET', 300n, 300n],
      ['bob:WALLET', 5n, 305n],
    ]);
    expect(Math.abs(made.createdAt.getTime() - before)).toBeLessThan(60_000);
    expect(await readTransaction(book.db, book.ledger.id, made.id)).toEqual(made);
    expect(await readTransaction(book.db, book.ledger.id + 1, made.id)).toBeUndefined();
  });

  it('gives what nobody asked for as null', async () => {
    const [result] = await post(request('bank:CASH', 'ann:WALLET', 1n));
    const made = transactionOf(result);
    expect(made).toMatchObject({
      userId: '',
      referenceCode: null,
      description: null,
      effectiveAt: null,
      metadata: null,
    });
    expect(await readTransaction(book.db, book.ledger.id, made.id)).toEqual(made);
  });

  it('finds nothing under an id that is none, or of a quarter that is not there', async () => {
    expect(await readTransaction(book.db, book.ledger.id, 'x')).toBeUndefined();
    expect(
      await readTransaction(book.db, book.ledger.id, '00000000-0000-7000-8000-000000000000'),
    ).toBeUndefined();
  });

  it('refuses one request of a batch and books the others', async () => {
    const results = await post(
      request('bank:CASH', 'cid:WALLET', 10n),
      request('cid:WALLET', 'ann:WALLET', 11n),
      request('cid:WALLET', 'ghost:WALLET', 1n),
      request('cid:WALLET', 'nonsense', 1n),
      { postings: [{ from: 'bank:CASH', to: 'cid:WALLET', amount: 1n, currency: 'USD' }] },
      request('cid:WALLET', 'ann:WALLET', 10n),
    );
    expect(codes(results)).toEqual([
      'created',
      'insufficient_funds',
      'account_not_found',
      'account_not_found',
      'currency_mismatch',
      'created',
    ]);
  });

  it('records a failed request, which has accounts and no entries', async () => {
    const [result] = await post(
      request('ann:WALLET', 'bob:WALLET', 10_000n, { status: 'FAILED', userId: 'ann' }),
    );
    const made = transactionOf(result);
    expect(made).toMatchObject({ status: 'FAILED', amount: 10_000n, entries: [] });
    expect(await readTransaction(book.db, book.ledger.id, made.id)).toEqual(made);
  });

  it('notes the day in the calendar of the ledger once for a batch', async () => {
    await sql`DELETE FROM quartermaster.summary_marks`.execute(book.db);
    const results = await post(
      request('bank:CASH', 'ann:WALLET', 1n),
      request('bank:CASH', 'bob:WALLET', 1n),
    );
    const marks = await book.db
      .selectFrom('quartermaster.summary_marks')
      .select(['ledger_id', 'day'])
      .execute();
    const days = new Set(results.map((result) => book.calendar.dayOf(transactionOf(result).createdAt)));
    expect(marks).toEqual([...days].map((day) => ({ ledger_id: book.ledger.id, day })));
  });

  it('never books before the last entry of an account, even when the clock went back', async () => {
    const ahead = new Date(Date.now() + 30 * MINUTE);
    await book.open({ address: 'late:WALLET', currency: 'EUR', minBalance: null });
    await book.ensureQuarters(today, ahead);
    const [first] = await post(request('late:WALLET', 'ann:WALLET', 1n, { createdAt: ahead }));
    expect(transactionOf(first).createdAt).toEqual(ahead);
    const [second] = await post(request('late:WALLET', 'cid:WALLET', 1n));
    expect(transactionOf(second).createdAt).toEqual(ahead);
    const [third] = await post(request('late:WALLET', 'cid:WALLET', 1n, { createdAt: today }));
    expect(third).toMatchObject({ kind: 'refused', error: { code: 'out_of_order' } });
  });

  it('says which quarter is missing', async () => {
    const lost = request('fresh-a:WALLET', 'fresh-b:WALLET', 1n, { createdAt: new Date('2001-05-05') });
    await book.open(
      { address: 'fresh-a:WALLET', currency: 'EUR', minBalance: null },
      { address: 'fresh-b:WALLET', currency: 'EUR', minBalance: null },
    );
    await expect(post(lost)).rejects.toMatchObject({ kind: 'unavailable', code: 'no_partition' });
    expect((await post(request('fresh-a:WALLET', 'fresh-b:WALLET', 1n)))[0]?.kind).toBe('created');
  });

  it('keeps ledgers apart', async () => {
    const other = await createLedger(book.db, 'other');
    const [result] = await book.poster.post(other.id, [request('bank:CASH', 'ann:WALLET', 1n)]);
    expect(result).toMatchObject({ kind: 'refused', error: { code: 'account_not_found' } });
  });

  it('takes everything back when the last statements of the caller fail', async () => {
    const before = await countTransactions(book);
    const failing = book.poster.post(book.ledger.id, [request('bank:CASH', 'ann:WALLET', 1n)], {
      within: async (trx, outcomes) => {
        expect(outcomes.map(({ kind }) => kind)).toEqual(['booked']);
        const { rows } = await sql<{ n: number }>`SELECT count(*)::int AS n FROM ledger.transactions`.execute(
          trx,
        );
        expect(rows[0]?.n).toBe(before + 1);
        throw new Error('no');
      },
    });
    await expect(failing).rejects.toThrow('no');
    expect(await countTransactions(book)).toBe(before);
    expect(await brokenRules(book.db)).toEqual([]);
  });
});

describe('a closed quarter', () => {
  it('refuses a row that brings its time, and lets the others pass', async () => {
    const { start } = book.calendar.quarterOf(today);
    const before = new Date(start.getTime() - MINUTE);
    const name = book.calendar.quarterOf(before).name;
    await book.open(
      { address: 'old-a:WALLET', currency: 'EUR', minBalance: null },
      { address: 'old-b:WALLET', currency: 'EUR', minBalance: null },
    );
    const late = request('old-a:WALLET', 'old-b:WALLET', 1n, { createdAt: before });
    expect(codes(await post(late))).toEqual(['created']);
    await closeQuarter(book, name);
    expect(codes(await post(late, request('old-a:WALLET', 'old-b:WALLET', 1n)))).toEqual([
      'quarter_closed',
      'created',
    ]);
  });

  it('that is closed after the batch looked is found when PostgreSQL refuses the rows', async () => {
    const { start } = book.calendar.quarterOf(new Date('2019-05-05'));
    await book.ensureQuarters(start, start);
    await book.open(
      { address: 'older-a:WALLET', currency: 'EUR', minBalance: null },
      { address: 'older-b:WALLET', currency: 'EUR', minBalance: null },
    );
    const late = request('older-a:WALLET', 'older-b:WALLET', 1n, { createdAt: start });
    // Held up at the lock of the balance, the batch has looked up the quarters already.
    let posting: Promise<PostResult[]> | undefined;
    await book.database.direct.transaction().execute(async (trx) => {
      await sql`SELECT FROM ledger.balances FOR UPDATE`.execute(trx);
      posting = post(late);
      for (let waiting = 0; waiting === 0; ) {
        const { rows } = await sql<{ n: number }>`
          SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`.execute(
          book.db,
        );
        waiting = rows[0]?.n ?? 0;
      }
      await closeQuarter(book, '2019q2');
    });
    expect(codes(await (posting as Promise<PostResult[]>))).toEqual(['quarter_closed']);
  });
});

it('a second poster with a cache of its own works on the same accounts', async () => {
  const second = createPoster({ db: book.db, calendar: book.calendar, accounts: createAccountCache() });
  const results = await second.post(book.ledger.id, [request('bank:CASH', 'ann:WALLET', 1n)]);
  expect(codes(results)).toEqual(['created']);
});

it('whatever the tests above did, every rule of the ledger holds', async () => {
  expect(await brokenRules(book.db)).toEqual([]);
});
