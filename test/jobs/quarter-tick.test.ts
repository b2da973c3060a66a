import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { closeJob } from '../../jobs/close.ts';
import type { JobHouse } from '../../jobs/house.ts';
import { quarterTickJob } from '../../jobs/quarter-tick.ts';
import { runInForeground } from '../../jobs/run.ts';
import { fixedClock } from '../../src/core/clock.ts';
import { AppError } from '../../src/core/errors.ts';
import type { QuarterState } from '../../src/core/lifecycle.ts';
import { calendar } from '../../src/core/quarter.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { approveQuarter } from '../../src/quarters/approve.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { advance, type QuarterRow, readQuarters } from '../../src/quarters/registry.ts';
import type { Job } from '../../src/queue/job.ts';
import { quarterLine } from '../../src/queue/quarter-line.ts';
import type { QuarterStep } from '../../src/queue/quarter-step.ts';
import { useQueueBench, whileWorking } from '../queue/harness.ts';

const bench = useQueueBench({ migrated: true });
const logger = createLogger('silent');
const signal = new AbortController().signal;

function makeHouse(environment: Record<string, string> = {}): JobHouse {
  const { database } = bench;
  const utc = calendar('UTC');
  const clock = fixedClock('2026-08-01T12:00:00Z');
  const config = readConfig({ QM_DATABASE_URL: bench.url, ...environment });
  // No step of these tests gets as far as the store, and nothing is posted.
  const store = {} as JobHouse['quarters']['store'];
  const quarters = {
    ...config,
    database,
    store,
    calendar: utc,
    clock,
    oldest: new Date('2000-01-01T00:00Z'),
    version: '0.0.0-test',
  };
  const poster = {} as JobHouse['poster'];
  return { database, calendar: utc, clock, config, quarters, poster, queue: bench.open() };
}

const tick = (house: JobHouse) =>
  runInForeground([quarterTickJob(house)], 'quarter-tick', {}, { logger, signal });

async function insertQuarter(
  house: JobHouse,
  quarter: string,
  state: QuarterState,
  more: Partial<QuarterRow> = {},
) {
  const { start, end } = house.calendar.quarter(quarter);
  await house.database.write
    .insertInto('quartermaster.quarters')
    .values({ quarter, starts_at: start, ends_at: end, state, ...more })
    .execute();
}

async function clear(house: JobHouse) {
  await sql`DELETE FROM quartermaster.approvals`.execute(house.database.write);
  await sql`DELETE FROM quartermaster.quarter_jobs`.execute(house.database.write);
  await sql`DELETE FROM quartermaster.quarters`.execute(house.database.write);
  await sql`DELETE FROM pgboss.job`.execute(house.database.write);
}

/** Verbs that do nothing but be told, as the line's jobs. */
function recordedVerbs(handle: (step: QuarterStep) => Promise<object>): Job<QuarterStep>[] {
  return (['close', 'archive', 'verify', 'detach'] as const).map((name) => ({
    name,
    queue: quarterLine,
    handle: (step) => handle(step),
  }));
}

