import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixedClock } from '../../src/core/clock.ts';
import { createLedger } from '../../src/ledger/ledgers.ts';
import { listTransactions, type TransactionList } from '../../src/ledger/list.ts';
import type { TransactionFilter } from '../../src/ledger/list-filter.ts';
import type { TransactionView } from '../../src/ledger/transaction-view.ts';
import { type History, newestFirst, openHistory } from './reading-fixture.ts';

const from = new Date('2023-02-10T00:00:00Z');
const to = new Date('2024-02-20T00:00:00Z');

let history: History;
beforeAll(async () => {
  history = await openHistory('America/St_Johns', from, new Date('2024-09-01'), 7);
  await history.add(1500, from, to);
});
afterAll(() => history.book.close());

const house = () => ({
  db: history.book.db,
  calendar: history.book.calendar,
  clock: fixedClock('2024-03-01'),
});

const list = (query: TransactionList, ledgerId = history.book.ledger.id) =>
  listTransactions(house(), ledgerId, query);

/** All pages, as one list. */
async function listAll(filter: TransactionFilter, limit: number, between?: () => Promise<unknown>) {
  const found = [];
  for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
    const page = await list({ ...filter, limit, cursor });
    expect(page.transactions.length).toBeLessThanOrEqual(limit);
    if (page.next !== undefined) expect(page.transactions).toHaveLength(limit);
    found.push(...page.transactions);
    cursor = page.next;
    await between?.();
  }
  return found;
}

/** What a list is, in the plainest words. */
function naive(all: readonly TransactionView[], filter: TransactionFilter): TransactionView[] {
  const { userId, status, referencePrefix, account, currency } = filter;
  return newestFirst(all).filter((one) => {
    if (userId !== undefined && one.userId !== userId) return false;
    if (status !== undefined && one.status !== status) return false;
    if (filter.from && one.createdAt < filter.from) return false;
    if (filter.to && one.createdAt >= filter.to) return false;
    if (referencePrefix !== undefined && !one.referenceCode?.startsWith(referencePrefix)) return false;
    if (account === undefined) return currency === undefined || one.currency === currency;
    return one.entries.some(
      (entry) => entry.account === account && (currency === undefined || entry.currency === currency),
    );
  });
}

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const instant = fc.date({ min: new Date('2023-01-01'), max: new Date('2024-03-01'), noInvalidDate: true });
const anyFilter = fc
  .record({
    userId: optional(fc.constantFrom('ann', 'bob', '', "d'ee", 'nobody')),
    status: optional(fc.constantFrom('SUCCESS' as const, 'FAILED' as const)),
    from: optional(instant),
    to: optional(instant),
    referencePrefix: optional(
      fc.constantFrom(
        'INV',
        'INV-',
        'INV-1',
        'é',
        '\u{d7ff}',
        '\u{e000}',
        '\u{10ffff}',
        '%',
        '_',
        'inv',
        'X',
      ),
    ),
    account: optional(fc.constantFrom('bank:CASH', 'ann:WALLET', 'dee:WALLET', 'idle:WALLET')),
    currency: optional(fc.constantFrom('EUR', 'USD')),
  })
  .filter(({ status, account, currency }) => {
    if (account === 'idle:WALLET' && currency === 'USD') return false;
    return !(status === 'FAILED' && account !== undefined);
  });

const ids = (rows: readonly { id: string }[]) => rows.map(({ id }) => id);

describe('a list of transactions', () => {
  it('holds what the filters say, newest first, whatever they are and however it is cut into pages', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(anyFilter, fc.constantFrom(7, 40, 333, 1000), async (filter, limit) => {
        const want = naive(history.all, filter);
        const have = await listAll(filter, limit);
        if (filter.account === undefined) expect(ids(have)).toEqual(ids(want));
        else {
          // Within one instant the entries of an account stand in their own order.
          expect(have.map(({ createdAt }) => createdAt)).toEqual(want.map(({ createdAt }) => createdAt));
          expect(new Set(ids(have)).size).toBe(have.length);
          expect(ids(newestFirst(have as TransactionView[]))).toEqual(ids(want));
        }
      }),
      { numRuns: 120 },
    );
  });

  it('gives rows as they were booked, without their entries', async () => {
    const want = newestFirst(history.all).map(({ entries: _, ...row }) => row);
    expect(await listAll({}, 1000)).toEqual(want);
  });

  it('is not disturbed by what is booked while it is paged through, ties and all', async () => {
    const ties = history.all.filter(
      (one, index) => one.createdAt.getTime() === history.all[index + 1]?.createdAt.getTime(),
    );
    expect(ties.length).toBeGreaterThan(100);
    for (const filter of [{}, { userId: 'ann' }, { account: 'bank:CASH' }, { status: 'FAILED' as const }]) {
      const want = naive(history.all, filter);
      const last = history.all.at(-1)?.createdAt as Date;
      let later = last.getTime();
      const have = await listAll(filter, 97, async () => {
        later += 1000;
        await history.add(3, new Date(later), new Date(later + 1000));
      });
      expect(new Set(ids(have))).toEqual(new Set(ids(want)));
      expect(have).toHaveLength(want.length);
    }
  });

  it('begins with what was booked a moment ago', async () => {
    const [newest] = newestFirst(history.all);
    expect(ids((await list({ limit: 1 })).transactions)).toEqual([newest?.id]);
  });

  it('counts up to a bound what the summaries do not know', async () => {
    const filter = { account: 'bank:CASH', limit: 2, includeTotal: true };
    const want = BigInt(naive(history.all, { account: 'bank:CASH' }).length);
    expect((await list(filter)).total).toEqual({ count: want, exact: true });
    const prefix = naive(history.all, { referencePrefix: 'INV', userId: 'bob' }).length;
    expect(
      (await list({ referencePrefix: 'INV', userId: 'bob', limit: 2, includeTotal: true })).total,
    ).toEqual({
      count: BigInt(prefix),
      exact: true,
    });
  });

  it('is read alike in a transaction of the caller, as on a replica', async () => {
    const query = { account: 'ann:WALLET', limit: 20, includeTotal: true };
    const want = [await list(query), await list({ limit: 20, includeTotal: true })];
    const have = await history.book.db
      .transaction()
      .setAccessMode('read only')
      .execute(async (trx) => {
        const inside = { ...house(), db: trx };
        const ledgerId = history.book.ledger.id;
        return [
          await listTransactions(inside, ledgerId, query),
          await listTransactions(inside, ledgerId, { limit: 20, includeTotal: true }),
        ];
      });
    expect(have).toEqual(want);
  });
});

