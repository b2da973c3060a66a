import fc from 'fast-check';
import Value from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import type { App } from '../../src/http/app-type.ts';
import { TransactionAnswer } from '../../src/http/transaction-answer.ts';
import type { Book } from '../ledger/fixture.ts';
import { houseOf, inject, openHouse, payment, post, problemIn } from './house.ts';

let book: Book;
let app: App;

beforeAll(async () => {
  const opened = await openHouse();
  book = opened.book;
  app = createApp(opened.house);
});
afterAll(async () => {
  await app.close();
  await book.close();
});

async function balanceOf(entity: string): Promise<bigint> {
  const { posted } = await book.db
    .selectFrom('ledger.balances as b')
    .innerJoin('ledger.accounts as a', (join) =>
      join.onRef('a.ledger_id', '=', 'b.ledger_id').onRef('a.id', '=', 'b.account_id'),
    )
    .select('b.posted')
    .where('a.ledger_id', '=', book.ledger.id)
    .where('a.entity_id', '=', entity)
    .executeTakeFirstOrThrow();
  return posted;
}

describe('posting', () => {
  it('answers 201 with the transaction, which then is read at its Location', async () => {
    const before = await balanceOf('bob');
    const sent = {
      ...payment,
      user_id: 'alice',
      reference_code: 'INV-7',
      description: 'Ünïcode 🦉\nof two lines',
      effective_at: '2024-02-29T23:59:59.1239+01:00',
      metadata: { order: 7, tags: ['a', null, { deep: true }], '': 0.1 },
    };
    const response = await post(app, sent);

    expect(response.statusCode).toBe(201);
    const answer = response.json();
    expect(Value.Errors(TransactionAnswer, answer)).toEqual([]);
    expect(answer).toMatchObject({
      ledger: 'main',
      user_id: 'alice',
      status: 'SUCCESS',
      currency: 'EUR',
      amount: '1250',
      reference_code: 'INV-7',
      description: 'Ünïcode 🦉\nof two lines',
      effective_at: '2024-02-29T22:59:59.123Z',
      metadata: sent.metadata,
    });
    expect(answer.entries).toHaveLength(2);
    expect(answer.entries[0]).toMatchObject({ account: 'alice:WALLET', currency: 'EUR', amount: '-1250' });
    expect(answer.entries[1]).toMatchObject({
      account: 'bob:WALLET',
      amount: '1250',
      balance_after: String(before + 1250n),
    });
    expect(response.headers.location).toBe(`/v1/ledgers/main/transactions/${answer.id}`);

    const read = await inject(app, { url: String(response.headers.location) });
    expect(read.statusCode).toBe(200);
    expect(read.json()).toEqual(answer);
  });

  it('gives null for what was not sent', async () => {
    const answer = (await post(app, payment)).json();
    expect(answer).toMatchObject({
      user_id: null,
      reference_code: null,
      description: null,
      effective_at: null,
      metadata: null,
    });
  });

  it('takes an amount as a number while it is a safe integer, and answers it as a string', async () => {
    const posting = { ...payment.postings[0], amount: Number.MAX_SAFE_INTEGER };
    const answer = (await post(app, { postings: [posting] })).json();
    expect(answer.amount).toBe('9007199254740991');
    await post(app, { postings: [{ ...posting, from: posting.to, to: posting.from }] });
  });

  it('records what FAILED, and moves nothing', async () => {
    const before = await balanceOf('bob');
    const answer = (await post(app, { ...payment, status: 'FAILED' })).json();
    expect(answer).toMatchObject({ status: 'FAILED', amount: '1250', entries: [] });
    expect(await balanceOf('bob')).toBe(before);
  });

  it('answers 422 to what a rule of the ledger forbids, and books nothing', async () => {
    const before = await balanceOf('bob');
    const posting = { from: 'bob:WALLET', to: 'alice:WALLET', amount: String(before + 1n), currency: 'EUR' };
    const problem = problemIn(await post(app, { postings: [posting] }), 422, 'insufficient_funds');
    expect(problem.detail).toContain('bob:WALLET');
    problemIn(await post(app, { postings: [{ ...posting, to: 'nobody:WALLET' }] }), 422, 'account_not_found');
    problemIn(await post(app, { postings: [{ ...posting, currency: 'USD' }] }), 422, 'currency_mismatch');
    problemIn(await post(app, { postings: [{ ...posting, to: posting.from }] }), 400, 'same_account');
    expect(await balanceOf('bob')).toBe(before);
  });

  it('answers 404 to a ledger, a transaction and an id that never was', async () => {
    problemIn(await post(app, payment, {}, 'elsewhere'), 404, 'no_such_ledger');
    const at = (ledger: string, id: string) =>
      inject(app, { url: `/v1/ledgers/${ledger}/transactions/${id}` });
    const { id } = (await post(app, payment)).json();
    problemIn(await at('elsewhere', id), 404, 'no_such_ledger');
    for (const other of [
      '0199d5d0-0000-7000-8000-000000000000',
      '00000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-7fff-bfff-ffffffffffff',
      '0199d5d0-0000-4000-8000-000000000000',
    ]) {
      problemIn(await at('main', other), 404, 'transaction_not_found');
    }
    expect((await at('main', id.toUpperCase())).statusCode).toBe(200);
  });

  it('gives back every text and every metadata as it was sent', async () => {
    await app.ready();
    const textOf = (longest: number) =>
      fc
        .string({ unit: 'grapheme', maxLength: 40 })
        .filter((text) => text.length <= longest && !/\p{Cc}/u.test(text));
    const metadata = fc
      .dictionary(fc.string({ unit: 'grapheme', maxLength: 12 }), fc.jsonValue({ maxDepth: 3 }))
      .map((value) => JSON.parse(JSON.stringify(value)))
      .filter((value) => !/\\u0000|"__proto__"|"constructor"|\d{16}|e\+/.test(JSON.stringify(value)));
    await fc.assert(
      fc.asyncProperty(textOf(128), textOf(2000), metadata, async (user, description, data) => {
        const response = await post(app, { ...payment, user_id: user, description, metadata: data });
        expect(response.body).toContain('"entries"');
        const read = (await inject(app, { url: String(response.headers.location) })).json();
        expect(read.user_id).toBe(user === '' ? null : user);
        expect(read.description).toBe(description);
        expect(read.metadata).toEqual(data);
        expect(read).toEqual(response.json());
      }),
      { numRuns: 60 },
    );
  });
});

