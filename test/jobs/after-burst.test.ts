import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { noticingBursts } from '../../jobs/after-burst.ts';
import { requestRefresh } from '../../jobs/after-load.ts';
import type { Poster, PostResult } from '../../src/ledger/post.ts';
import type { TransactionRequest } from '../../src/ledger/request.ts';
import { type LogLine, recordingLogger } from '../http/house.ts';
import { testJob, useQueueBench, whileWorking } from '../queue/harness.ts';

const requests = (count: number) => Array.from({ length: count }, () => ({}) as TransactionRequest);

/** A poster that books all but every fourth request, and what was asked for behind it. */
function open(request: () => Promise<void> = async () => {}) {
  const time = { now: 0, asked: 0 };
  const lines: LogLine[] = [];
  const poster: Poster = {
    post: async (_ledger, given) =>
      given.map((_, n) => ({ kind: n % 4 === 3 ? 'refused' : 'created' }) as unknown as PostResult),
  };
  const noticing = noticingBursts(poster, {
    request: () => {
      time.asked++;
      return request();
    },
    logger: recordingLogger(lines),
    size: 30,
    seconds: () => time.now,
  });
  return { time, lines, post: (count: number, options = {}) => noticing.post(1, requests(count), options) };
}

describe('after a burst', () => {
  it('a refresh is asked for once so many transactions were booked, and not for fewer', async () => {
    const { time, post } = open();
    // 28 of 36 are booked, and the next makes it 30 of 40.
    expect(await post(36)).toHaveLength(36);
    expect(time.asked).toBe(0);
    await post(4);
    expect(time.asked).toBe(1);
    time.now = 10;
    await post(36);
    expect(time.asked).toBe(1);
    await post(400, { dryRun: true });
    expect(time.asked).toBe(1);
    await post(4);
    expect(time.asked).toBe(2);
  });

  it('it is asked for at most once a second, and what came in between is counted', async () => {
    const { time, post } = open();
    for (let n = 0; n < 10; n++) {
      time.now += 0.25;
      await post(80);
      await setImmediate();
    }
    expect(time.asked).toBe(3);
  });

  it('posting does not wait for the request, nor fail with it, nor is there a second beside it', async () => {
    const fails: ((error: Error) => void)[] = [];
    const { time, lines, post } = open(() => new Promise((_, reject) => fails.push(reject)));
    await post(80);
    time.now = 5;
    await post(80);
    expect(time.asked).toBe(1);
    fails[0]?.(new Error('no database'));
    await setImmediate();
    expect(lines).toMatchObject([{ level: 'warn', code: 'internal' }]);
    await post(4);
    expect(time.asked).toBe(2);
  });
});

describe('a stream of bursts', () => {
  const bench = useQueueBench();

  it('puts off the run it asks for, and not that of the schedule', { timeout: 60_000 }, async () => {
    const queue = bench.open();
    let runs = 0;
    const job = testJob('refresh-summaries', async () => ({ run: ++runs }));
    await queue.install([job]);
    const ask = () => requestRefresh(queue, bench.database.write);
    await whileWorking(queue, [job], async () => {
      let isOver = false;
      const stream = (async () => {
        while (!isOver) await ask();
      })();
      // As the schedule sends it: beside the one that is put off.
      await queue.enqueue(bench.database.write, 'refresh-summaries');
      await expect.poll(() => runs, { timeout: 20_000 }).toBe(1);
      await ask();
      expect(runs).toBe(1);
      isOver = true;
      await stream;
      // And the one that was put off comes once the stream is over.
      await expect.poll(() => runs, { timeout: 30_000 }).toBe(2);
    });
  });
});
