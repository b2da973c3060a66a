import fc from 'fast-check';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { createAccounts } from '../../src/ledger/account-create.ts';
import { createAccountCache } from '../../src/ledger/accounts.ts';
import { createPoster } from '../../src/ledger/post.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import { daysOf } from '../../src/quarters/close-findings.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { refreshSummaries } from '../../src/summaries/refresh.ts';
import { anyCalendar, anyInstant } from '../core/zones.ts';
import { createDatabase } from '../support/database.ts';
import { openHouse, run } from './support.ts';

describe('the days of a quarter', () => {
  it('are for every instant of it what the calendar says, in any zone', () => {
    fc.assert(
      fc.property(anyCalendar, anyInstant, fc.boolean(), (days, time, atEdge) => {
        const quarter = days.quarterOf(time);
        const { names, starts, first, last } = daysOf(days, quarter.start, quarter.end);
        expect(first).toBe(names[0]);
        expect(last).toBe(names.at(-1));
        expect(starts[0]).toEqual(quarter.start);
        const at = atEdge ? new Date(quarter.end.getTime() - 1) : time;
        // As PostgreSQL's width_bucket: the last one that has begun.
        const bucket = starts.findLastIndex((start) => start <= at);
        expect(names[bucket]).toBe(days.dayOf(at));
        // The day is told by counting on from the first, so none may be left out.
        expect(names.map((name) => (Date.parse(name) - Date.parse(first)) / 86_400_000)).toEqual([
          ...names.keys(),
        ]);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    [
      'America/Havana',
      '2015q4',
      ['2015-11-01T03:59:59.999Z', '2015-11-01T04:00:00Z', '2015-11-01T05:30:00Z'],
    ],
    ['America/Sao_Paulo', '2018q1', ['2018-02-18T01:30:00Z', '2018-02-18T02:30:00Z', '2018-02-18T03:00:00Z']],
    ['Pacific/Apia', '2011q4', ['2011-12-30T09:59:59Z', '2011-12-30T10:00:00Z', '2011-12-31T09:00:00Z']],
    ['Asia/Kolkata', '2019q2', ['2019-03-31T18:30:00Z', '2019-06-30T18:29:59.999Z']],
  ])('in %s are those that the refresh has summed up, so that %s closes', async (zone, quarter, times) => {
    const home = await createDatabase({ zone });
    const house = openHouse(home.url, { zone, premake: 0, now: '2020-02-02T00:00:00Z' });
    try {
      const { database } = house;
      const { start, end } = house.calendar.quarter(quarter);
      await ensureQuarters(house, run, start, new Date(end.getTime() - 1));
      const { rows } = await sql<{
        first: string;
      }>`SELECT min(quarter) AS first FROM quartermaster.quarters`.execute(database.write);
      expect(rows).toEqual([{ first: quarter }]);
      await database.write.insertInto('ledger.ledgers').values({ name: 'main' }).execute();
      const [a, b] = ['a:CASH', 'b:CASH'] as const;
      const account = { currency: 'EUR', minBalance: null };
      await createAccounts(
        database.write,
        1,
        [a, b].map((address) => ({ address, ...account })),
      );
      const poster = createPoster({
        db: database.write,
        calendar: house.calendar,
        accounts: createAccountCache(),
      });
      const results = await poster.post(
        1,
        times.map((time) => ({
          createdAt: new Date(time),
          postings: [{ from: a, to: b, amount: 5n, currency: 'EUR' }],
        })),
      );
      expect(results.map(({ kind }) => kind)).toEqual(times.map(() => 'created'));
      await refreshSummaries({ database, calendar: house.calendar });
      expect(await closeQuarter(house, run, quarter)).toMatchObject({
        closed: true,
        transactions: BigInt(times.length),
      });
    } finally {
      await house.database.close();
      await home.drop();
    }
  });
});
