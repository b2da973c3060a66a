import { describe, expect, it } from 'vitest';
import { openTown } from './support.ts';

/** The first instant of a quarter in each zone, as the zone's own history has it. */
const bounds: readonly [zone: string, quarter: string, start: string][] = [
  // A day before it, the clocks went forward.
  ['Europe/Paris', '2024q2', '2024-03-31T22:00:00.000Z'],
  ['Europe/Paris', '2024q1', '2023-12-31T23:00:00.000Z'],
  // Summer time began on the evening before it until 2018, when midnight of that day did not exist.
  ['America/Sao_Paulo', '2017q4', '2017-10-01T03:00:00.000Z'],
  ['America/Sao_Paulo', '2018q1', '2018-01-01T02:00:00.000Z'],
  // The one zone whose summer time is taken away for Ramadan, so the offset at a quarter's start differs by the year.
  ['Africa/Casablanca', '2024q2', '2024-04-01T00:00:00.000Z'],
  ['Africa/Casablanca', '2025q2', '2025-04-01T00:00:00.000Z'],
  ['Africa/Casablanca', '2024q3', '2024-06-30T23:00:00.000Z'],
  // It went to the other side of the date line; 2011-12-30 never was, and the quarter began a day "early".
  ['Pacific/Apia', '2011q4', '2011-10-01T10:00:00.000Z'],
  ['Pacific/Apia', '2012q1', '2011-12-31T10:00:00.000Z'],
  ['Asia/Kathmandu', '2024q1', '2023-12-31T18:15:00.000Z'],
];

describe.each([...Map.groupBy(bounds, ([zone]) => zone)])('in %s', (zone, starts) => {
  it('a row at the bound goes to the quarter that begins there, and the one before it to the other', async () => {
    const town = await openTown({ zone, env: { QM_OLDEST_DATE: '2000-01-01' } });
    try {
      const now = '2025-06-06T00:00:00Z';
      const instants = starts.flatMap(([, , start]) => [
        new Date(Date.parse(start) - 1).toISOString(),
        start,
      ]);
      await town.pay(instants, now);
      for (const [, quarter, start] of starts) {
        const mine = await town.sql(`
          SELECT to_char(min(created_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS first
          FROM ledger.entries_${quarter}`);
        expect(mine).toEqual([{ first: start }]);
        // As PostgreSQL itself reckons the day in that zone.
        const [{ day, before }] = await town.sql(`
          SELECT to_char('${start}'::timestamptz AT TIME ZONE '${zone}', 'YYYY"q"Q') AS day,
                 to_char(('${start}'::timestamptz - interval '1 ms') AT TIME ZONE '${zone}', 'YYYY"q"Q') AS before`);
        expect([day, before < day]).toEqual([quarter, true]);
      }
      const gaps = await town.sql(`
        SELECT quarter FROM (SELECT quarter, starts_at, lag(ends_at) OVER (ORDER BY quarter) AS before
                             FROM quartermaster.quarters) AS q WHERE before <> starts_at`);
      expect(gaps).toEqual([]);
      // Whatever the zone of the session that looks.
      await town.sql(`ALTER ROLE ${new URL(town.url).username} SET TimeZone = 'Pacific/Kiritimati'`);
      expect(await town.ok('reconcile --fix', now)).toMatchObject({ created: [], drift: [], failed: [] });
    } finally {
      await town.drop();
    }
  });
});
