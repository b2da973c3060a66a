import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import type { QuarterVerb } from '../../src/core/lifecycle.ts';
import type { Job } from '../../src/queue/job.ts';
import { quarterLine, stepId } from '../../src/queue/quarter-line.ts';
import type { QuarterStep } from '../../src/queue/quarter-step.ts';
import type { Queue } from '../../src/queue/queue.ts';
import { useQueueBench, whileWorking } from './harness.ts';

const bench = useQueueBench({ migrated: true });

const verbs = ['close', 'archive', 'verify', 'detach'] as const satisfies readonly QuarterVerb[];

/** The verbs as jobs on the line; what they do is the test's affair. */
function lineJobs(handle: (step: QuarterStep) => Promise<object>): Job<QuarterStep>[] {
  return verbs.map((name) => ({ name, queue: quarterLine, handle: (step) => handle(step) }));
}

async function request(queue: Queue, quarter: string, asked: readonly QuarterVerb[] = verbs) {
  return bench.database.write.transaction().execute(async (trx) => {
    const outcomes: string[] = [];
    for (const verb of asked)
      outcomes.push(await queue.quarters.request(trx, { verb, quarter, actor: 'test' }));
    return outcomes;
  });
}

/** Collects what ran, and resolves a promise when so many steps have. */
function recorder() {
  const ran: string[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  return {
    ran,
    of: (quarter: string) => ran.filter((step) => step.startsWith(quarter)).map((step) => step.slice(7)),
    record(step: QuarterStep) {
      ran.push(`${step.quarter} ${step.verb}`);
      for (const { count, resolve } of waiting) if (ran.length >= count) resolve();
    },
    reached(count: number): Promise<void> {
      return new Promise((resolve) => {
        if (ran.length >= count) resolve();
        else waiting.push({ count, resolve });
      });
    },
  };
}

describe('the quarter line', () => {
  it('runs the steps of a quarter in order and two quarters at a time', async () => {
    const queue = bench.open();
    const { ran, of, record, reached } = recorder();
    const together = Promise.withResolvers<void>();
    const closing = new Set<string>();
    const jobs = lineJobs(async (step) => {
      if (step.verb === 'close') {
        // Neither close ends before both have begun.
        closing.add(step.quarter);
        if (closing.size === 2) together.resolve();
        await together.promise;
      }
      record(step);
      return {};
    });
    await queue.install(jobs);
    expect(await request(queue, '2024q1')).toEqual(['enqueued', 'enqueued', 'enqueued', 'enqueued']);
    await request(queue, '2024q2');
    await whileWorking(queue, jobs, () => reached(8));
    expect(of('2024q1')).toEqual([...verbs]);
    expect(of('2024q2')).toEqual([...verbs]);
    expect(ran).toHaveLength(8);
  });

  it('stops at a failed step, for that quarter alone, and goes on when it is tried again', async () => {
    const queue = bench.open();
    const { of, record, reached } = recorder();
    let broken = true;
    const jobs = lineJobs(async (step) => {
      record(step);
      if (broken && step.quarter === '2023q1' && step.verb === 'verify') {
        throw new AppError('corrupt', 'digest_differs', 'The archive is not what was closed.');
      }
      return {};
    });
    await queue.install(jobs);
    await request(queue, '2023q1');
    await whileWorking(queue, jobs, async () => {
      await reached(3);
      await expect.poll(() => queue.quarters.blocked(), { timeout: 10_000 }).toEqual(['2023q1']);
      await request(queue, '2023q2');
      await reached(7);
      expect(of('2023q1')).toEqual(['close', 'archive', 'verify']);
      expect(of('2023q2')).toEqual([...verbs]);

      broken = false;
      expect(await queue.quarters.retry(bench.database.write, '2023q1')).toBe(true);
      await reached(9);
      expect(of('2023q1')).toEqual(['close', 'archive', 'verify', 'verify', 'detach']);
    });
    expect(await queue.quarters.blocked()).toEqual([]);
    expect(await queue.quarters.retry(bench.database.write, '2023q1')).toBe(false);
  });

  it('tries a failed step again when it is asked for again', async () => {
    const queue = bench.open();
    const { ran, record, reached } = recorder();
    const jobs = lineJobs(async (step) => {
      record(step);
      if (ran.length === 1) throw new AppError('refused', 'unbalanced', 'It does not balance.');
      return {};
    });
    await queue.install(jobs);
    await request(queue, '2022q1', ['close']);
    await whileWorking(queue, jobs, async () => {
      await expect.poll(() => queue.quarters.blocked(), { timeout: 10_000 }).toEqual(['2022q1']);
      expect(await request(queue, '2022q1', ['close', 'archive'])).toEqual(['retried', 'enqueued']);
      await reached(3);
    });
    expect(ran).toEqual(['2022q1 close', '2022q1 close', '2022q1 archive']);
  });

  it('holds one job for a verb of a quarter while it waits or runs, and takes it again afterwards', async () => {
    const queue = bench.open();
    const { ran, record, reached } = recorder();
    const running = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const jobs = lineJobs(async (step) => {
      record(step);
      running.resolve();
      await release.promise;
      return {};
    });
    await queue.install(jobs);
    expect(await request(queue, '2021q1', ['verify'])).toEqual(['enqueued']);
    expect(await request(queue, '2021q1', ['verify'])).toEqual(['waiting']);
    await whileWorking(queue, jobs, async () => {
      await running.promise;
      expect(await request(queue, '2021q1', ['verify'])).toEqual(['waiting']);
      release.resolve();
    });
    expect(ran).toEqual(['2021q1 verify']);
    expect(await request(queue, '2021q1', ['verify'])).toEqual(['enqueued']);
    await whileWorking(queue, jobs, () => reached(2));
  });

  it('is asked by two processes at once and holds one job', async () => {
    const [one, other] = [bench.open(), bench.open()];
    const { ran, record, reached } = recorder();
    const jobs = lineJobs(async (step) => {
      record(step);
      return {};
    });
    await one.install(jobs);
    for (let round = 1; round <= 3; round++) {
      const outcomes = await Promise.all(
        [one, other, one, other].map((queue) => request(queue, '2020q1', ['verify'])),
      );
      expect(outcomes.flat().sort()).toEqual(['enqueued', 'waiting', 'waiting', 'waiting']);
      await whileWorking(one, jobs, () => reached(round));
      expect(ran).toHaveLength(round);
    }
  });

  it('is cleared for another step of what stands still, and tells who had asked', async () => {
    const queue = bench.open();
    const { of, record, reached } = recorder();
    const jobs = lineJobs(async (step) => {
      record(step);
      if (step.quarter === '2019q1' && step.verb === 'archive') {
        throw new AppError('conflict', 'quarter_state', 'It is open again.');
      }
      return {};
    });
    await queue.install(jobs);
    await request(queue, '2019q1', ['archive', 'verify', 'detach']);
    await whileWorking(queue, jobs, async () => {
      await expect.poll(() => queue.quarters.blocked(), { timeout: 10_000 }).toEqual(['2019q1']);
      expect(await request(queue, '2019q1', ['close'])).toEqual(['enqueued']);
      await reached(2);
    });
    expect(of('2019q1')).toEqual(['archive', 'close']);
    expect(await queue.quarters.blocked()).toEqual([]);
    const told = await queue.quarters.jobs({ quarter: '2019q1', limit: 10 });
    expect(told.find(({ verb }) => verb === 'verify')).toMatchObject({
      state: 'failed',
      error: { code: 'superseded' },
    });
  });
});

describe('what was asked for', () => {
  const only = (queue: Queue, step: QuarterStep) =>
    bench.database.write.transaction().execute((trx) => queue.quarters.request(trx, step));

  it('is kept with the request, in its transaction', async () => {
    const queue = bench.open();
    await queue.install(lineJobs(async () => ({})));
    const step = {
      verb: 'restore',
      quarter: '2018q1',
      actor: 'ada',
      reason: 'audit',
      until: '2026-12-31T23:00:00.000Z',
      into: 'audit_2018',
    } as const;
    await expect(
      bench.database.write.transaction().execute(async (trx) => {
        await queue.quarters.request(trx, step);
        throw new Error('taken back');
      }),
    ).rejects.toThrow('taken back');
    expect(await queue.quarters.job(stepId(step))).toBeUndefined();
    await only(queue, step);
    expect(await queue.quarters.job(stepId(step))).toMatchObject({
      ...step,
      until: new Date(step.until),
      state: 'waiting',
      ...{ progress: null, report: null, error: null, startedAt: null, finishedAt: null },
    });
    // Another schema is another restore; who asks for the same while it waits changes nothing.
    expect(await only(queue, { ...step, into: 'audit_bob', actor: 'bob' })).toBe('enqueued');
    expect(await only(queue, { ...step, actor: 'bob' })).toBe('waiting');
    const jobs = await queue.quarters.jobs({ quarter: '2018q1', limit: 10 });
    expect(jobs.map(({ actor, into }) => [actor, into]).sort()).toEqual([
      ['ada', 'audit_2018'],
      ['bob', 'audit_bob'],
    ]);
    expect(await queue.quarters.jobs({ quarter: '2018q1', limit: 1 })).toHaveLength(1);
  });

  it('is what the last one wanted who asked for a failed step', async () => {
    const queue = bench.open();
    const reasons: (string | undefined)[] = [];
    const twice = Promise.withResolvers<void>();
    const jobs = lineJobs(async ({ reason }) => {
      reasons.push(reason);
      if (reasons.length === 1) throw new AppError('refused', 'quarter_held', 'It is held.');
      twice.resolve();
      return {};
    });
    await queue.install(jobs);
    const step = { verb: 'verify', quarter: '2017q1', actor: 'ada', reason: 'first' } as const;
    await only(queue, step);
    await whileWorking(queue, jobs, async () => {
      await expect.poll(() => queue.quarters.blocked(), { timeout: 10_000 }).toContain('2017q1');
      expect(await only(queue, { ...step, reason: 'second' })).toBe('retried');
      await twice.promise;
    });
    expect(reasons).toEqual(['first', 'second']);
  });

  it('is done when the queue has forgotten it, though that could not be kept', async () => {
    const queue = bench.open();
    const step = { verb: 'verify', quarter: '2015q1', actor: 'ada' } as const;
    // These keep nothing of how they end.
    const jobs = lineJobs(async () => ({}));
    await queue.install(jobs);
    await only(queue, step);
    const state = async () => (await queue.quarters.job(stepId(step)))?.state;
    expect(await state()).toBe('waiting');
    await whileWorking(queue, jobs, () => expect.poll(state, { timeout: 10_000 }).toBe('done'));
    expect(await queue.quarters.job(stepId(step))).toMatchObject({
      finishedAt: expect.any(Date),
      report: null,
    });
  });

  it('has failed when no worker is left that tries it, whatever it last said', async () => {
    const queue = bench.open();
    const step = { verb: 'detach', quarter: '2016q1', actor: 'ada' } as const;
    // Of this version; the worker below is of one that knows no detach.
    const known = lineJobs(async () => ({}));
    await queue.install(known);
    await only(queue, step);
    const older = known
      .filter(({ name }) => name !== 'detach')
      .map((job) => ({ ...job, queue: quarterLine }));
    await sql`UPDATE pgboss.job SET retry_limit = 0 WHERE id = ${stepId(step)}`.execute(bench.database.write);
    await whileWorking(queue, older, async () => {
      await expect.poll(() => queue.quarters.blocked(), { timeout: 10_000 }).toContain('2016q1');
    });
    expect(await queue.quarters.job(stepId(step))).toMatchObject({
      state: 'failed',
      error: { code: 'worker_lost' },
    });
  });
});
