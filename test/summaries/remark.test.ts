import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { releaseQuarter } from '../../src/quarters/release.ts';
import { restoreQuarter } from '../../src/quarters/restore.ts';
import { reconcileSummaries } from '../../src/summaries/reconcile.ts';
import { refreshSummaries } from '../../src/summaries/refresh.ts';
import { type ArchivedHome, openArchivedHome, takeTo } from '../quarters/restore-fixture.ts';
import { eventsOf, openHouse, run } from '../quarters/support.ts';
import { bookPayments, createLedger } from '../quarters/support-ledger.ts';
import { sumUp } from '../quarters/support-summaries.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { differing, seeded } from './plain.ts';

const marksOf = async ({ database }: QuarterHouse) =>
  (
    await database.write
      .selectFrom('quartermaster.summary_marks')
      .select(['ledger_id', 'day'])
      .orderBy('ledger_id')
      .orderBy('day')
      .execute()
  ).map(({ ledger_id, day }) => `${ledger_id} ${day}`);

describe('days whose totals by kind were lost to a worker of the version before', () => {
  let home: TestDatabase;
  let house: QuarterHouse;
  const reconcile = (options: object = {}) =>
    reconcileSummaries({ ...house, actor: 'ann', days: 2000, random: seeded(1), ...options });

  beforeAll(async () => {
    home = await createDatabase();
    house = openHouse(home.url, { now: '2026-05-05T12:00:00Z' });
    await ensureQuarters(house, run, new Date('2026-01-01'), new Date('2026-06-30'));
    const db = house.database.write;
    for (const name of ['a', 'b']) {
      const ledger = await createLedger(db, name, 10);
      const [start, end] = [new Date('2026-01-01'), new Date('2026-05-05T10:00Z')];
      await bookPayments(db, ledger, { start, end, transactions: 500 });
    }
    // A day on which nothing was booked has no such totals, and lacks none.
    const failed = await createLedger(db, 'c', 1);
    const at = new Date('2026-02-02T12:00Z');
    await sql`
      INSERT INTO ledger.transactions (ledger_id, created_at, id, status, currency, amount, account_ids)
      VALUES (${failed}, ${at}, gen_random_uuid(), 'FAILED', 'EUR', 5, '{}')`.execute(db);
    await sumUp(db, failed, at, at);
    await sql`UPDATE quartermaster.migrations SET timestamp = '2026-04-15T20:00:00.000Z'`.execute(db);
    await sql`
      DELETE FROM ledger.daily_group_totals
      WHERE day IN ('2026-01-01', '2026-03-31', '2026-04-15', '2026-04-16') AND ledger_id = 1`.execute(db);
  });
  afterAll(async () => {
    await house.database.close();
    await home.drop();
  });

  it('are marked again up to the day of the upgrade, and are no difference; what a later day lacks is one', async () => {
    const report = await reconcile({ fix: false });
    expect(report).toMatchObject({ remarkedDays: 3, markedDays: 3, differingDays: 1 });
    expect(report.differing[0]).toMatchObject({ day: '2026-04-16', table: 'daily_group_totals' });
    const marks = ['1 2026-01-01', '1 2026-03-31', '1 2026-04-15'];
    expect(await marksOf(house)).toEqual(marks);
    // Once is enough.
    expect(await reconcile({ fix: false })).toMatchObject({ remarkedDays: 0, markedDays: 3 });
    expect(await marksOf(house)).toEqual(marks);
  });

  it('are filled by the next refresh', async () => {
    await refreshSummaries(house);
    expect(await reconcile()).toMatchObject({ remarkedDays: 0, markedDays: 0, repairedDays: 1 });
    expect(await differing(house.database.write, 'UTC')).toEqual([]);
  });
});

describe('a quarter that had left before the upgrade and is restored', () => {
  let home: ArchivedHome;
  beforeAll(async () => {
    home = await openArchivedHome(['2024q1', '2024q2']);
    await takeTo(home.house, '2024q1', 'dropped');
    await sql`DELETE FROM ledger.daily_group_totals WHERE day < '2024-04-01'`.execute(
      home.house.database.write,
    );
  });
  afterAll(() => home?.close());

  it('alarms nobody, and gets its totals by kind before it is let go', async () => {
    const { house } = home;
    const reconcile = () => reconcileSummaries({ ...house, actor: 'ann', quarter: '2024q1' });
    // Nothing can be counted of it now.
    expect(await reconcileSummaries({ ...house, actor: 'ann' })).toMatchObject({ remarkedDays: 0 });
    await restoreQuarter(house, { ...run, reason: 'an audit' }, '2024q1');
    const found = await reconcile();
    expect(found.remarkedDays).toBeGreaterThan(20);
    expect(found).toMatchObject({ differences: 0, markedDays: found.remarkedDays });
    await expect(releaseQuarter(house, run, '2024q1')).rejects.toMatchObject({
      kind: 'busy',
      code: 'summaries_outstanding',
    });
    await refreshSummaries(house);
    expect(await reconcile()).toMatchObject({ remarkedDays: 0, markedDays: 0, differences: 0 });
    expect(await eventsOf(house.database.direct, '2024q1')).not.toContain('summaries_repaired');
    expect(await differing(house.database.write, 'UTC')).toEqual([]);
    await releaseQuarter(house, run, '2024q1');
  });
});
