import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { readFigures } from '../../src/db/figures.ts';
import { showFigures } from '../../src/main/figures-page.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import { previewReconcile, reconcile } from '../../src/quarters/reconcile.ts';
import { houseOver, run } from '../quarters/support.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { figureOf, seriesOf } from './figures-support.ts';

const NOW = '2026-05-05T12:00:00Z';
const ZONE = 'Europe/Paris';
const DAY = 86_400;

describe('the horizon is that of reconcile', () => {
  let created: TestDatabase;
  let admin: ReturnType<typeof openDatabase>;
  let house: ReturnType<typeof houseOver>;
  beforeAll(async () => {
    created = await createDatabase({ zone: ZONE });
    house = houseOver(openDatabase({ databaseUrl: created.url, poolMax: 4 }), { zone: ZONE, now: NOW });
    admin = openDatabase({ databaseUrl: created.adminUrl, poolMax: 1 });
    await reconcile(house, run);
  });
  afterAll(async () => {
    await house.database.close();
    await admin.close();
    await created.drop();
  });

  async function page(now: string): Promise<string> {
    const { database, calendar } = house;
    const figures = await database.withClient((client) =>
      readFigures(client, { zone: ZONE, db: database.write }),
    );
    const metrics = createMetrics();
    const policy = readConfig({ QM_DATABASE_URL: created.url });
    showFigures(metrics.replace, figures, { calendar, policy, jobs: [], now: new Date(now), age: 0 });
    return metrics.page.render();
  }

  /** Of the page and of a reconcile that looks, in seconds from then. */
  async function both(now = NOW): Promise<[number, number]> {
    const report = await previewReconcile(houseOver(house.database, { zone: ZONE, now }), {});
    const seconds = (report.horizon.getTime() - new Date(now).getTime()) / 1000;
    return [figureOf(await page(now), 'horizon_seconds'), seconds];
  }

  const alter = (text: string) => sql.raw(text).execute(house.database.direct);
  const fence = 'ADD CONSTRAINT quarter_closed CHECK (false) NOT VALID';
  const range = (from: string, to: string) => `FOR VALUES FROM ('${from}') TO ('${to}')`;
  // As Paris has them.
  const third = range('2026-06-30T22:00:00Z', '2026-09-30T22:00:00Z');

  it('while all is well, and counts down with the clock', async () => {
    const [seconds, expected] = await both();
    expect(seconds).toBe(expected);
    const end = house.calendar.quarter('2026q4').end;
    expect(seconds).toBe((end.getTime() - new Date(NOW).getTime()) / 1000);
    expect((await both('2026-05-06T12:00:00Z'))[0]).toBe(seconds - DAY);
    expect(await both('2027-05-05T12:00:00Z')).toEqual([0, 0]);
  });

  it.each([
    [
      'the current quarter is closed, in one table',
      `ALTER TABLE ledger.entries_2026q2 ${fence}`,
      'ALTER TABLE ledger.entries_2026q2 DROP CONSTRAINT quarter_closed',
      0,
    ],
    [
      'the next quarter is missing',
      'ALTER TABLE ledger.transactions DETACH PARTITION ledger.transactions_2026q3; ALTER TABLE ledger.entries DETACH PARTITION ledger.entries_2026q3',
      `ALTER TABLE ledger.transactions ATTACH PARTITION ledger.transactions_2026q3 ${third}; ALTER TABLE ledger.entries ATTACH PARTITION ledger.entries_2026q3 ${third}`,
      (Date.parse('2026-06-30T22:00:00Z') - Date.parse(NOW)) / 1000,
    ],
    [
      'one table has no partition for it',
      'ALTER TABLE ledger.entries DETACH PARTITION ledger.entries_2026q3',
      `ALTER TABLE ledger.entries ATTACH PARTITION ledger.entries_2026q3 ${third}`,
      (Date.parse('2026-06-30T22:00:00Z') - Date.parse(NOW)) / 1000,
    ],
    [
      'a partition that somebody else made lies where it should be',
      `ALTER TABLE ledger.entries DETACH PARTITION ledger.entries_2026q3;
       CREATE TABLE ledger.others PARTITION OF ledger.entries ${third}`,
      `DROP TABLE ledger.others; ALTER TABLE ledger.entries ATTACH PARTITION ledger.entries_2026q3 ${third}`,
      (Date.parse('2026-06-30T22:00:00Z') - Date.parse(NOW)) / 1000,
    ],
  ])('where %s', async (_, change, back, wanted) => {
    await alter(change);
    try {
      expect(await both()).toEqual([wanted, wanted]);
      // From the next one on all is as it was, whatever is missing now.
      const later = '2026-10-10T00:00:00Z';
      const [seconds, expected] = await both(later);
      expect(seconds).toBe(expected);
      expect(seconds).toBeGreaterThan(80 * DAY);
    } finally {
      await alter(back);
    }
  });

  it('where a detach is half done, which is told with its age', async () => {
    const set = (pending: boolean) =>
      sql`UPDATE pg_catalog.pg_inherits SET inhdetachpending = ${pending} WHERE inhrelid = 'ledger.entries_2026q2'::regclass`.execute(
        admin.direct,
      );
    await set(true);
    try {
      expect(await both()).toEqual([0, 0]);
      const text = await page(NOW);
      expect(seriesOf(text, 'partitions')).toContain('{table="entries",state="pending_detach"} 1');
      expect(seriesOf(text, 'pending_detach_age_seconds')).toEqual(['0']);
    } finally {
      await set(false);
    }
    expect(seriesOf(await page(NOW), 'pending_detach_age_seconds')).toEqual([]);
  });
});