describe('the tick', () => {
  it('asks for what is due, once, and says what is kept from being done', async () => {
    const house = makeHouse({ QM_ONLINE_QUARTERS: '4' });
    await house.queue.install([quarterTickJob(house), closeJob(house)]);
    await insertQuarter(house, '2025q1', 'closed');
    await insertQuarter(house, '2025q2', 'closed', { hold_reason: 'litigation' });
    await insertQuarter(house, '2026q1', 'open');
    await insertQuarter(house, '2026q2', 'open');
    const expected = ['archive', 'verify', 'detach'].map((verb) => ({ quarter: '2025q1', verb }));
    const withheld = [{ quarter: '2025q2', verb: 'archive', why: 'held' }];
    expect(await tick(house)).toEqual({
      requested: [...expected, { quarter: '2026q1', verb: 'close' }].map((step) => ({
        ...step,
        outcome: 'enqueued',
      })),
      retried: [],
      withheld,
      failed: [],
    });
    expect(await tick(house)).toMatchObject({
      requested: [
        { outcome: 'waiting' },
        { outcome: 'waiting' },
        { outcome: 'waiting' },
        { outcome: 'waiting' },
      ],
    });
    const { rows } =
      await sql`SELECT data FROM pgboss.job WHERE name = 'quarter' ORDER BY singleton_key, id`.execute(
        bench.database.write,
      );
    expect(rows).toEqual(
      [...expected, { quarter: '2026q1', verb: 'close' }].map((step) => ({
        data: { ...step, actor: 'schedule' },
      })),
    );
    await clear(house);
  });

  it('tries failed steps again, but none of a held quarter', async () => {
    const house = makeHouse();
    let failing = true;
    const ran: string[] = [];
    const again = Promise.withResolvers<void>();
    const jobs = recordedVerbs(async ({ quarter, verb }) => {
      ran.push(`${quarter} ${verb}`);
      if (failing) throw new AppError('corrupt', 'digest_differs', 'It differs.');
      again.resolve();
      return {};
    });
    await house.queue.install([...jobs, quarterTickJob(house)]);
    await insertQuarter(house, '2024q1', 'closed');
    await insertQuarter(house, '2024q2', 'closed');
    for (const quarter of ['2024q1', '2024q2']) {
      // Asked for by a person: no plan contains a verify of a closed quarter.
      await house.queue.quarters.request(house.database.write, { quarter, verb: 'verify', actor: 'ann' });
    }
    await whileWorking(house.queue, jobs, async () => {
      await expect
        .poll(() => house.queue.quarters.blocked(), { timeout: 10_000 })
        .toEqual(['2024q1', '2024q2']);
      await sql`UPDATE quartermaster.quarters SET hold_reason = 'litigation' WHERE quarter = '2024q2'`.execute(
        house.database.write,
      );
      failing = false;
      const quiet = { ...house, config: { ...house.config, archiveQuarters: false } };
      expect(await tick(quiet)).toMatchObject({ requested: [], retried: ['2024q1'] });
      await again.promise;
    });
    expect(ran.filter((step) => step === '2024q1 verify')).toHaveLength(2);
    expect(ran.filter((step) => step === '2024q2 verify')).toHaveLength(1);
    expect(await house.queue.quarters.blocked()).toEqual(['2024q2']);
    await clear(house);
  });

  it('has all quarters of a load closed, one after the other, in one go', async () => {
    const house = makeHouse({ QM_ARCHIVE_QUARTERS: 'off' });
    await clear(house);
    const since = new Date('2025-07-01T00:00Z');
    await ensureQuarters(house.quarters, { actor: 'test' }, since, house.clock.now());
    const jobs = [quarterTickJob(house), closeJob(house)];
    await house.queue.install(jobs);
    await house.queue.enqueue(house.database.write, 'quarter-tick');
    await whileWorking(house.queue, jobs, async () => {
      await expect.poll(endedAndOpen, { timeout: 40_000 }).toEqual([]);
    });
    const { rows } = await sql<{ quarter: string; actor: string }>`
      SELECT quarter, actor FROM quartermaster.quarter_events WHERE event = 'close' ORDER BY id`.execute(
      house.database.write,
    );
    expect(rows).toEqual(
      ['2025q3', '2025q4', '2026q1', '2026q2'].map((quarter) => ({ quarter, actor: 'schedule' })),
    );
    const { rows: refused } = await sql`
      SELECT 1 FROM pgboss.job WHERE name = 'quarter' AND state = 'failed'`.execute(house.database.write);
    expect(refused).toEqual([]);

    async function endedAndOpen(): Promise<string[]> {
      const rows = await readQuarters(house.database.write);
      return rows
        .filter(({ state, ends_at }) => state === 'open' && ends_at < house.clock.now())
        .map(({ quarter }) => quarter);
    }
  });

  it('asks for approvals in its own name, once, and for what was approved', async () => {
    const house = makeHouse({ QM_ONLINE_QUARTERS: '4', QM_ARCHIVE_APPROVAL: 'required' });
    await clear(house);
    await house.queue.install([quarterTickJob(house), closeJob(house)]);
    await insertQuarter(house, '2024q4', 'closed', { digest: 'd1', stale_reason: '2024q3 was reopened' });
    await insertQuarter(house, '2025q1', 'closed', { digest: 'd2' });
    const withheld = [{ quarter: '2025q1', verb: 'archive', why: 'approval_required' }];
    for (let look = 0; look < 2; look++) {
      expect(await tick(house)).toMatchObject({
        requested: [{ quarter: '2024q4', verb: 'close' }],
        withheld,
      });
    }
    const { rows } = await sql`
      SELECT quarter, event, actor, reason FROM quartermaster.quarter_events WHERE event LIKE '%requested'`.execute(
      house.database.write,
    );
    const reason = 'older than the newest 4 quarters (QM_ONLINE_QUARTERS)';
    expect(rows).toEqual([{ quarter: '2025q1', event: 'archive_requested', actor: 'schedule', reason }]);
    await approveQuarter(house.quarters, { actor: 'ada' }, '2025q1');
    expect(await tick(house)).toMatchObject({
      requested: [
        { quarter: '2024q4', verb: 'close' },
        ...['archive', 'verify', 'detach'].map((verb) => ({ quarter: '2025q1', verb })),
      ],
      withheld: [],
    });
    await clear(house);
  });

  it('drops what has been detached for its days, gives its reason, and never what was restored', async () => {
    const house = makeHouse({ QM_ONLINE_QUARTERS: '4' });
    await house.queue.install([quarterTickJob(house), closeJob(house)]);
    const detached_at = new Date('2026-06-01T00:00Z');
    await insertQuarter(house, '2024q1', 'detached', { detached_at });
    await insertQuarter(house, '2024q2', 'detached', { detached_at, restored_at: detached_at });
    await insertQuarter(house, '2024q3', 'restored', { detached_at, restored_at: detached_at });
    expect(await tick(house)).toMatchObject({
      requested: [{ quarter: '2024q1', verb: 'drop' }],
      withheld: [{ quarter: '2024q2', verb: 'drop', why: 'was_restored' }],
    });
    const [job] = await house.queue.quarters.jobs({ limit: 10 });
    expect(job).toMatchObject({
      verb: 'drop',
      actor: 'schedule',
      reason: 'detached for 30 days (QM_DROP_AFTER_DAYS)',
    });
    await clear(house);
  });

  it('sees to the others when one quarter is broken', async () => {
    const house = makeHouse();
    await house.queue.install([quarterTickJob(house), closeJob(house)]);
    await insertQuarter(house, '2023q1', 'closed');
    await insertQuarter(house, '2023q2', 'closed');
    // Something of this quarter alone that the database refuses.
    await sql`ALTER TABLE quartermaster.quarter_jobs ADD CONSTRAINT broken CHECK (quarter <> '2023q1')`.execute(
      house.database.write,
    );
    const report = (await tick(house)) as { requested: { quarter: string }[]; failed: object[] };
    expect(new Set(report.requested.map(({ quarter }) => quarter))).toEqual(new Set(['2023q2']));
    expect(report.failed).toEqual([expect.objectContaining({ quarter: '2023q1' })]);
    await sql`ALTER TABLE quartermaster.quarter_jobs DROP CONSTRAINT broken`.execute(house.database.write);
    await clear(house);
  });

  it('tries nothing again that takes rows out, and forgets what it does not want any more', async () => {
    const house = makeHouse();
    const jobs = recordedVerbs(async ({ verb }) => {
      if (verb === 'archive' || verb === 'detach')
        throw new AppError('corrupt', 'digest_differs', 'It differs.');
      return {};
    });
    await house.queue.install([...jobs, quarterTickJob(house)]);
    for (const quarter of ['2022q1', '2022q2']) await insertQuarter(house, quarter, 'closed');
    const { quarters } = house.queue;
    await house.database.write.transaction().execute(async (trx) => {
      // The schedule wanted one quarter out, and a person the other.
      for (const verb of ['archive', 'verify', 'detach'] as const) {
        await quarters.request(trx, { quarter: '2022q1', verb, actor: 'schedule' });
      }
      await quarters.request(trx, { quarter: '2022q2', verb: 'detach', actor: 'ann' });
    });
    await whileWorking(house.queue, jobs, async () => {
      await expect.poll(() => quarters.blocked(), { timeout: 10_000 }).toEqual(['2022q1', '2022q2']);
    });
    // Since then the window was made larger, so that no plan asks for either.
    const roomy = { ...house, config: { ...house.config, onlineQuarters: 40 } };
    expect(await tick(roomy)).toMatchObject({ requested: [], retried: [] });
    expect(await quarters.steps(house.database.write, '2022q1')).toEqual([]);
    expect(await quarters.steps(house.database.write, '2022q2')).toMatchObject([{ state: 'failed' }]);
    await clear(house);
  });
});

describe('a job in the foreground', () => {
  it('answers with its report as plain JSON, and fails with what it failed with', async () => {
    const house = makeHouse();
    await clear(house);
    await insertQuarter(house, '2023q1', 'open');
    const run = (name: string, data: object) =>
      runInForeground([closeJob(house)], name, data, { logger, signal });
    await expect(run('clsoe', {})).rejects.toMatchObject({
      code: 'no_such_job',
      detail: 'There is no job clsoe. There are: close.',
    });
    await expect(run('close', {})).rejects.toMatchObject({ code: 'quarter_missing' });
    await expect(run('close', { quarter: '1999q1' })).rejects.toMatchObject({ code: 'no_such_quarter' });
    await house.database.write
      .transaction()
      .execute((trx) =>
        advance(trx, '2023q1', 'close', { actor: 'test' }, { transactions: 3n, entries: 6n, digest: 'abc' }),
      );
    expect(await run('close', { quarter: '2023q1' })).toMatchObject({ closed: false, transactions: '3' });
  });
});
