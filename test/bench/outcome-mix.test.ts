import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../bench/distributions.ts';
import {
  busyUser,
  createMix,
  type Kind,
  type List,
  PAGE,
  pagedLists,
  pagesOf,
  type Want,
} from '../../bench/outcome/mix.ts';
import { type Cursors, cursorKey, requestOf } from '../../bench/outcome/requests.ts';

const plan = {
  seed: 7,
  postings: 'spread',
  accounts: 100_000,
  rows: 10_000_000,
  start: Date.parse('2025-01-01T00:00:00Z'),
  today: '2026-11-26',
} as const;

function take(count: number, more: Partial<Parameters<typeof createMix>[0]> = {}): Want[] {
  const next = createMix({ ...plan, ...more });
  return Array.from({ length: count }, next);
}

function only<K extends Kind>(wants: readonly Want[], kind: K) {
  return wants.filter((want): want is Extract<Want, { kind: K }> => want.kind === kind);
}

describe('the mixed traffic', () => {
  const wants = take(20_000);

  it('is made of postings, lists, balances and reports in the parts that are promised', () => {
    const part = (kind: Kind) => only(wants, kind).length / wants.length;
    expect(part('post')).toBeCloseTo(0.6, 1);
    expect(part('list')).toBeCloseTo(0.25, 1);
    expect(part('balance')).toBeCloseTo(0.1, 1.5);
    expect(part('report')).toBeCloseTo(0.05, 1.5);
  });

  it('is the same for the same seed, and another for another', () => {
    expect(take(500)).toEqual(wants.slice(0, 500));
    expect(take(500, { seed: 8 })).not.toEqual(wants.slice(0, 500));
  });

  it('pays into one account where it is to be hot, and never from an account to itself', () => {
    const hot = only(take(2000, { postings: 'hot' }), 'post');
    expect(new Set(hot.map(({ to }) => to)).size).toBe(1);
    expect(new Set(only(wants, 'post').map(({ to }) => to)).size).toBeGreaterThan(5000);
    for (const { from, to } of [...hot, ...only(wants, 'post')]) expect(from).not.toBe(to);
  });

  it('turns pages, and some far back, of users and of the whole ledger', () => {
    const lists = only(wants, 'list');
    const where = (list: List, page: number) => `${list.user === undefined ? 'ledger' : 'user'} ${page}`;
    const seen = new Set(lists.map(({ list, page }) => where(list, page)));
    for (const place of ['user 1', 'user 2', 'user 5', 'user 200', 'ledger 1', 'ledger 3', 'ledger 200'])
      expect(seen).toContain(place);
    expect(lists.filter(({ list }) => list.user === 1).length / lists.length).toBeCloseTo(0.05, 1.5);
  });

  it('asks for twelve months and for instants that there are', () => {
    for (const { from, to } of only(wants, 'report')) {
      expect(from).toMatch(/^202[456]-\d\d-01$/);
      expect(from >= '2025-01-01' && to <= plan.today).toBe(true);
      const months = (day: string) => Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7));
      expect(months(to) - months(from)).toBe(11);
    }
    expect(new Set(only(wants, 'report').map(({ to }) => to))).toContain('2026-10-31');
    for (const { at } of only(wants, 'balance')) {
      if (at === undefined) continue;
      expect(Date.parse(at)).toBeGreaterThanOrEqual(plan.start);
      expect(at < plan.today).toBe(true);
    }
  });
});

describe('the pages of a list', () => {
  it('are only those it has, and those of every list that is asked for are known beforehand', () => {
    const sizes = fc.record({
      rows: fc.integer({ min: 1, max: 20_000_000 }),
      seed: fc.nat(),
      accounts: fc.constantFrom(1000, 100_000),
    });
    fc.assert(
      fc.property(sizes, (size) => {
        const known = new Set(
          pagedLists(size).flatMap((list) => pagesOf(size, list).map((page) => cursorKey(list, page))),
        );
        for (const { list, page } of only(take(300, size), 'list')) {
          if (page > 1) expect(known).toContain(cursorKey(list, page));
        }
        for (const page of pagesOf(size, { user: undefined, status: 'SUCCESS' }))
          expect(page * PAGE).toBeLessThanOrEqual(size.rows);
      }),
      { numRuns: 40 },
    );
  });

  it('are few where there are few rows', () => {
    expect(pagesOf({ ...plan, rows: 100 }, { user: 1, status: 'SUCCESS' })).toEqual([]);
    expect(pagesOf(plan, { user: 1, status: 'SUCCESS' })).toEqual([2, 3, 4, 5, 200]);
    expect(pagesOf(plan, { user: 50, status: 'SUCCESS' })).toEqual([2, 3, 4, 5]);
    expect(pagesOf(plan, { user: 101, status: 'SUCCESS' })).toEqual([]);
  });
});

it('users are busy by the law the rows were made by', () => {
  const random = createRandom(3);
  const users = Array.from({ length: 50_000 }, () => busyUser(100_000, random));
  const part = (user: number) => users.filter((one) => one === user).length / users.length;
  expect(part(1)).toBeCloseTo(Math.log(2) / Math.log(100_001), 2);
  expect(part(2)).toBeCloseTo(Math.log(1.5) / Math.log(100_001), 2);
  expect(Math.min(...users)).toBe(1);
  expect(Math.max(...users)).toBeLessThanOrEqual(100_000);
});

describe('the request for a wish', () => {
  const cursors: Cursors = { [cursorKey({ user: 4, status: 'SUCCESS' }, 200)]: 'abc' };
  const to = (side: 'ours' | 'before') => ({ side, ledger: 'bench', key: 'secret', cursors });
  const far: Want = { kind: 'list', list: { user: 4, status: 'SUCCESS' }, page: 200 };

  it('is the same for both sides but for where a page begins', () => {
    expect(requestOf(far, to('ours')).path).toBe(
      '/v1/ledgers/bench/transactions?user_id=user-4&status=SUCCESS&limit=50&include_total=true&cursor=abc',
    );
    expect(requestOf(far, to('before')).path).toMatch(/&cursor=9950$/);
    for (const want of take(300)) {
      if (want.kind === 'list' && want.page > 1) continue;
      expect(requestOf(want, to('ours'))).toEqual(requestOf(want, to('before')));
    }
  });

  it('is not made for a page that nobody has found', () => {
    expect(() => requestOf({ ...far, page: 3 }, to('ours'))).toThrow('page 3');
  });

  it('posts what the API takes', () => {
    const [want] = only(take(10), 'post');
    const { method, body } = requestOf(want as Want, to('ours'));
    expect(method).toBe('POST');
    expect(JSON.parse(String(body))).toEqual({
      user_id: `user-${want?.from}`,
      reference_code: want?.reference,
      postings: [
        {
          from: `user-${want?.from}:WALLET`,
          to: `user-${want?.to}:WALLET`,
          amount: String(want?.amount),
          currency: 'EUR',
        },
      ],
    });
  });

  it('names the account and the instant of a balance', () => {
    const want: Want = { kind: 'balance', user: 9, at: '2026-01-01T00:00:00.000Z' };
    expect(requestOf(want, to('before')).path).toBe(
      '/v1/ledgers/bench/accounts/user-9%3AWALLET/balance?currency=EUR&at=2026-01-01T00%3A00%3A00.000Z',
    );
  });
});
