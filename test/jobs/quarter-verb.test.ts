import { sql } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';
import type { JobHouse } from '../../jobs/house.ts';
import { quarterVerbJob } from '../../jobs/quarter-verb.ts';
import { AppError } from '../../src/core/errors.ts';
import type { QuarterRun } from '../../src/quarters/context.ts';
import type { Job } from '../../src/queue/job.ts';
import { stepId } from '../../src/queue/quarter-line.ts';
import type { QuarterStep } from '../../src/queue/quarter-step.ts';
import type { Queue } from '../../src/queue/queue.ts';
import { useQueueBench, whileWorking } from '../queue/harness.ts';

const bench = useQueueBench({ migrated: true });

let queue: Queue;
beforeAll(async () => {
  queue = bench.open();
  await queue.install([jobOf(async () => ({}))]);
});

/** A step whose work is the test's affair. */
function jobOf(verb: (run: QuarterRun, quarter: string) => Promise<object>, queued = {}): Job<QuarterStep> {
  const house = { database: bench.database, quarters: {}, queue } as JobHouse;
  const job = quarterVerbJob(house, 'restore', (_house, run, quarter) => verb(run, quarter));
  return { ...job, queue: { ...job.queue, ...queued } };
}

async function ask(step: Partial<QuarterStep> & { quarter: string }): Promise<string> {
  const asked: QuarterStep = { verb: 'restore', actor: 'ada', reason: 'audit', ...step };
  await bench.database.write.transaction().execute((trx) => queue.quarters.request(trx, asked));
  return stepId(asked);
}

const stateOf = async (id: string) => (await queue.quarters.job(id))?.state;

describe('a step of the line', () => {
  it('gets what was asked for, and can be followed from its request to its report', async () => {
    const id = await ask({ quarter: '2024q1', until: '2026-12-31T23:00:00.000Z', into: 'audit' });
    const begun = Promise.withResolvers<QuarterRun>();
    const finish = Promise.withResolvers<void>();
    const job = jobOf(async (run, quarter) => {
      run.onProgress?.({ what: 'rows', done: 1_000_000.7, total: 4_000_000 });
      begun.resolve(run);
      await finish.promise;
      return { quarter, rows: 4_000_000n, at: new Date(0) };
    });
    expect(await queue.quarters.job(id)).toMatchObject({ state: 'waiting', startedAt: null });
    await whileWorking(queue, [job], async () => {
      const { actor, reason, until, into } = await begun.promise;
      expect({ actor, reason, until, into }).toEqual({
        actor: 'ada',
        reason: 'audit',
        until: new Date('2026-12-31T23:00:00.000Z'),
        into: 'audit',
      });
      await expect
        .poll(() => queue.quarters.job(id))
        .toMatchObject({
          state: 'running',
          progress: { what: 'rows', done: 1_000_000, total: 4_000_000 },
          startedAt: expect.any(Date),
          finishedAt: null,
        });
      finish.resolve();
      await expect.poll(() => stateOf(id), { timeout: 10_000 }).toBe('done');
    });
    expect(await queue.quarters.job(id)).toMatchObject({
      report: { quarter: '2024q1', rows: '4000000', at: '1970-01-01T00:00:00.000Z' },
      ...{ error: null, progress: null },
      finishedAt: expect.any(Date),
    });
    // Asked for again it begins anew.
    await ask({ quarter: '2024q1', into: 'audit', actor: 'bob' });
    expect(await queue.quarters.job(id)).toMatchObject({
      actor: 'bob',
      state: 'waiting',
      until: null,
      ...{ progress: null, report: null, startedAt: null, finishedAt: null },
    });
  });

  it('waits with its error after a failure that passes, and has failed after one that does not', async () => {
    const id = await ask({ quarter: '2023q1' });
    const cause = new Error('canceling statement due to lock timeout');
    let error = new AppError('busy', 'lock_timeout', `It is locked: ${cause.message}.`, { cause });
    const job = jobOf(async () => {
      throw error;
    });
    await whileWorking(queue, [job], async () => {
      await expect
        .poll(() => queue.quarters.job(id), { timeout: 10_000 })
        .toMatchObject({
          state: 'waiting',
          error: { kind: 'busy', code: 'lock_timeout', quotes: true },
          finishedAt: null,
        });
      error = new AppError('refused', 'quarter_held', 'It is held.');
      await sql`UPDATE pgboss.job SET start_after = now() WHERE id = ${id}`.execute(bench.database.write);
      await expect
        .poll(() => queue.quarters.job(id), { timeout: 10_000 })
        .toMatchObject({
          state: 'failed',
          error: { kind: 'refused', code: 'quarter_held', detail: 'It is held.' },
          finishedAt: expect.any(Date),
        });
    });
    expect(await queue.quarters.blocked()).toContain('2023q1');
    await bench.database.write.transaction().execute((trx) => queue.quarters.retry(trx, '2023q1'));
    expect(await stateOf(id)).toBe('waiting');
  });

  it('has failed when what may pass did not pass in any of its tries', async () => {
    const id = await ask({ quarter: '2022q1' });
    await sql`UPDATE pgboss.job SET retry_limit = 0 WHERE id = ${id}`.execute(bench.database.write);
    const job = jobOf(async () => {
      throw new AppError('busy', 'lock_timeout', 'It is locked.');
    });
    await whileWorking(queue, [job], async () => {
      await expect.poll(() => stateOf(id), { timeout: 10_000 }).toBe('failed');
    });
  });

  it('is waiting again when its worker stops, whichever try it was', async () => {
    const id = await ask({ quarter: '2021q1' });
    await sql`UPDATE pgboss.job SET retry_limit = 0 WHERE id = ${id}`.execute(bench.database.write);
    const begun = Promise.withResolvers<void>();
    const job = jobOf(
      (run) =>
        new Promise((_, reject) => {
          run.signal?.addEventListener('abort', () => reject(run.signal?.reason));
          begun.resolve();
        }),
    );
    await whileWorking(queue, [job], () => begun.promise);
    expect(await queue.quarters.job(id)).toMatchObject({ state: 'waiting', error: { code: 'aborted' } });
    expect(await queue.quarters.blocked()).not.toContain('2021q1');
  });

  it('is done though nothing could be kept of how far it is', async () => {
    await ask({ quarter: '2020q1' });
    const done = Promise.withResolvers<void>();
    const job = jobOf(async (run, quarter) => {
      // The one of the test before goes on as well.
      if (quarter !== '2020q1') return {};
      await sql`ALTER TABLE quartermaster.quarter_jobs RENAME TO hidden`.execute(bench.database.write);
      run.onProgress?.({ what: 'rows', done: 1, total: 2 });
      done.resolve();
      return {};
    });
    await whileWorking(queue, [job], async () => {
      await done.promise;
      await expect
        .poll(() => queue.quarters.steps(bench.database.write, '2020q1'), { timeout: 10_000 })
        .toEqual([]);
    });
    expect(await queue.quarters.blocked()).not.toContain('2020q1');
    await sql`ALTER TABLE quartermaster.hidden RENAME TO quarter_jobs`.execute(bench.database.write);
  });
});
