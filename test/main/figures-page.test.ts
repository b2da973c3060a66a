import { sql } from 'kysely';
import { expect, inject, it, onTestFinished } from 'vitest';
import { runInForeground } from '../../jobs/run.ts';
import { AppError } from '../../src/core/errors.ts';
import { openDatabase } from '../../src/db/database.ts';
import { createFigures } from '../../src/main/figures.ts';
import { readerOf } from '../../src/main/figures-source.ts';
import { databaseMetrics } from '../../src/platform/database-metrics.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import { requestApproval } from '../../src/quarters/approvals.ts';
import { holdQuarter } from '../../src/quarters/hold.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { remembered } from '../../src/queue/outcomes.ts';
import { openOffice } from '../jobs/desk-fixture.ts';
import { testJob, useQueueBench, whileWorking } from '../queue/harness.ts';
import { figureOf, seriesOf } from './figures-support.ts';

const bench = useQueueBench({ migrated: true });
const logger = createLogger('silent');

it('every figure of the catalogue is on the page of a house in which everything happens', {
  timeout: 180_000,
}, async () => {
  const { house, jobs: plain } = await openOffice(bench, {
    QM_ARCHIVE_APPROVAL: 'required',
    QM_ONLINE_QUARTERS: '1',
  });
  const { write } = house.database;
  const admin = openDatabase({ databaseUrl: adminUrl(), poolMax: 1 });
  onTestFinished(() => admin.close());
  const jobs = plain.map((job) => remembered(job, write));
  const run = { logger, signal: new AbortController().signal };
  const work = (name: string, data: object = {}) => runInForeground(jobs, name, data, run);

  // One quarter leaves, one waits for somebody to approve its archive, and both are older than may be.
  await work('reconcile-partitions');
  for (const quarter of ['2026q1', '2026q2']) await work('close', { quarter, actor: 'ada' });
  const first = await readQuarter(write, '2026q1');
  await requestApproval(house.quarters, { actor: 'ada' }, first, 'archive');
  await sql`UPDATE quartermaster.approvals SET approved_by = 'bob', approved_at = now()`.execute(write);
  for (const verb of ['archive', 'verify', 'detach']) await work(verb, { quarter: '2026q1', actor: 'ada' });
  await requestApproval(house.quarters, { actor: 'ada' }, await readQuarter(write, '2026q2'), 'archive');
  await holdQuarter(house.quarters, { actor: 'ada', reason: 'a court' }, '2026q1');

  await sql`UPDATE quartermaster.quarters SET closed_at = '2026-07-15T12:00:00Z' WHERE quarter = '2026q2'`.execute(
    write,
  );

  // Somebody did things by hand.
  await sql`
    CREATE TABLE ledger.others PARTITION OF ledger.entries FOR VALUES FROM ('2040-01-01') TO ('2040-02-01')`.execute(
    write,
  );
  await work('reconcile-partitions');
  await sql`CREATE INDEX twice ON ledger.accounts (ledger_id, id)`.execute(write);
  await sql`UPDATE ledger.balances SET posted = posted + 1`.execute(write);
  await sql`INSERT INTO quartermaster.summary_marks (ledger_id, day) VALUES (1, '2026-05-05')`.execute(write);
  await sql`
    UPDATE pg_catalog.pg_inherits SET inhdetachpending = true
    WHERE inhrelid = 'ledger.transactions_2026q4'::regclass`.execute(admin.direct);
  // Nobody analyzes it meanwhile.
  const busy = await admin.direct.startTransaction().execute();
  await sql`LOCK TABLE ledger.entries_2026q3 IN SHARE UPDATE EXCLUSIVE MODE`.execute(busy);
  await sql`
    INSERT INTO ledger.entries (ledger_id, account_id, created_at, version, transaction_id, amount, balance_after)
    SELECT 9, n, '2026-08-08T00:00:00Z', 1, gen_random_uuid(), 1, 1 FROM generate_series(1, 20000) AS n`.execute(
    write,
  );
  for (const name of ['analyze-partitions', 'audit-indexes', 'check-ledger']) await work(name);
  await busy.rollback().execute();
  await sql`DROP INDEX ledger.twice`.execute(write);
  // A step fails for good and holds its line.
  const failing = remembered(
    testJob('purge-idempotency-keys', async () => {
      throw new AppError('internal', 'broken', 'It is.');
    }),
    write,
  );
  const working = [
    ...jobs.filter(({ name }) => name !== failing.name && name.match(/^(archive|detach)$/)),
    failing,
  ];
  await house.queue.quarters.request(write, { verb: 'archive', quarter: '2001q1', actor: 'ada' });
  await house.queue.quarters.request(write, { verb: 'detach', quarter: '2001q1', actor: 'ada' });
  await house.queue.enqueue(write, failing.name);
  await whileWorking(house.queue, working, async () => {
    await expect.poll(() => house.queue.quarters.blocked(), { timeout: 30_000 }).toEqual(['2001q1']);
    await expect.poll(failures, { timeout: 30_000 }).toContain(failing.name);
  });
  await house.queue.enqueue(write, 'reindex');
  async function failures() {
    const rows = await write
      .selectFrom('quartermaster.job_outcomes')
      .select('job_name')
      .where('failure', 'is not', null)
      .execute();
    return rows.map(({ job_name }) => job_name);
  }

  const metrics = createMetrics();
  const scheduled = jobs.filter(({ schedule }) => schedule !== undefined).map(({ name }) => name);
  const read = readerOf({ database: house.database, zone: 'UTC', scheduled, logger });
  const service = createFigures({ ...house, metrics, logger, jobs }, read, {
    everyMs: 100,
    giveUpMs: 30_000,
  });
  await service.start();
  onTestFinished(() => service.stop());
  const page = () => metrics.page.render();
  // What is seen for the first time is there by the reading after.
  await expect
    .poll(async () => seriesOf(await page(), 'schedule_last_success_timestamp_seconds').length, {
      timeout: 30_000,
    })
    .toBe(scheduled.length);
  await expect
    .poll(async () => seriesOf(await page(), 'hot_update_ratio').length, { timeout: 30_000 })
    .toBe(1);
  const text = await page();

  const absent = Object.keys(databaseMetrics).filter((name) => seriesOf(text, name).length === 0);
  expect(absent).toEqual([]);

  const series = (name: string) => seriesOf(text, name);
  expect(series('quarters')).toEqual(
    expect.arrayContaining(['{state="detached"} 1', '{state="closed"} 1', '{state="dropped"} 0']),
  );
  expect(series('quarters_held')).toEqual(['1']);
  expect(series('approvals_waiting')).toEqual(['1']);
  // It was in the window until it was closed, and the one that is held is missed by nobody.
  expect(series('quarter_step_overdue_seconds')).toEqual([`{verb="archive"} ${17 * 86_400}`]);
  expect(series('archives')).toEqual(['1']);
  const { rows } = await sql<{ bytes: bigint; entries: bigint }>`
    SELECT a.bytes, (SELECT sum(rows)::bigint FROM quartermaster.archive_files WHERE table_name = 'entries') AS entries
    FROM quartermaster.archives AS a`.execute(write);
  expect(figureOf(text, 'archive_bytes')).toBe(Number(rows[0]?.bytes));
  expect(figureOf(text, 'archive_rows{table="entries"}')).toBe(60);
  expect(rows[0]?.entries).toBe(60n);
  expect(series('partitions')).toEqual(
    expect.arrayContaining([
      '{table="transactions",state="detached"} 1',
      '{table="transactions",state="closed"} 1',
      '{table="transactions",state="pending_detach"} 1',
      '{table="transactions",state="restored"} 0',
    ]),
  );
  // The current one and those ahead, until the one that is half out: two of them, and one that is not ours.
  expect(figureOf(text, 'partitions{table="entries",state="open"}')).toBe(
    1 + figureOf(text, 'quarters{state="open"}'),
  );
  expect(figureOf(text, 'horizon_seconds')).toBe(
    (Date.parse('2026-10-01T00:00:00Z') - Date.parse('2026-08-01T12:00:00Z')) / 1000,
  );
  expect(figureOf(text, 'pending_detach_age_seconds')).toBeGreaterThan(0);
  expect(series('drift')).toEqual(['{code="foreign_partition"} 1', '{code="grants_differ"} 1']);
  expect(series('index_bytes').join()).toMatch(/^{finding="redundant"} \d{4,}$/);
  expect(series('stale_statistics')).toContain('{reason="never_analyzed"} 1');
  expect(figureOf(text, 'ledger_imbalances')).toBeGreaterThan(1);
  expect(series('quarter_lines_blocked')).toEqual(['1']);
  expect(series('queue_jobs')).toEqual(
    expect.arrayContaining([
      '{queue="quarter",state="waiting"} 1',
      '{queue="quarter",state="failed"} 1',
      '{queue="purge-idempotency-keys",state="failed"} 1',
      '{queue="reindex",state="waiting"} 1',
      '{queue="check-ledger",state="running"} 0',
    ]),
  );
  // What stands behind a failed step is not for a worker; what nobody has taken is.
  expect(figureOf(text, 'queue_oldest_ready_seconds{queue="quarter"}')).toBe(0);
  expect(figureOf(text, 'queue_oldest_ready_seconds{queue="reindex"}')).toBeGreaterThan(0);
  expect(series('job_last_failure_timestamp_seconds').map((one) => one.split(' ')[0])).toEqual([
    '{job_name="archive"}',
    '{job_name="purge-idempotency-keys"}',
  ]);
  expect(figureOf(text, 'summaries_marked')).toBe(1);
  expect(figureOf(text, 'summaries_lag_seconds')).toBeGreaterThan(0);
  expect(figureOf(text, 'schedule_interval_seconds{job_name="audit-indexes"}')).toBe(7 * 86_400);
});

function adminUrl(): string {
  const url = new URL(inject('postgres').adminUrl);
  url.pathname = new URL(bench.url).pathname;
  return url.href;
}
