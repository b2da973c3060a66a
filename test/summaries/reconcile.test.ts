import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JobHouse } from '../../jobs/house.ts';
import { reconcileSummariesJob } from '../../jobs/reconcile-summaries.ts';
import { measured } from '../../src/main/measured.ts';
import { createBlockedWatches } from '../../src/platform/blocked.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { reconcileSummaries } from '../../src/summaries/reconcile.ts';
import { sampleDays } from '../../src/summaries/reconcile-sample.ts';
import { refreshSummaries } from '../../src/summaries/refresh.ts';
import { type LogLine, recordingLogger } from '../http/house.ts';
import { openHouse, run } from '../quarters/support.ts';
import { bookPayments, createLedger } from '../quarters/support-ledger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { differing, seeded } from './plain.ts';

const NOW = '2026-05-05T12:00:00Z';
let home: TestDatabase;
let house: QuarterHouse;

beforeAll(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { now: NOW });
  await ensureQuarters(house, run, new Date('2026-01-01'), new Date('2026-06-30'));
  for (const name of ['a', 'b']) {
    const ledger = await createLedger(house.database.write, name, 10);
    for (const [start, end] of [
      ['2026-01-01', '2026-04-01'],
      ['2026-04-01', '2026-05-05T10:00Z'],
    ] as const) {
      await bookPayments(house.database.write, ledger, {
        start: new Date(start),
        end: new Date(end),
        transactions: 400,
      });
    }
  }
  await closeQuarter(house, run, '2026q1');
  // What a day of before the upgrade lacks is no difference: test/summaries/remark.test.ts.
  await sql`UPDATE quartermaster.migrations SET timestamp = '2025-12-01T00:00:00Z'`.execute(db());
});
afterAll(async () => {
  await house.database.close();
  await home.drop();
});

const db = () => house.database.write;
/** Every day, so that a difference is found wherever it is. */
const reconcile = (options: object = {}) =>
  reconcileSummaries({ ...house, actor: 'ann', days: 2000, random: seeded(1), ...options });
const plain = () => differing(db(), 'UTC');
const events = async () =>
  (
    await db()
      .selectFrom('quartermaster.quarter_events')
      .select(['quarter', 'event', 'actor', 'reason', 'detail'])
      .where('event', '=', 'summaries_repaired')
      .orderBy('id')
      .execute()
  ).slice();

