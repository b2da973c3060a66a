import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Client, QuartermasterError } from '../../clients/typescript/src/index.ts';
import type { HttpHouse } from '../../src/http/house.ts';
import { openHouse } from '../http/house.ts';
import { brokenRules } from '../ledger/fixture.ts';
import { clientOf, serve } from './house.ts';

let opened: Awaited<ReturnType<typeof openHouse>>;
let url: string;
let api: Client;
beforeAll(async () => {
  opened = await openHouse();
});
afterAll(() => opened.book.close());
beforeEach(async () => {
  url = await serve(opened.house);
  ({ api } = clientOf(url));
});

const postings = (amount: bigint | string = 1250n) => [
  { from: 'alice:WALLET', to: 'bob:WALLET', amount, currency: 'EUR' },
];

/** How many transactions of this reference there are in the database. */
async function booked(reference: string): Promise<number> {
  const { rows } = await sql<{ count: bigint }>`
    SELECT count(*) AS count FROM ledger.transactions WHERE reference_code = ${reference}`.execute(
    opened.book.db,
  );
  return Number(rows[0]?.count);
}

describe('a transaction', () => {
  it('is posted, and its key gives the first answer again', async () => {
    const options = { idempotencyKey: 'order-7' };
    const request = {
      postings: postings(),
      user_id: 'alice',
      reference_code: 'order-7',
      metadata: { a: [1] },
    };
    const first = await api.transactions.post('main', request, options);
    expect(first).toMatchObject({
      transaction: { amount: '1250', currency: 'EUR', status: 'SUCCESS', metadata: { a: [1] } },
      replayed: false,
    });
    const second = await api.transactions.post('main', { ...request, postings: postings('1250') }, options);
    expect(second).toMatchObject({ transaction: { id: first.transaction.id }, replayed: true });
    expect(await api.transactions.get('main', first.transaction.id)).toEqual(first.transaction);
    await expect(
      api.transactions.post('main', { ...request, postings: postings(1n) }, options),
    ).rejects.toMatchObject({ status: 422, code: 'idempotency_key_reused', requestId: expect.any(String) });
    expect(await booked('order-7')).toBe(1);
  });

  it('has a key of its own by every way, so that the raw one is repeated too', async () => {
    const { api: raw, sent } = clientOf(url);
    const body = { postings: [{ ...postings()[0], amount: '5' }] } as never;
    for (const _ of [1, 2]) {
      await raw.POST('/v1/ledgers/{ledger}/transactions', { params: { path: { ledger: 'main' } }, body });
    }
    expect(new Set(sent.map(({ headers }) => headers.get('idempotency-key'))).size).toBe(2);
  });

  it('is refused with what is wrong, part by part', async () => {
    const wrong = { postings: [{ ...postings()[0], to: 'nowhere' }], user_id: 'x'.repeat(200) } as never;
    const error = await api.transactions.post('main', wrong).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(QuartermasterError);
    expect(error).toMatchObject({ status: 400, code: 'invalid_request' });
    expect((error as QuartermasterError).faults.map(({ pointer }) => pointer)).toEqual(['#/user_id']);
  });

  it('with an amount that is none is not sent at all, and it is said where', async () => {
    const { api: other, sent } = clientOf(url);
    for (const [amount, why] of [
      ['12.50', 'postings[0].amount is "12.50", and amounts are whole minor units'],
      [12.5, '12.5 is a number'],
      [2 ** 60, 'only up to 9007199254740991'],
    ] as const) {
      await expect(other.transactions.post('main', { postings: postings(amount as string) })).rejects.toThrow(
        why,
      );
    }
    await expect(other.transactions.postBatch('main', [{ postings: postings('x') }])).rejects.toThrow(
      'transactions[0].postings[0].amount',
    );
    expect(sent).toEqual([]);
  });

  it('may be asked for without being done', async () => {
    const request = { postings: postings(), reference_code: 'dry' };
    expect((await api.transactions.post('main', request, { dryRun: true })).transaction).toMatchObject({
      dry_run: true,
    });
    expect(await booked('dry')).toBe(0);
  });

  it('is reserved, settled in part, voided and reversed', async () => {
    const reserve = () => api.transactions.post('main', { postings: postings(100n), status: 'PENDING' });
    const { transaction: one } = await reserve();
    const settled = await api.transactions.settle('main', one.id, { amount: 40n });
    expect(settled.transaction).toMatchObject({ amount: '40', settles: one.id });
    const { transaction: two } = await reserve();
    await api.transactions.settle('main', two.id, { amounts: ['30'] }, { dryRun: true });
    expect((await api.transactions.void('main', two.id)).transaction).toMatchObject({ status: 'VOIDED' });
    await expect(api.transactions.settle('main', two.id)).rejects.toMatchObject({ status: 409 });
    const back = await api.transactions.reverse('main', settled.transaction.id, { description: 'a mistake' });
    expect(back.transaction).toMatchObject({ reverses: settled.transaction.id, description: 'a mistake' });
  });
});

