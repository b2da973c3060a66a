import { sql } from 'kysely';
import { beforeEach, describe, expect, it } from 'vitest';
import { runInForeground } from '../../jobs/run.ts';
import { AppError } from '../../src/core/errors.ts';
import { openDatabase } from '../../src/db/database.ts';
import { createLogger } from '../../src/platform/logger.ts';
import type { Job } from '../../src/queue/job.ts';
import { remembered } from '../../src/queue/outcomes.ts';
import { testJob, useQueueBench, whileWorking } from './harness.ts';

const bench = useQueueBench({ migrated: true });

async function outcomes() {
  const { rows } = await sql<{ job_name: string; well: boolean; badly: boolean; failure: string | null }>`
    SELECT job_name, succeeded_at IS NOT NULL AS well, failed_at IS NOT NULL AS badly, failure
    FROM quartermaster.job_outcomes ORDER BY job_name`.execute(bench.database.write);
  return rows;
}

const kept = (name: string, handle: Job['handle'], retries = 0) =>
  remembered(testJob(name, handle, { queue: { retries } }), bench.database.write);
const refuse = async (): Promise<object> => {
  throw new AppError('conflict', 'quarter_state', 'It is not.');
};
const lock = async (): Promise<object> => {
  throw new AppError('busy', 'lock_timeout', 'Later.');
};

describe('how a job ended', () => {
  beforeEach(() => sql`DELETE FROM quartermaster.job_outcomes`.execute(bench.database.write));

  it('is kept of what a worker did, the last of each kind', async () => {
    let tries = 0;
    const jobs = [
      kept('well', async () => ({})),
      kept('refused', refuse),
      // At first it may pass by itself, so nobody is told; then it does.
      kept('passing', async () => (tries++ < 2 ? lock() : {}), 3),
      kept('exhausted', lock, 1),
      kept('recovered', async (data) => ('well' in data ? {} : refuse())),
    ];
    const queue = bench.open();
    await queue.install(jobs);
    for (const { name } of jobs) await queue.enqueue(bench.database.write, name);
    await whileWorking(queue, jobs, async () => {
      await expect.poll(async () => (await outcomes()).length, { timeout: 30_000 }).toBe(5);
      await queue.enqueue(bench.database.write, 'recovered', { well: true });
      await expect
        .poll(async () => (await outcomes()).filter(({ well }) => well).length, { timeout: 30_000 })
        .toBe(3);
    });
    expect(tries).toBe(3);
    expect(await outcomes()).toEqual([
      { job_name: 'exhausted', well: false, badly: true, failure: 'lock_timeout' },
      { job_name: 'passing', well: true, badly: false, failure: null },
      { job_name: 'recovered', well: true, badly: true, failure: 'quarter_state' },
      { job_name: 'refused', well: false, badly: true, failure: 'quarter_state' },
      { job_name: 'well', well: true, badly: false, failure: null },
    ]);
  });

  it('is kept of the foreground when it is well, for a failure has been seen there', async () => {
    const run = { logger: createLogger('silent'), signal: new AbortController().signal };
    const jobs = [kept('well', async () => ({ a: 1 })), kept('refused', refuse)];
    expect(await runInForeground(jobs, 'well', {}, run)).toEqual({ a: 1 });
    await expect(runInForeground(jobs, 'refused', {}, run)).rejects.toMatchObject({ code: 'quarter_state' });
    expect(await outcomes()).toEqual([{ job_name: 'well', well: true, badly: false, failure: null }]);
  });

  it('is nothing where it was told to end', async () => {
    const stop = new AbortController();
    const job = kept('stopped', async () => {
      stop.abort();
      throw new AppError('aborted', 'aborted', 'Stopped.');
    });
    const run = {
      id: '1',
      signal: stop.signal,
      logger: createLogger('silent'),
      onProgress: () => {},
      isLastTry: true,
    };
    await expect(job.handle({}, run)).rejects.toMatchObject({ code: 'aborted' });
    expect(await outcomes()).toEqual([]);
  });

  it('ends well and badly all the same where it cannot be kept', async () => {
    const nowhere = openDatabase({ databaseUrl: 'postgres://127.0.0.1:1/none', poolMax: 1 });
    const run = {
      ...{ id: '1', signal: new AbortController().signal, logger: createLogger('silent') },
      ...{ onProgress: () => {}, isLastTry: true },
    };
    const job = (handle: Job['handle']) => remembered(testJob('a', handle), nowhere.write);
    expect(await job(async () => ({ a: 1 })).handle({}, run)).toEqual({ a: 1 });
    await expect(job(refuse).handle({}, run)).rejects.toMatchObject({ code: 'quarter_state' });
    await nowhere.close();
  });
});
