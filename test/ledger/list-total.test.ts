import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixedClock } from '../../src/core/clock.ts';
import { dayAfter } from '../../src/core/days.ts';
import { listTransactions } from '../../src/ledger/list.ts';
import type { TransactionFilter } from '../../src/ledger/list-filter.ts';
import { type History, openHistory } from './reading-fixture.ts';

describe.each([
  // The clocks go forward on 26 March 2023 in Paris, on 12 March in Newfoundland.
  { zone: 'Europe/Paris', seed: 11 },
  { zone: 'America/St_Johns', seed: 12 },
])('the total of a list in $zone', ({ zone, seed }) => {
  const from = new Date('2023-03-05T12:00:00Z');
  const to = new Date('2023-04-20T12:00:00Z');
  let history: History;
  beforeAll(async () => {
    history = await openHistory(zone, from, new Date('2023-06-01'), seed);
    await history.add(900, from, to);
    await history.refresh();
  });
  afterAll(() => history.book.close());

  async function total(filter: TransactionFilter) {
    const { db, calendar, ledger } = history.book;
    const house = { db, calendar, clock: fixedClock('2023-05-01') };
    return (await listTransactions(house, ledger.id, { ...filter, limit: 1, includeTotal: true })).total;
  }

  const naive = ({ userId, status, currency, ...range }: TransactionFilter) =>
    history.all.filter(
      (one) =>
        (userId === undefined || one.userId === userId) &&
        (status === undefined || one.status === status) &&
        (currency === undefined || one.currency === currency) &&
        !(range.from && one.createdAt < range.from) &&
        !(range.to && one.createdAt >= range.to),
    ).length;

  const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
  const instant = fc.oneof(
    fc.date({ min: from, max: to, noInvalidDate: true }),
    // Midnights, and the millisecond before.
    fc.tuple(fc.nat(45), fc.nat(1)).map(([days, before]) => {
      const { calendar } = history.book;
      const day = calendar.dayOf(new Date(from.getTime() + days * 86_400_000));
      return new Date(calendar.startOfDay(day).getTime() - before);
    }),
  );
  const anyFilter = fc.record({
    userId: optional(fc.constantFrom('ann', 'bob', '')),
    status: optional(fc.constantFrom('SUCCESS' as const, 'FAILED' as const)),
    currency: optional(fc.constantFrom('EUR', 'USD')),
    from: optional(instant),
    to: optional(instant),
  });

  const mark = (days: readonly string[]) =>
    sql`
    INSERT INTO quartermaster.summary_marks (ledger_id, day)
    SELECT ${history.book.ledger.id}::integer, day FROM unnest(${days}::date[]) AS day`.execute(
      history.book.db,
    );

  it('is what a count of the rows says, whatever is marked', { timeout: 120_000 }, async () => {
    const days: string[] = [];
    for (let day = '2023-03-04'; day < '2023-04-22'; day = dayAfter(day)) days.push(day);
    await fc.assert(
      fc.asyncProperty(anyFilter, fc.subarray(days), fc.boolean(), async (filter, marked, late) => {
        await history.refresh();
        await mark(marked);
        // What is posted since the last refresh has left marks of its own.
        if (late) {
          const last = history.all.at(-1)?.createdAt.getTime() as number;
          await history.add(2, new Date(last + 1), new Date(last + 3_600_000));
        }
        expect(await total(filter)).toEqual({ count: BigInt(naive(filter)), exact: true });
      }),
      { numRuns: 40 },
    );
  });

  it('takes days that are not marked as they are summed up, and counts those that are', async () => {
    await history.refresh();
    const { db, ledger } = history.book;
    const want = BigInt(naive({}));
    await sql`
      UPDATE ledger.daily_totals SET transaction_count = transaction_count + 1000
      WHERE ledger_id = ${ledger.id} AND day = '2023-03-20' AND status = 'SUCCESS' AND currency = 'EUR'`.execute(
      db,
    );
    expect(await total({})).toEqual({ count: want + 1000n, exact: true });
    await mark(['2023-03-20']);
    expect(await total({})).toEqual({ count: want, exact: true });
    await history.refresh();
    expect(await total({})).toEqual({ count: want, exact: true });
  });

  it('remembers archived quarters, and says so where it cannot be exact', async () => {
    const { book } = history;
    const middle = book.calendar.startOfDay('2023-03-15');
    const noon = new Date(middle.getTime() + 12 * 3_600_000);
    await history.refresh();
    await history.detach('2023q1');
    const { db, calendar, ledger } = book;
    const house = { db, calendar, clock: fixedClock('2023-05-01') };
    const list = (filter: TransactionFilter) =>
      listTransactions(house, ledger.id, { ...filter, limit: 1000, includeTotal: true });

    const all = await list({});
    expect(all).toMatchObject({
      archivedQuarters: ['2023q1'],
      total: { count: BigInt(naive({})), exact: true },
    });
    const { start } = calendar.quarter('2023q2');
    expect(all.transactions.every(({ createdAt }) => createdAt >= start)).toBe(true);
    expect(all.transactions.length).toBe(Math.min(1000, naive({ from: start })));

    expect((await list({ from: middle, userId: 'ann' })).total).toEqual({
      count: BigInt(naive({ from: middle, userId: 'ann' })),
      exact: true,
    });
    const partial = await list({ from: noon });
    expect(partial.total?.exact).toBe(false);
    expect(partial.total?.count).toBeLessThan(BigInt(naive({ from: noon })));
    expect(partial.total?.count).toBe(BigInt(naive({ from: new Date(middle.getTime() + 86_400_000) })));
    expect((await list({ account: 'bank:CASH' })).total?.exact).toBe(false);

    await mark(['2023-03-20']);
    expect((await list({})).total).toEqual({ count: BigInt(naive({})), exact: false });
    expect(await list({ from: start })).toMatchObject({
      archivedQuarters: [],
      total: { count: BigInt(naive({ from: start })), exact: true },
    });
  });
});
