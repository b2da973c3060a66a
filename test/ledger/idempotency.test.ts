import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PostRequest } from '../../src/ledger/request.ts';
import { type Book, brokenRules } from './fixture.ts';
import { codes, countTransactions, keyed, openWallets, request, transactionOf } from './post-fixture.ts';

let book: Book;
beforeAll(async () => {
  book = await openWallets(new Date());
});
afterAll(() => book.close());

const post = (...requests: PostRequest[]) => book.poster.post(book.ledger.id, requests);

describe('an idempotency key', () => {
  it('books once and answers again with the first answer', async () => {
    const send = keyed('once', request('bank:CASH', 'ann:WALLET', 7n, { description: 'x' }));
    const [first] = await post(send);
    await post(request('bank:CASH', 'ann:WALLET', 1n));
    const [again, other] = await post(send, keyed('once', request('bank:CASH', 'ann:WALLET', 8n)));
    expect(first?.kind).toBe('created');
    expect(again).toEqual({ kind: 'replayed', transaction: transactionOf(first) });
    expect(other).toMatchObject({
      kind: 'refused',
      error: { kind: 'invalid', code: 'idempotency_key_reused' },
    });
  });

  it('repeated within a batch is one request', async () => {
    const before = await countTransactions(book);
    const send = keyed('twin', request('bank:CASH', 'ann:WALLET', 7n));
    const results = await post(send, keyed('twin', request('bank:CASH', 'ann:WALLET', 8n)), send);
    expect(codes(results)).toEqual(['created', 'idempotency_key_reused', 'replayed']);
    expect(transactionOf(results[2])).toEqual(transactionOf(results[0]));
    expect(await countTransactions(book)).toBe(before + 1);
  });

  it('of a refused request stays free', async () => {
    await book.open({ address: 'poor:WALLET', currency: 'EUR', minBalance: 0n });
    const send = keyed('poor', request('poor:WALLET', 'bank:CASH', 5n));
    expect(codes(await post(send, send))).toEqual(['insufficient_funds', 'insufficient_funds']);
    await post(request('bank:CASH', 'poor:WALLET', 5n));
    expect(codes(await post(send))).toEqual(['created']);
  });

  it('sent by many at once books once, and all get the one answer', async () => {
    const sends = Array.from({ length: 6 }, (_, index) =>
      keyed(`race-${index}`, request('bank:CASH', 'ann:WALLET', 1n)),
    );
    const before = await countTransactions(book);
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => post(...(index % 2 === 0 ? sends : [...sends].reverse()))),
    );
    for (const send of sends) {
      const ids = answers.map((results, index) => {
        const place = index % 2 === 0 ? sends.indexOf(send) : sends.length - 1 - sends.indexOf(send);
        return transactionOf(results[place]).id;
      });
      expect(new Set(ids).size).toBe(1);
    }
    const kinds = answers.flat().map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'created')).toHaveLength(sends.length);
    expect(await countTransactions(book)).toBe(before + sends.length);
  });
});

it('whatever the tests above did, every rule of the ledger holds', async () => {
  expect(await brokenRules(book.db)).toEqual([]);
});
