import { afterAll, beforeAll, expect, it } from 'vitest';
import { fixedClock } from '../../src/core/clock.ts';
import { listTransactions } from '../../src/ledger/list.ts';
import type { TransactionFilter } from '../../src/ledger/list-filter.ts';
import { type History, openHistory } from './reading-fixture.ts';

const from = new Date('2023-03-05T12:00:00Z');
const to = new Date('2023-04-20T12:00:00Z');
let history: History;
beforeAll(async () => {
  history = await openHistory('UTC', from, new Date('2023-06-01'), 21);
  await history.add(600, from, to);
});
afterAll(() => history.book.close());

const booked = (account: string, filter: TransactionFilter) =>
  history.all.filter(
    (one) =>
      one.status === 'SUCCESS' &&
      one.entries.some(
        (entry) => entry.account === account && entry.currency === (filter.currency ?? entry.currency),
      ) &&
      !(filter.from && one.createdAt < filter.from) &&
      !(filter.to && one.createdAt >= filter.to),
  );

it('what moved an account is counted once, however often and in whatever currency it was moved', async () => {
  const { db, calendar, ledger } = history.book;
  const house = { db, calendar, clock: fixedClock('2023-05-01') };
  // Some go through an account several times, or several are booked at one instant: there a range begins and ends, too.
  const several = history.all.find(
    (one) => one.entries.filter(({ account }) => account === 'bank:CASH').length > 1,
  );
  expect(several).toBeDefined();
  const at = several?.createdAt as Date;
  const next = new Date(at.getTime() + 1);
  for (const account of ['bank:CASH', 'ann:WALLET', 'bob:WALLET', 'idle:WALLET']) {
    for (const currency of [undefined, 'EUR', 'USD'] as const) {
      if (account === 'idle:WALLET' && currency === 'USD') continue;
      for (const range of [{}, { from: at }, { to: at }, { from: at, to: next }, { to: next }]) {
        const filter = { account, currency, ...range };
        const page = await listTransactions(house, ledger.id, { ...filter, limit: 1, includeTotal: true });
        expect([filter, page.total]).toEqual([
          filter,
          { count: BigInt(booked(account, filter).length), exact: true },
        ]);
      }
    }
  }
});
