import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobHouse } from '../../jobs/house.ts';
import { reconcileSummariesJob } from '../../jobs/reconcile-summaries.ts';
import { measured } from '../../src/main/measured.ts';
import { createBlockedWatches } from '../../src/platform/blocked.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { reconcileSummaries } from '../../src/summaries/reconcile.ts';
import { type LogLine, recordingLogger } from '../http/house.ts';
import { openHouse, run } from '../quarters/support.ts';
import { bookPayments, createLedger } from '../quarters/support-ledger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { differing, seeded } from './plain.ts';

let home: TestDatabase;
let house: QuarterHouse;

beforeAll(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { now: '2026-05-05T12:00:00Z' });
  await ensureQuarters(house, run, new Date('2026-01-01'), new Date('2026-06-30'));
  const ledger = await createLedger(house.database.write, 'a', 10);
  const [start, end] = [new Date('2026-01-01'), new Date('2026-05-05T10:00Z')];
  await bookPayments(house.database.write, ledger, { start, end, transactions: 400 });
  await closeQuarter(house, run, '2026q1');
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

describe('a reconciliation', () => {
  it('as a job has told what it found when it is stopped before its end', async () => {
    // Yesterday is always looked at.
    await sql`UPDATE ledger.daily_totals SET total_amount = 1 WHERE ledger_id = 1 AND day = '2026-05-04'`.execute(
      db(),
    );
    const lines: LogLine[] = [];
    const metrics = createMetrics();
    const stop = new AbortController();
    const job = measured(
      reconcileSummariesJob(house as unknown as JobHouse),
      metrics,
      createBlockedWatches(metrics, house.clock),
    );
    const other = await holding('2026q2');
    const logger = recordingLogger(lines);
    const running = job.handle({}, { id: 'x', signal: stop.signal, logger, onProgress: () => {} });
    // It has found the difference, and cannot repair it yet.
    await expect.poll(other.waiting, { timeout: 20_000 }).toBe(1);
    stop.abort();
    await expect(running).rejects.toMatchObject({ kind: 'aborted' });
    await other.end();
    expect(lines).toMatchObject([{ level: 'error', quarter: '2026q2', differences: 1 }]);
    expect(await metrics.page.render()).toContain('quartermaster_summaries_differences_total 1');
    await reconcile();
    expect(await plain()).toEqual([]);
  });

  it('does not take for left what was marked while it waited to repair it', async () => {
    await sql`UPDATE ledger.daily_totals SET total_amount = 1 WHERE ledger_id = 1 AND day = '2026-04-10'`.execute(
      db(),
    );
    const other = await holding('2026q2');
    const running = reconcile();
    await expect.poll(other.waiting, { timeout: 20_000 }).toBe(1);
    await sql`INSERT INTO quartermaster.summary_marks (ledger_id, day) VALUES (1, '2026-04-10')`.execute(
      db(),
    );
    await other.end();
    expect(await running).toMatchObject({ differingDays: 1, repairedDays: 0, remainingDays: 0, skipped: [] });
    await sql`DELETE FROM quartermaster.summary_marks`.execute(db());
    expect(await reconcile({ fix: false })).toMatchObject({ differingDays: 1, remainingDays: 1 });
    expect(await reconcile()).toMatchObject({ repairedDays: 1, remainingDays: 0 });
  });

  it('names a quarter that left while it went, and what remains of it', async () => {
    const { direct } = house.database;
    await sql`UPDATE ledger.daily_totals SET total_amount = 1 WHERE ledger_id = 1 AND day = '2026-02-10'`.execute(
      db(),
    );
    const other = await holding('2026q1');
    const running = reconcile();
    await expect.poll(other.waiting, { timeout: 20_000 }).toBe(1);
    await sql`ALTER TABLE ledger.entries DETACH PARTITION ledger.entries_2026q1`.execute(direct);
    await other.end();
    expect(await running).toMatchObject({
      differingDays: 1,
      repairedDays: 0,
      remainingDays: 1,
      skipped: ['2026q1'],
    });
    await expect(reconcile({ quarter: '2026q1' })).rejects.toMatchObject({ code: 'partition_not_attached' });
    await sql`
      ALTER TABLE ledger.entries ATTACH PARTITION ledger.entries_2026q1 FOR VALUES FROM ('2026-01-01Z') TO ('2026-04-01Z')`.execute(
      direct,
    );
    expect(await reconcile()).toMatchObject({ repairedDays: 1, remainingDays: 0, skipped: [] });
  });

  it('refuses a quarter that cannot be looked at, so that nobody takes it for right', async () => {
    await expect(reconcile({ quarter: '2019q1' })).rejects.toMatchObject({
      kind: 'not_found',
      code: 'no_such_quarter',
    });
    await expect(reconcile({ quarter: '2026q3' })).rejects.toMatchObject({
      kind: 'conflict',
      code: 'quarter_state',
      detail: expect.stringContaining('begins at 2026-07-01'),
    });
    const become = (state: 'closed' | 'dropped') =>
      db().updateTable('quartermaster.quarters').set({ state }).where('quarter', '=', '2026q1').execute();
    await become('dropped');
    await expect(reconcile({ quarter: '2026q1' })).rejects.toMatchObject({
      code: 'quarter_state',
      detail: expect.stringContaining('Restore it first'),
    });
    await become('closed');
  });
});

/** Somebody who writes the summaries of that quarter, until told to end; and how many wait for that. */
async function holding(quarter: string): Promise<{ waiting(): Promise<number>; end(): Promise<void> }> {
  const trx = await house.database.direct.startTransaction().execute();
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`quartermaster refresh-summaries ${quarter}`}, 0))`.execute(
    trx,
  );
  return {
    async waiting() {
      const { rows } = await sql<{ n: number }>`
        SELECT count(*)::int AS n FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
        WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()`.execute(db());
      return rows[0]?.n ?? 0;
    },
    end: () => trx.rollback().execute() as Promise<void>,
  };
}
