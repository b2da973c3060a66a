import { describe, expect, it } from 'vitest';
import { account, answering, faultsOf } from './answering.ts';
import { transactionView } from './house.ts';

describe('a balance', () => {
  it('of now says what is held, and of another instant what was booked', async () => {
    const { asked, get } = answering();
    expect((await get('/accounts/7/balance')).json()).toEqual({
      account_id: '7',
      account,
      currency: 'EUR',
      posted: '1000000000000000000',
      pending_out: '1',
      pending_in: '0',
      available: null,
      min_balance: null,
      version: 3,
      at: '2026-01-01T00:00:00.000Z',
    });
    const then = await get(`/accounts/${encodeURIComponent(account)}/balance?at=2026-03-31&currency=EUR`);
    expect(then.json()).toEqual({
      account_id: '7',
      account,
      currency: 'EUR',
      posted: '-5',
      at: '2026-03-30T22:00:00.000Z',
    });
    expect(asked).toEqual([
      [1, { account: '7', currency: undefined, at: undefined }],
      [1, { account, currency: 'EUR', at: new Date('2026-03-30T22:00:00Z') }],
    ]);
  });

  it('of the end of a day says that day', async () => {
    const { asked, get } = answering();
    const response = await get('/accounts/7/balance?day=2024-03-31&currency=EUR');
    expect(response.json()).toEqual({
      account_id: '7',
      account,
      currency: 'EUR',
      posted: '-7',
      day: '2024-03-31',
    });
    expect(asked).toEqual([[1, { account: '7', currency: 'EUR', day: '2024-03-31' }]]);
  });

  it('is that of an instant or of a day, not of both, and of a day there was', async () => {
    expect(await faultsOf('/accounts/7/balance?day=2024-03-31&at=2024-03-31')).toEqual(['day']);
    for (const day of ['2024-02-30', '2024-03-31T00:00:00Z', '', 'today']) {
      expect(await faultsOf(`/accounts/7/balance?day=${day}`), day).toEqual(['day']);
    }
  });

  it('is not given for what names no account, or no instant', async () => {
    for (const name of [
      'alice',
      '0',
      '-1',
      ':WALLET',
      'a:wallet',
      'a:b:WALLET',
      '%00:WALLET',
      '%20a:WALLET',
      '07',
    ]) {
      expect(await faultsOf(`/accounts/${name}/balance`), name).toEqual(['account']);
    }
    expect(await faultsOf('/accounts/7/balance?at=now')).toEqual(['at']);
    expect(await faultsOf('/accounts/7/balance?at=')).toEqual(['at']);
  });

  it('is found for the longest address there is', async () => {
    const { asked, get } = answering();
    const longest = `${'€'.repeat(128)}:A${'_'.repeat(31)}`;
    expect((await get(`/accounts/${encodeURIComponent(longest)}/balance`)).statusCode).toBe(200);
    const slashed = 'a/b?c#d:WALLET';
    expect((await get(`/accounts/${encodeURIComponent(slashed)}/balance`)).statusCode).toBe(200);
    expect(asked.map((parts) => (parts[1] as { account: string }).account)).toEqual([longest, slashed]);
  });
});

describe('a statement', () => {
  it('has the balances around it, its entries, and the way to the next page', async () => {
    const { asked, get } = answering();
    const response = await get(
      `/accounts/${account}/statement?from=2026-01-01&to=2026-04-01&limit=1&cursor=c1`,
    );
    expect(response.json()).toEqual({
      account_id: '7',
      account,
      currency: 'EUR',
      from: '2025-12-31T23:00:00.000Z',
      to: '2026-03-31T22:00:00.000Z',
      opening: '10',
      closing: '5',
      entries: [
        {
          created_at: '2026-01-01T00:00:00.000Z',
          transaction_id: transactionView().id,
          amount: '-5',
          balance_after: '5',
          version: 2,
          reference_code: 'r',
          description: null,
          effective_at: null,
        },
      ],
      next_cursor: 'c2',
      archived_quarters: [],
    });
    expect(response.headers.link).toBe('<?from=2026-01-01&to=2026-04-01&limit=1&cursor=c2>; rel="next"');
    expect(asked[0]?.[1]).toMatchObject({ account, limit: 1, cursor: 'c1' });
  });

  it('begins somewhere', async () => {
    expect(await faultsOf('/accounts/7/statement')).toEqual(['from']);
    expect(await faultsOf('/accounts/7/statement?from=')).toEqual(['from']);
    expect(await faultsOf('/accounts/7/statement?from=2026-01-01&to=2025-12-31')).toEqual(['to']);
    expect(await faultsOf('/accounts/x/statement?from=2026-13-01')).toEqual(['account', 'from']);
  });
});

describe('a daily summary', () => {
  it('is asked for by days, and grouped', async () => {
    const { asked, get } = answering();
    const response = await get(
      '/summaries/daily?from=2016-01-01&to=2025-12-31&group_by=week&user_id=u&status=SUCCESS&currency=EUR',
    );
    expect(response.json()).toEqual({
      zone: 'Europe/Paris',
      summaries: [
        {
          period: '2026-W01',
          start: '2025-12-29',
          currency: 'EUR',
          status: 'SUCCESS',
          transaction_count: 3,
          total_amount: '100000000000000000',
        },
      ],
      stale_days: ['2026-01-02'],
    });
    await get('/summaries/daily?from=2026-01-01&to=2026-01-01');
    expect(asked.map((parts) => parts[1])).toEqual([
      {
        userId: 'u',
        status: 'SUCCESS',
        currency: 'EUR',
        from: '2016-01-01',
        to: '2025-12-31',
        groupBy: 'week',
      },
      {
        userId: undefined,
        status: undefined,
        currency: undefined,
        from: '2026-01-01',
        to: '2026-01-01',
        groupBy: 'day',
      },
    ]);
  });

  it.each<[string, string[]]>([
    ['', ['from', 'to']],
    ['from=2026-01-01', ['to']],
    ['from=2026-01-01&to=2026-01-01T00:00:00Z', ['to']],
    ['from=2026-02-29&to=2026-03-01', ['from']],
    ['from=2026-01-02&to=2026-01-01', ['to']],
    ['from=2016-01-01&to=2026-01-01', ['to']],
    ['from=2026-01-01&to=2026-01-01&group_by=year', ['group_by']],
    ['from=2026-01-01&to=2026-01-01&status=PENDING', ['status']],
  ])('is not given for %s', async (query, parameters) => {
    expect(await faultsOf(`/summaries/daily?${query}`)).toEqual(parameters);
  });
});