describe('the reconciliation of the summaries', () => {
  beforeEach(async () => {
    await sql`DELETE FROM quartermaster.summary_marks`.execute(db());
  });

  it('finds nothing where nothing differs, and tells no event', async () => {
    expect(await plain()).toEqual([]);
    const report = await reconcile();
    expect(report).toMatchObject({
      differences: 0,
      repairedDays: 0,
      differing: [],
      failed: [],
      markedDays: 0,
    });
    expect(report.checkedDays).toBeGreaterThan(150);
    expect(await events()).toEqual([]);
  });

  it.each([
    ['daily_transaction_summary', 'total_amount', 'day'],
    ['daily_totals', 'transaction_count', 'day'],
    ['daily_balances', 'closing_balance', 'snapshot_date'],
    ['daily_group_totals', 'debits', 'day'],
  ])(
    'tells what differs in %s with its numbers, and mends what is other, missing and too much',
    async (table, column, day) => {
      const before = (await events()).length;
      const name = sql.table(`ledger.${table}`);
      const on = sql.ref(day);
      const key = { daily_balances: 'account_id', daily_group_totals: 'group_type' }[table] ?? 'currency';
      await sql`UPDATE ${name} SET ${sql.ref(column)} = ${sql.ref(column)} + 7 WHERE ledger_id = 1 AND ${on} = '2026-04-10'`.execute(
        db(),
      );
      await sql`DELETE FROM ${name} WHERE ledger_id = 2 AND ${on} = '2026-04-11'`.execute(db());
      await sql`
      INSERT INTO ${name} SELECT (jsonb_populate_record(s, jsonb_build_object(${sql.lit(key)}, ${sql.lit(key === 'account_id' ? 777 : 'XXX')}))).*
      FROM ${name} AS s WHERE ledger_id = 1 AND ${on} = '2026-04-12' LIMIT 1`.execute(db());
      const report = await reconcile();
      expect(report.differingDays).toBe(3);
      expect(report.repairedDays).toBe(3);
      expect(new Set(report.differing.map((one) => one.table))).toEqual(new Set([table]));
      const other = report.differing.find((one) => one.stored !== null && one.counted !== null);
      expect(other).toMatchObject({ ledgerId: 1, day: '2026-04-10', quarter: '2026q2' });
      expect(BigInt(other?.stored?.[column] ?? 0) - BigInt(other?.counted?.[column] ?? 0)).toBe(7n);
      expect(report.differing.find((one) => one.stored === null)).toMatchObject({
        ledgerId: 2,
        day: '2026-04-11',
      });
      expect(report.differing.find((one) => one.counted === null)).toMatchObject({
        ledgerId: 1,
        day: '2026-04-12',
      });
      expect(await plain()).toEqual([]);
      const told = (await events()).slice(before);
      expect(new Set(told.map(({ quarter, actor }) => `${quarter} ${actor}`))).toEqual(
        new Set(['2026q2 ann']),
      );
      expect(told.reduce((sum, { detail }) => sum + Number(detail.differences), 0)).toBe(report.differences);
      expect(await reconcile()).toMatchObject({ differences: 0 });
    },
  );

  it('only tells where it is to mend nothing', async () => {
    const before = await events();
    await sql`UPDATE ledger.daily_totals SET total_amount = 1 WHERE ledger_id = 1 AND day = '2026-04-10'`.execute(
      db(),
    );
    expect(await reconcile({ fix: false })).toMatchObject({ differences: 1, repairedDays: 0 });
    expect(await events()).toEqual(before);
    expect((await plain()).length).toBeGreaterThan(0);
    expect(await reconcile()).toMatchObject({ differences: 1, repairedDays: 1 });
  });

  it('says of a closed quarter that its rows cannot have changed', async () => {
    await sql`UPDATE ledger.daily_totals SET total_amount = 1 WHERE ledger_id = 1 AND day = '2026-02-10'`.execute(
      db(),
    );
    // Nobody marked the day, so no refresh writes it.
    expect(await refreshSummaries(house)).toMatchObject({ days: 0 });
    expect((await plain()).length).toBeGreaterThan(0);
    expect(await reconcile()).toMatchObject({ differences: 1, repairedDays: 1 });
    expect((await events()).at(-1)).toMatchObject({
      quarter: '2026q1',
      reason: expect.stringContaining('The quarter is closed and its rows cannot change'),
    });
    expect(await plain()).toEqual([]);
  });

  it('looks at all days of one quarter where it is asked for, and at no other', async () => {
    await sql`UPDATE ledger.daily_totals SET total_amount = 1 WHERE ledger_id = 1 AND day IN ('2026-02-10', '2026-04-10')`.execute(
      db(),
    );
    expect(await reconcile({ quarter: '2026q1' })).toMatchObject({ checkedDays: 180, differences: 1 });
    expect(await reconcile({ quarter: '2026q2' })).toMatchObject({ checkedDays: 70, repairedDays: 1 });
    expect(await plain()).toEqual([]);
  });

  it('leaves a marked day to the refresh: it lags and is not wrong', async () => {
    await sql`UPDATE ledger.daily_totals SET total_amount = 1 WHERE ledger_id = 1 AND day = '2026-04-10'`.execute(
      db(),
    );
    await sql`INSERT INTO quartermaster.summary_marks (ledger_id, day) VALUES (1, '2026-04-10')`.execute(
      db(),
    );
    expect(await reconcile()).toMatchObject({ differences: 0, markedDays: 1 });
    await sql`DELETE FROM quartermaster.summary_marks`.execute(db());
    expect(await reconcile()).toMatchObject({ differences: 1, repairedDays: 1 });
  });

  it('tells of a day that cannot be counted, and looks at the others', async () => {
    const at = new Date('2026-04-20T12:00Z');
    const admin = openHouse(home.adminUrl).database;
    await sql`
      INSERT INTO ledger.transactions (ledger_id, created_at, id, status, currency, amount, account_ids)
      SELECT 1, ${at}, gen_random_uuid(), 'FAILED', 'EUR', 9000000000000000000, '{}' FROM generate_series(1, 2)`.execute(
      db(),
    );
    await sql`UPDATE ledger.daily_totals SET total_amount = 1 WHERE ledger_id = 1 AND day = '2026-04-21'`.execute(
      db(),
    );
    const report = await reconcile();
    expect(report.failed).toMatchObject([{ ledgerId: 1, day: '2026-04-20' }]);
    expect(report).toMatchObject({ differences: 1, repairedDays: 1 });
    await sql`DELETE FROM ledger.transactions WHERE created_at = ${at}`.execute(admin.write);
    await admin.close();
  });

  it('works once for two that run at the same time', async () => {
    const before = (await events()).length;
    await sql`UPDATE ledger.daily_balances SET closing_balance = closing_balance + 1 WHERE snapshot_date = '2026-04-15'`.execute(
      db(),
    );
    const reports = await Promise.all([reconcile(), reconcile()]);
    // Both may have found them; they were repaired once.
    expect(Math.max(...reports.map((one) => one.differingDays))).toBe(2);
    const told = (await events()).slice(before);
    expect(told.flatMap(({ detail }) => detail.days)).toHaveLength(2);
    expect(await plain()).toEqual([]);
  });

  it('as a job logs what differs as an error, and counts it', async () => {
    await sql`UPDATE ledger.daily_totals SET total_amount = 1 WHERE day = '2026-05-04'`.execute(db());
    const lines: LogLine[] = [];
    const metrics = createMetrics();
    const job = measured(
      reconcileSummariesJob(house as unknown as JobHouse),
      metrics,
      createBlockedWatches(metrics, house.clock),
    );
    const signal = new AbortController().signal;
    await job.handle({}, { id: 'x', signal, logger: recordingLogger(lines), onProgress: () => {} });
    expect(lines).toMatchObject([
      { level: 'error', quarter: '2026q2', differences: 2, differingDays: 2 },
      { level: 'warn', differingDays: 2, repairedDays: 2 },
    ]);
    expect(JSON.stringify(lines)).toContain('ledger 1, 2026-05-04, daily_totals');
    expect(await metrics.page.render()).toContain('quartermaster_summaries_differences_total 2');
  });
});

describe('the sample', () => {
  const sample = async (days: number, seed: number) =>
    (
      await sampleDays({ db: db(), calendar: house.calendar, now: new Date(NOW), days, random: seeded(seed) })
    ).flatMap((one) => one.days.map(({ ledgerId, day }) => `${ledgerId} ${day}`));

  it('has yesterday of every ledger, as many others as are asked for at most, and never today', async () => {
    expect((await sample(0, 1)).sort()).toEqual(['1 2026-05-04', '2 2026-05-04']);
    const found = await sample(50, 1);
    expect(found).toEqual(expect.arrayContaining(['1 2026-05-04', '2 2026-05-04']));
    expect(found.length).toBeGreaterThan(40);
    expect(found.length).toBeLessThanOrEqual(52);
    expect(found.filter((one) => one.slice(2) >= '2026-05-05')).toEqual([]);
  });

  it('is the same for the same random numbers, and another for others', async () => {
    expect(await sample(30, 5)).toEqual(await sample(30, 5));
    expect(await sample(30, 5)).not.toEqual(await sample(30, 6));
  });
});