describe('a batch', () => {
  it('has a result for each, with the error of what is refused', async () => {
    const { results } = await api.transactions.postBatch('main', [
      { postings: postings(3n), idempotency_key: 'b-1' },
      { postings: [{ from: 'bob:WALLET', to: 'alice:WALLET', amount: 10n ** 15n, currency: 'EUR' }] },
      { postings: postings(3n), idempotency_key: 'b-1' },
    ]);
    expect(results).toMatchObject([
      { status: 'created', transaction: { amount: '3' } },
      { status: 'refused', error: { status: 422, code: 'insufficient_funds' } },
      { status: 'replayed' },
    ]);
  });

  it('that is atomic is booked whole or thrown, with each that is refused', async () => {
    const items = [
      { postings: postings(), reference_code: 'atomic' },
      { postings: [{ from: 'bob:WALLET', to: 'alice:WALLET', amount: 10n ** 15n, currency: 'EUR' }] },
    ];
    await expect(api.transactions.postBatch('main', items, { atomic: true })).rejects.toMatchObject({
      code: 'batch_refused',
      faults: [{ pointer: '#/transactions/1', code: 'insufficient_funds' }],
    });
    expect(await booked('atomic')).toBe(0);
  });
});

describe('lists', () => {
  it('are read to their end, page by page, and no further than they are wanted', async () => {
    const wanted = Array.from({ length: 23 }, (_, n) => ({
      postings: postings(1n),
      user_id: 'pages',
      description: `${n}`,
    }));
    await api.transactions.postBatch('main', wanted);
    const { api: reader, sent } = clientOf(url);
    const list = reader.transactions.list('main', { user_id: 'pages', limit: 5, include_total: true });
    const seen: (string | null)[] = [];
    for await (const { description } of list) seen.push(description);
    expect(seen).toEqual(wanted.map(({ description }) => description).toReversed());
    expect(sent).toHaveLength(5);

    for await (const _ of list) if (sent.length === 7) break;
    expect(sent).toHaveLength(7);
    const pages = list.pages();
    const first = await pages.next();
    expect(first.value).toMatchObject({ total: { count: 23, exact: true }, archived_quarters: [] });
    await pages.return?.();
    expect(await pages.next()).toEqual({ done: true, value: undefined });
    expect(sent).toHaveLength(8);
  });

  it('of the entries of an account are its statement', async () => {
    const statement = api.statement('main', 'bob:WALLET', { from: '2020-01-01', limit: 7 });
    const lines: bigint[] = [];
    let balance = 0n;
    for await (const { amount, balance_after } of statement) {
      balance += BigInt(amount);
      expect(balance_after).toBe(String(balance));
      lines.push(balance);
    }
    expect(lines.length).toBeGreaterThan(20);
    for await (const page of statement.pages()) {
      expect(page).toMatchObject({ opening: '0', closing: String(balance) });
      break;
    }
  });

  it('end with their signal, and with what the API refuses', async () => {
    const ending = new AbortController();
    const list = api.transactions.list('main', { limit: 1 }, { signal: ending.signal });
    const read = async () => {
      for await (const _ of list) ending.abort();
    };
    await expect(read()).rejects.toMatchObject({ code: 'aborted' });
    await expect(api.transactions.list('nowhere').pages().next()).rejects.toMatchObject({
      code: 'no_such_ledger',
    });
  });
});

it('positions go from a write to the reads behind it, where that is asked for', async () => {
  const positions = ['0/FF', '10/A', '9/FFFFFFFF'];
  const post: HttpHouse['post'] = async (...asked) => ({
    ...(await opened.house.post(...asked)),
    position: positions.shift() ?? '0/0',
  });
  const told = await serve({ ...opened.house, post });
  const heard = ({ sent }: ReturnType<typeof clientOf>) => sent.at(-1)?.headers.get('x-ledger-position');

  const plain = clientOf(told);
  const { position } = await plain.api.transactions.post('main', { postings: postings(1n) });
  expect(position).toBe('0/FF');
  await plain.api.transactions.list('main').pages().next();
  expect(heard(plain)).toBeNull();
  await plain.api.transactions.list('main', {}, { after: position }).pages().next();
  expect(heard(plain)).toBe('0/FF');

  const careful = clientOf(told, { readYourWrites: true });
  await careful.api.transactions.list('main').pages().next();
  expect(heard(careful)).toBeNull();
  // The second write answers less than the first: the furthest one counts.
  for (const _ of [1, 2]) await careful.api.transactions.post('main', { postings: postings(1n) });
  await careful.api.statement('main', 'bob:WALLET', { from: '2020-01-01' }).pages().next();
  expect(heard(careful)).toBe('10/A');
});

it('the books are in order after all that', async () => {
  expect(await brokenRules(opened.book.db)).toEqual([]);
});
