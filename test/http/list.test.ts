import { describe, expect, it } from 'vitest';
import { account, answering, faultsOf } from './answering.ts';
import { problemIn } from './house.ts';

describe('a list of transactions', () => {
  it('is asked for with filters, and answered a page at a time', async () => {
    const { asked, get } = answering();
    const response = await get(
      `/transactions?user_id=u%20%F0%9F%A6%89&status=PENDING&from=2026-01-01T00:00:00%2B01:00&to=2026-03-31&reference_prefix=INV-&account=${account}&currency=EUR&limit=1000&include_total=true`,
      { 'x-ledger-position': '16/B374D848' },
    );
    expect(response.statusCode).toBe(200);
    expect(asked).toEqual([
      [
        1,
        {
          userId: 'u 🦉',
          status: 'PENDING',
          from: new Date('2025-12-31T23:00:00Z'),
          // A day begins where it begins in the ledger's zone, which is Paris in summer.
          to: new Date('2026-03-30T22:00:00Z'),
          referencePrefix: 'INV-',
          account,
          currency: 'EUR',
          limit: 1000,
          cursor: undefined,
          includeTotal: true,
        },
        '16/B374D848',
      ],
    ]);
    const page = response.json();
    expect(page).toMatchObject({
      transactions: [{ user_id: 'u', status: 'PENDING', amount: '1250', reservation: null }],
      next_cursor: 'c/1+=',
      total: { count: 9_000_000_000, exact: true },
      archived_quarters: ['2024q1'],
    });
    expect(page.transactions[0]).not.toHaveProperty('entries');
  });

  it('leads to the next page, and to none after the last', async () => {
    const { asked, get } = answering();
    const first = await get('/transactions?user_id=a%26b%3Dc&limit=2');
    const [, link = ''] = /^<([^>]*)>; rel="next"$/.exec(String(first.headers.link)) ?? [];
    const last = await get(`/transactions${link}`);
    expect(asked[1]?.[1]).toEqual({ ...(asked[0]?.[1] as object), cursor: 'c/1+=' });
    expect(asked[1]?.[1]).toMatchObject({ userId: 'a&b=c', limit: 2 });
    expect(last.json().next_cursor).toBeNull();
    expect(last.headers.link).toBeUndefined();
    expect(last.json()).not.toHaveProperty('total');
  });

  it('has fifty transactions unless told otherwise', async () => {
    const { asked, get } = answering();
    await get('/transactions');
    expect(asked[0]?.[1]).toMatchObject({ limit: 50, includeTotal: false });
    expect(asked[0]?.[2]).toBeUndefined();
  });

  it.each<[string, string[]]>([
    ['unknown=1', ['unknown']],
    ['user-id=1', ['user-id']],
    ['__proto__=1', ['__proto__']],
    ['user_id=a&user_id=b', ['user_id']],
    ['limit=1&limit=1', ['limit']],
    ['user_id=', ['user_id']],
    ['status=', ['status']],
    ['status=success', ['status']],
    ['status=VOIDED', ['status']],
    ['limit=0', ['limit']],
    ['limit=1001', ['limit']],
    ['limit=01', ['limit']],
    ['limit=1e2', ['limit']],
    ['limit=NaN', ['limit']],
    ['limit=-1', ['limit']],
    ['from=2026-02-30', ['from']],
    ['from=yesterday', ['from']],
    // A blank: the + of the offset was not written %2B.
    ['from=2026-01-01T00:00:00+01:00', ['from']],
    ['from=2026-01-01T00:00:00', ['from']],
    ['to=0000-01-01', ['to']],
    ['from=2026-01-02&to=2026-01-01', ['to']],
    ['currency=eur', ['currency']],
    ['account=alice', ['account']],
    ['account=-1', ['account']],
    ['account=9223372036854775808', ['account']],
    ['user_id=%00', ['user_id']],
    [`user_id=${'x'.repeat(129)}`, ['user_id']],
    ['reference_prefix=%0A', ['reference_prefix']],
    ['include_total=1', ['include_total']],
    ['cursor=', ['cursor']],
    [`cursor=${'x'.repeat(4001)}`, ['cursor']],
    ['a=1&b=2&limit=x', ['a', 'b', 'limit']],
  ])('is not given for %s', async (query, parameters) => {
    const told = await faultsOf(`/transactions?${query}`);
    expect(told?.toSorted()).toEqual(parameters);
  });

  it('says in words what is wrong with a query', async () => {
    const { get } = answering();
    const detailOf = async (query: string) =>
      problemIn(await get(`/transactions?${query}`), 400, 'invalid_request').errors?.[0]?.detail;
    expect(await detailOf('user_id=a&user_id=b')).toBe('is sent more than once');
    expect(await detailOf('nope=1')).toBe('is not known here');
    expect(await detailOf('limit=x')).toBe('must be a whole number from 1 to 1000');
    expect(await detailOf(`${'n'.repeat(5000)}=1`)).toBe('is not known here');
    expect((await get(`/transactions?${'n'.repeat(5000)}=1`)).body.length).toBeLessThan(1000);
  });

  it('takes a position of the log as a write gave it, and no other', async () => {
    const { asked, get } = answering();
    for (const position of ['', '16', '16/', '16/b374', '16/B374D8481', '1/2, 3/4', ' 1/2x', '1/2;']) {
      const response = await get('/transactions', { 'x-ledger-position': position });
      const { errors } = problemIn(response, 400, 'invalid_request');
      expect(errors?.map(({ header }) => header)).toEqual(['X-Ledger-Position']);
    }
    expect(asked).toEqual([]);
    for (const path of [
      '/transactions',
      `/accounts/${account}/statement?from=2026-01-01`,
      '/summaries/daily?from=2026-01-01&to=2026-01-01',
    ]) {
      await get(path, { 'x-ledger-position': '0/0' });
    }
    expect(asked.map((parts) => parts[2])).toEqual(['0/0', '0/0', '0/0']);
  });
});
