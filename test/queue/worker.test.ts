import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
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
    await whileWorking(survivor, [quick.job], async () => {
      expect(await quick.done).toBe(id);
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
