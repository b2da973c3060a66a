import { describe, expect, it } from 'vitest';
import { answering, faultsOf } from './answering.ts';

describe('a summary by kind of account', () => {
  it('is asked for by days, and grouped', async () => {
    const { asked, get } = answering();
    const response = await get(
      '/summaries/groups?from=2026-01-01&to=2026-03-31&group_by=quarter&group_type=WALLET&currency=EUR',
    );
    expect(response.json()).toEqual({
      zone: 'Europe/Paris',
      summaries: [
        {
          period: '2026q1',
          start: '2026-01-01',
          group_type: 'WALLET',
          currency: 'EUR',
          entry_count: 3,
          debits: '100000000000000000000',
          credits: '0',
        },
      ],
      stale_days: ['2026-01-03'],
    });
    await get('/summaries/groups?from=2026-01-01&to=2026-01-01');
    expect(asked.map((parts) => parts[1])).toEqual([
      { groupType: 'WALLET', currency: 'EUR', from: '2026-01-01', to: '2026-03-31', groupBy: 'quarter' },
      { groupType: undefined, currency: undefined, from: '2026-01-01', to: '2026-01-01', groupBy: 'day' },
    ]);
  });

  it.each<[string, string[]]>([
    ['', ['from', 'to']],
    ['from=2026-02-29&to=2026-03-01', ['from']],
    ['from=2026-01-02&to=2026-01-01', ['to']],
    ['from=2016-01-01&to=2026-01-01', ['to']],
    ['from=2026-01-01&to=2026-01-01&group_by=year', ['group_by']],
    ['from=2026-01-01&to=2026-01-01&group_type=wallet', ['group_type']],
    ['from=2026-01-01&to=2026-01-01&currency=eur', ['currency']],
  ])('is not given for %s', async (query, parameters) => {
    expect(await faultsOf(`/summaries/groups?${query}`)).toEqual(parameters);
  });
});