describe('an Idempotency-Key', () => {
  it('makes a repeated request give the first answer again', async () => {
    const before = await balanceOf('bob');
    const first = await post(app, payment, { 'idempotency-key': 'order-1' });
    expect(first.statusCode).toBe(201);
    expect(first.headers['idempotency-replayed']).toBeUndefined();

    // Quoted as the draft has it, the members in another order, the amount a number: the same request.
    const { from, to, currency } = payment.postings[0] as (typeof payment.postings)[0];
    const again = await post(
      app,
      { postings: [{ currency, amount: 1250, to, from }] },
      { 'idempotency-key': '"order-1"' },
    );
    expect(again.statusCode).toBe(201);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.json()).toEqual(first.json());
    expect(again.headers.location).toBe(first.headers.location);
    expect(await balanceOf('bob')).toBe(before + 1250n);
  });

  it('is refused with 422 when it comes with another request', async () => {
    await post(app, payment, { 'idempotency-key': 'order-2' });
    const before = await balanceOf('bob');
    const other = { ...payment, reference_code: 'other' };
    problemIn(await post(app, other, { 'idempotency-key': 'order-2' }), 422, 'idempotency_key_reused');
    expect(await balanceOf('bob')).toBe(before);
  });

  it('is not used up by a request that was refused', async () => {
    const key = { 'idempotency-key': 'order-3' };
    const body = { postings: [{ ...payment.postings[0], to: 'carol:WALLET' }] };
    problemIn(await post(app, body, key), 422, 'account_not_found');
    await book.open({ address: 'carol:WALLET', currency: 'EUR', minBalance: 0n });
    const booked = await post(app, body, key);
    expect(booked.statusCode).toBe(201);
    expect(booked.headers['idempotency-replayed']).toBeUndefined();
  });

  it('has one effect however many processes are sent it at once', async () => {
    const before = await balanceOf('bob');
    const others = [createApp(houseOf(book)), createApp(houseOf(book)), app];
    await Promise.all(others.map((each) => each.ready()));
    const responses = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        post(others[index % 3] as App, payment, { 'idempotency-key': 'order-4' }),
      ),
    );
    const booked = responses.filter((response) => response.statusCode === 201);
    expect(booked.filter((response) => response.headers['idempotency-replayed'] === undefined)).toHaveLength(
      1,
    );
    expect(new Set(booked.map((response) => response.json().id)).size).toBe(1);
    for (const response of responses) {
      if (response.statusCode !== 201) problemIn(response, 409, 'idempotency_key_in_flight');
    }
    expect(await balanceOf('bob')).toBe(before + 1250n);
    await Promise.all(others.slice(0, 2).map((each) => each.close()));
  });
});