describe('a cursor of a list', () => {
  it('is refused with any other filter, and in another ledger', async () => {
    const other = await createLedger(history.book.db, 'other');
    const { next } = await list({ limit: 5, userId: 'ann' });
    const refused = { kind: 'invalid', code: 'cursor_invalid' };
    for (const change of [
      { userId: 'bob' },
      { status: 'SUCCESS' as const },
      { from },
      { to },
      { referencePrefix: 'I' },
      { currency: 'EUR' },
      { account: 'ann:WALLET' },
    ]) {
      await expect(list({ limit: 5, userId: 'ann', cursor: next, ...change })).rejects.toMatchObject(refused);
    }
    await expect(list({ limit: 5, userId: 'ann', cursor: next }, other.id)).rejects.toMatchObject(refused);
    expect((await list({ limit: 9, userId: 'ann', cursor: next })).transactions).toHaveLength(9);
  });

  it('never breaks anything, whatever it is', { timeout: 60_000 }, async () => {
    const pages = await Promise.all([list({ limit: 5 }), list({ limit: 5, account: 'bank:CASH' })]);
    const [key, entry] = pages.map(({ next }) => next as string) as [string, string];
    const parts = (cursor: string) => JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    const forged = (cursor: string) =>
      fc
        .tuple(
          fc.nat(6),
          fc.constantFrom<unknown>(
            'ledger',
            'user',
            'reference',
            'account',
            'pending',
            'failed',
            0,
            -62_135_596_800_000,
            253_402_300_799_999,
            9e15,
            '9223372036854775807',
            '9223372036854775808',
            '00000000-0000-0000-0000-000000000000',
            null,
            '',
          ),
        )
        .map(([place, part]) =>
          Buffer.from(JSON.stringify(parts(cursor).with(place % parts(cursor).length, part))).toString(
            'base64url',
          ),
        );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(forged(key), forged(entry), fc.string({ maxLength: 40 })),
        fc.boolean(),
        async (cursor, ofAccount) => {
          const query = { limit: 5, cursor, ...(ofAccount ? { account: 'bank:CASH' } : {}) };
          const answer = await list(query).catch((error: unknown) => error);
          if (answer instanceof Error) expect(answer).toMatchObject({ kind: 'invalid' });
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a filter', () => {
  it.each([
    [{ status: 'FAILED', account: 'ann:WALLET' }, 'invalid_filter'],
    [{ referencePrefix: '' }, 'invalid_filter'],
    [{ referencePrefix: 'a\0' }, 'invalid_filter'],
    [{ userId: '\ud800' }, 'invalid_filter'],
    [{ limit: 0 }, 'invalid_filter'],
    [{ limit: 1001 }, 'invalid_filter'],
    [{ from: new Date(Number.NaN) }, 'instant_out_of_range'],
    [{ to: new Date(8e15) }, 'instant_out_of_range'],
    [{ account: 'nobody:WALLET' }, 'account_not_found'],
    [{ account: 'ann' }, 'account_not_found'],
    [{ account: '9999999999999999999' }, 'account_not_found'],
    [{ account: 'ann:WALLET', currency: 'CHF' }, 'account_not_found'],
  ] as [Partial<TransactionList>, string][])('that makes no sense is refused: %j', async (change, code) => {
    await expect(list({ limit: 5, ...change })).rejects.toMatchObject({ code });
  });

  it('takes an account by its id', async () => {
    const { rows } = {
      rows: await history.book.db
        .selectFrom('ledger.accounts')
        .select('id')
        .where('entity_id', '=', 'ann')
        .where('currency', '=', 'USD')
        .execute(),
    };
    const byId = await listAll({ account: String(rows[0]?.id) }, 1000);
    expect(ids(byId)).toEqual(ids(await listAll({ account: 'ann:WALLET', currency: 'USD' }, 1000)));
  });
});
