import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPoster } from '../../src/ledger/post.ts';
import type { PostRequest } from '../../src/ledger/request.ts';
import type { TransactionView } from '../../src/ledger/transaction-view.ts';
import { type Book, brokenRules } from './fixture.ts';
import { codes, openWallets, request, transactionOf, walletsOf } from './post-fixture.ts';

let book: Book;
beforeAll(async () => {
  book = await openWallets(new Date());
  await post([request('bank:CASH', 'ann:WALLET', 1000n)]);
});
afterAll(async () => {
  expect(await brokenRules(book.db)).toEqual([]);
  await book.close();
});

const { post, read, one, reserve } = walletsOf(() => book);

describe('a reversal', () => {
  it('takes back what a transaction moved, once, and says what the transaction said', async () => {
    const booked = transactionOf(
      await one({
        postings: [
          { from: 'bank:CASH', to: 'ann:WALLET', amount: 50n, currency: 'EUR' },
          { from: 'ann:WALLET', to: 'bob:WALLET', amount: 20n, currency: 'EUR' },
        ],
        userId: 'ann',
        referenceCode: 'R-3',
      }),
    );
    const reversed = transactionOf(await one({ reverse: booked.id, description: 'by mistake' }));
    expect(reversed).toMatchObject({
      reverses: booked.id,
      userId: 'ann',
      referenceCode: 'R-3',
      description: 'by mistake',
    });
    const net = (view: TransactionView) => {
      const sums = new Map<string, bigint>();
      for (const { account, amount } of view.entries) sums.set(account, (sums.get(account) ?? 0n) + amount);
      return [...sums].sort();
    };
    expect(net(reversed)).toEqual(net(booked).map(([account, amount]) => [account, -amount]));
    expect(await read(reversed.id)).toEqual(reversed);
    expect(codes([await one({ reverse: booked.id })])).toEqual(['already_reversed']);
    expect(codes([await one({ reverse: reversed.id })])).toEqual(['created']);
  });

  it('is booked once by twenty that try at once', async () => {
    const booked = transactionOf(await one(request('bank:CASH', 'cid:WALLET', 7n)));
    const results = await Promise.all(Array.from({ length: 20 }, () => one({ reverse: booked.id })));
    expect(codes(results).filter((code) => code === 'created')).toHaveLength(1);
    expect(codes(results).filter((code) => code === 'already_reversed')).toHaveLength(19);
  });

  it('is refused without the funds, for what moved nothing, and for what is not there', async () => {
    const booked = transactionOf(await one(request('bank:CASH', 'cid:WALLET', 9n)));
    await one(request('cid:WALLET', 'bank:CASH', 9n));
    const failed = transactionOf(await one(request('bank:CASH', 'cid:WALLET', 9n, { status: 'FAILED' })));
    const pending = await reserve(1n);
    const reversals = [booked.id, failed.id, pending.id, '00000000-0000-7000-8000-000000000000'];
    expect(codes(await post(reversals.map((reverse) => ({ reverse }))))).toEqual([
      'insufficient_funds',
      'nothing_to_reverse',
      'transaction_not_found',
      'transaction_not_found',
    ]);
    await one({ void: pending.id });
  });

  it('finds a transaction that is not online through the archive', async () => {
    const booked = transactionOf(await one(request('bank:CASH', 'cid:WALLET', 3n)));
    const gone = { ...booked, id: '018cc251-f400-7000-8000-000000000001' };
    const poster = createPoster({
      ...book,
      findArchived: async (_, id) => (id === gone.id ? gone : undefined),
    });
    const [first, second] = await poster.post(book.ledger.id, [{ reverse: gone.id }, { reverse: gone.id }]);
    expect(transactionOf(first)).toMatchObject({ reverses: gone.id, amount: 3n });
    expect(second).toMatchObject({ error: { code: 'already_reversed' } });
  });
});

it('sixty-four clients that reserve, settle, void and reverse over three accounts break no rule', async () => {
  await post(['ann', 'bob', 'cid'].map((name) => request('bank:CASH', `${name}:WALLET`, 300n)));
  const names = ['ann:WALLET', 'bob:WALLET', 'cid:WALLET'];
  const pick = <T>(some: readonly T[]): T => some[Math.floor(Math.random() * some.length)] as T;
  const [reservations, bookings] = [[] as string[], [] as string[]];
  const tally = new Map<string, number>();
  const harmless = [
    'insufficient_funds',
    'same_account',
    'reservation_not_pending',
    'already_reversed',
    'created',
  ];
  async function client(): Promise<void> {
    for (let round = 0; round < 8; round++) {
      const amount = BigInt(1 + Math.floor(Math.random() * 200));
      const requests: PostRequest[] = [
        request(pick(names), pick(names), amount),
        request(pick(names), pick(names), amount, { status: 'PENDING' }),
      ];
      if (reservations.length > 0)
        requests.push({ settle: pick(reservations) }, { void: pick(reservations) });
      if (bookings.length > 0) requests.push({ reverse: pick(bookings) });
      const chosen = requests.filter(() => Math.random() < 0.6).sort(() => Math.random() - 0.5);
      for (const [index, result] of (await post(chosen)).entries()) {
        const code = codes([result])[0] as string;
        tally.set(code, (tally.get(code) ?? 0) + 1);
        if (result.kind === 'refused') continue;
        const asked = chosen[index] as PostRequest;
        if (result.transaction.status === 'PENDING') reservations.push(result.transaction.id);
        else if ('postings' in asked) bookings.push(result.transaction.id);
      }
    }
  }
  await Promise.all(Array.from({ length: 64 }, client));
  expect(await brokenRules(book.db)).toEqual([]);
  expect([...tally.keys()].filter((code) => !harmless.includes(code))).toEqual([]);
  expect([...tally.keys()].sort()).toEqual([...harmless].sort());
});
