import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { throwIfAborted } from '../../src/platform/retry.ts';
import type { Job, JobRun } from '../../src/queue/job.ts';
import { openCuttingProxy } from '../support/cutting-proxy.ts';
import { testJob, useQueueBench, whileWorking } from './harness.ts';

const bench = useQueueBench();

/** A handler that goes on until it is told to end, and tells the test what happened. */
function longJob(name: string, options: Parameters<typeof testJob>[2] = {}) {
  const started = Promise.withResolvers<string>();
  const job = testJob(
    name,
    async (_data, run) => {
      started.resolve(run.id);
      await aborted(run);
      throwIfAborted(run.signal);
      return {};
    },
    options,
  );
  return { job, started: started.promise };
}

async function aborted({ signal }: JobRun): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

function quickJob(name: string, options: Parameters<typeof testJob>[2] = {}) {
  const done = Promise.withResolvers<string>();
  const job = testJob(
    name,
    async (_data, run) => {
      done.resolve(run.id);
      return {};
    },
    options,
  );
  return { job, done: done.promise };
}

describe('two workers', () => {
  it('never run one job twice at a time', async () => {
    const [one, other] = [bench.open(), bench.open()];
    const running = new Map<string, number>();
    const handled: string[] = [];
    const finished = Promise.withResolvers<void>();
    const jobs: Job[] = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) =>
      testJob(`shared-${letter}`, async (_data, run) => {
        const now = (running.get(run.id) ?? 0) + 1;
        running.set(run.id, now);
        expect(now).toBe(1);
        // Long enough for the other worker to look for work meanwhile.
        await sql`SELECT pg_sleep(0.6)`.execute(bench.database.write);
        running.delete(run.id);
        handled.push(letter);
        if (handled.length === jobs.length) finished.resolve();
        return {};
      }),
    );
    await one.install(jobs);
    for (const job of jobs) await one.enqueue(bench.database.write, job.name);
    await whileWorking(one, jobs, () => whileWorking(other, jobs, () => finished.promise));
    expect(handled.sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  });
});

describe('a stop', () => {
  // A failure of this queue would be final, and wait ten minutes if it were not.
  const strict = { queue: { retries: 0, retryDelay: 600, retryDelayMax: 600 } };

  it('tells a long job to end and hands it to another worker, which costs it no retry', async () => {
    const [leaving, staying] = [bench.open(), bench.open()];
    const long = longJob('long', strict);
    await leaving.install([long.job]);
    await leaving.enqueue(bench.database.write, 'long');
    const id = await whileWorking(leaving, [long.job], () => long.started);
    const quick = quickJob('long', strict);
    await whileWorking(staying, [quick.job], async () => {
      expect(await quick.done).toBe(id);
    });
  });

  it('does not wait for ever for a job that will not end', async () => {
    const queue = bench.open({ stopWithin: 1 });
    const started = Promise.withResolvers<void>();
    const release = Promise.withResolvers<object>();
    const job = testJob('deaf', () => {
      started.resolve();
      return release.promise;
    });
    await queue.install([job]);
    await queue.enqueue(bench.database.write, 'deaf');
    await whileWorking(queue, [job], () => started.promise);
    const { rows } = await sql`SELECT state::text FROM pgboss.job WHERE name = 'deaf'`.execute(
      bench.database.write,
    );
    expect(rows).toEqual([{ state: 'retry' }]);
    release.resolve({});
  });
});

