import { sql } from 'kysely';
import { beforeEach, describe, expect, it } from 'vitest';
import { requestAfterVerb } from '../../jobs/after-verb.ts';
import type { JobHouse } from '../../jobs/house.ts';
import { quarterVerbJob } from '../../jobs/quarter-verb.ts';
import { reconcilePartitionsJob } from '../../jobs/reconcile-partitions.ts';
import { runInForeground } from '../../jobs/run.ts';
import { AppError } from '../../src/core/errors.ts';
import { createLogger } from '../../src/platform/logger.ts';
import type { Queue } from '../../src/queue/queue.ts';
import { openHouse } from '../quarters/support.ts';
import { testJob, useQueueBench } from '../queue/harness.ts';

const bench = useQueueBench({ migrated: true });
const warned: object[] = [];
const logger = { warn: (what: object) => void warned.push(what) };

let queue: Queue;
beforeEach(() => {
  queue = bench.open();
  warned.length = 0;
});

const request = (verb: string) => requestAfterVerb(queue, bench.database.write, verb, logger);

/** What waits for its time, and is forgotten by the asking. */
async function requested(): Promise<unknown[]> {
  const { rows } = await sql<{ name: string }>`
    DELETE FROM pgboss.job WHERE start_after > created_on RETURNING name`.execute(bench.database.write);
  return rows.map(({ name }) => name);
}

describe('after a verb', () => {
  it('nothing is asked for, and nobody told, where there are no queues', async () => {
    await request('restore');
    expect(warned).toEqual([]);
  });

  it('statistics are asked for once, where partitions came or went or summaries were written', async () => {
    await queue.install([testJob('analyze-partitions', async () => ({}))]);
    for (const verb of ['create', 'close', 'detach', 'restore', 'release']) {
      await request(verb);
      await request(verb);
      expect(await requested()).toEqual(['analyze-partitions']);
    }
    for (const verb of ['archive', 'verify', 'hold', 'approve', 'drop']) await request(verb);
    expect(await requested()).toEqual([]);
  });

  it('as a job they are asked for when it is done, and not when it failed', async () => {
    const house = { database: bench.database, quarters: {}, queue } as JobHouse;
    let error: AppError | undefined = new AppError('refused', 'quarter_held', 'It is held.');
    const job = quarterVerbJob(house, 'detach', async () => {
      if (error !== undefined) throw error;
      return { detached: [] };
    });
    const run = { logger: createLogger('silent'), signal: new AbortController().signal };
    const detach = () => runInForeground([job], 'detach', { quarter: '2024q1' }, run);
    await expect(detach()).rejects.toThrow('held');
    expect(await requested()).toEqual([]);
    error = undefined;
    expect(await detach()).toEqual({ detached: [] });
    expect(await requested()).toEqual(['analyze-partitions']);
  });

  it('a reconcile asks for them when it has created something', async () => {
    const quarters = openHouse(bench.url, { premake: 1 });
    const house = { database: bench.database, quarters, queue, config: { createQuarters: true } };
    const run = { logger: createLogger('silent'), signal: new AbortController().signal };
    const reconcile = () =>
      runInForeground(
        [reconcilePartitionsJob(house as unknown as JobHouse)],
        'reconcile-partitions',
        {},
        run,
      );
    expect(await reconcile()).toMatchObject({ created: ['2026q2', '2026q3'] });
    expect(await requested()).toEqual(['analyze-partitions']);
    expect(await reconcile()).toMatchObject({ created: [] });
    expect(await requested()).toEqual([]);
    await quarters.database.close();
  });

  it('what could not be asked for is told, and the verb is done all the same', async () => {
    await bench.database.write
      .transaction()
      .setAccessMode('read only')
      .execute((trx) => requestAfterVerb(queue, trx, 'close', logger))
      .catch(() => {});
    expect(warned).toMatchObject([{ code: 'read_only' }]);
  });
});