describe('a worker that was killed', () => {
  it('loses its job to another when its heartbeat has stopped', { timeout: 60_000 }, async () => {
    const survivor = bench.open();
    const quick = quickJob('orphaned');
    await survivor.install([quick.job]);
    await survivor.enqueue(bench.database.write, 'orphaned');
    const script = fileURLToPath(new URL('./hanging-worker.ts', import.meta.url));
    const child = spawn(process.execPath, [script, bench.url, 'orphaned'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [id] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    child.kill('SIGKILL');
    await once(child, 'exit');
    const claims: JobRun['claim'][] = [];
    const job: Job = {
      ...quick.job,
      handle: (data, run) => {
        claims.push(run.claim);
        return quick.job.handle(data, run);
      },
    };
    await whileWorking(survivor, [job], async () => {
      expect(await quick.done).toBe(id);
    });
    expect(claims).toEqual([{ isTakeover: true, readySeconds: expect.any(Number) }]);
  });
});

describe('a run knows how it came to its job', () => {
  /** The claims of a job that fails twice for now, and then succeeds. */
  async function claimsOf(name: string, retryDelay: number): Promise<NonNullable<JobRun['claim']>[]> {
    const queue = bench.open();
    const claims: NonNullable<JobRun['claim']>[] = [];
    const done = Promise.withResolvers<void>();
    const job = testJob(
      name,
      async (_data, run) => {
        if (run.claim !== undefined) claims.push(run.claim);
        if (claims.length < 3) throw new AppError('busy', 'busy', 'Later.');
        done.resolve();
        return {};
      },
      { queue: { retryDelay } },
    );
    await queue.install([job]);
    await queue.enqueue(bench.database.write, name);
    // Ready for as long as nobody works.
    await sql`SELECT pg_sleep(0.5)`.execute(bench.database.write);
    await whileWorking(queue, [job], () => done.promise);
    return claims;
  }

  it('from when it was ready, and that a failure is no takeover', async () => {
    const claims = await claimsOf('ready', 1);
    expect(claims.map(({ isTakeover }) => isTakeover)).toEqual([false, false, false]);
    expect(claims[0]?.readySeconds).toBeGreaterThanOrEqual(0.5);
    // The wait that a failure costs is not counted.
    const { rows } = await sql<{ seconds: number }>`
      SELECT extract(epoch FROM started_on - created_on)::float8 AS seconds
      FROM pgboss.job WHERE name = 'ready'`.execute(bench.database.write);
    expect(claims[2]?.readySeconds).toBeLessThan(rows[0]?.seconds ?? 0);
  });

  it('and that work which was handed back is no takeover', async () => {
    const [leaving, staying] = [bench.open(), bench.open()];
    const long = longJob('handed-back');
    await leaving.install([long.job]);
    await leaving.enqueue(bench.database.write, 'handed-back');
    await whileWorking(leaving, [long.job], () => long.started);
    const next = Promise.withResolvers<JobRun['claim']>();
    const job = testJob('handed-back', async (_data, run) => {
      next.resolve(run.claim);
      return {};
    });
    await whileWorking(staying, [job], async () => {
      expect(await next.promise).toMatchObject({ isTakeover: false });
    });
  });
});

describe('a worker whose main thread is busy', () => {
  /** What became of its job: its own word, and whether another worker was given it. */
  async function busyFor(seconds: number): Promise<{ word: string; taken: boolean }> {
    const name = `busy-${seconds}`;
    const survivor = bench.open();
    let taken = false;
    const job = testJob(name, async () => {
      taken = true;
      return {};
    });
    await survivor.install([job]);
    await survivor.enqueue(bench.database.write, name);
    const script = fileURLToPath(new URL('./busy-worker.ts', import.meta.url));
    const child = spawn(process.execPath, [script, bench.url, name, String(seconds)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const words = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    await words.next();
    const word = await whileWorking(survivor, [job], async () => (await words.next()).value as string);
    child.kill('SIGKILL');
    await once(child, 'exit');
    return { word, taken };
  }

  it('keeps its job for as long as a heartbeat may be late', { timeout: 60_000 }, async () => {
    expect(await busyFor(6)).toEqual({ word: 'kept', taken: false });
  });

  it('loses it when it is busy for longer, and is told so', { timeout: 60_000 }, async () => {
    expect(await busyFor(14)).toEqual({ word: 'lost', taken: true });
  });
});

describe('a database that has moved without a word', () => {
  it('is found again by a worker that waits for an answer of the old one', { timeout: 30_000 }, async () => {
    const proxy = await openCuttingProxy(bench.url);
    const quick = quickJob('moved');
    const queue = bench.open({ url: proxy.url, answerWithin: 1 });
    try {
      await queue.install([quick.job]);
      await whileWorking(queue, [quick.job], async () => {
        proxy.abandon();
        await queue.enqueue(bench.database.write, 'moved');
        await quick.done;
      });
    } finally {
      await proxy.close();
    }
  });
});
