import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { testJob, useQueueBench, whileWorking } from './harness.ts';

const bench = useQueueBench();

const idle = async () => ({});

async function jobsIn(name: string): Promise<{ state: string; start_after: Date; output: object | null }[]> {
  const { rows } = await sql<{ state: string; start_after: Date; output: object | null }>`
    SELECT state::text, start_after, output FROM pgboss.job WHERE name = ${name}`.execute(
    bench.database.write,
  );
  return rows;
}

describe('installation', () => {
  it('refuses to work, and to take requests, before it is done', async () => {
    const queue = bench.open();
    await expect(queue.start([testJob('early', idle)])).rejects.toMatchObject({ code: 'not_migrated' });
    await expect(queue.enqueue(bench.database.write, 'early')).rejects.toMatchObject({
      code: 'not_migrated',
    });
  });

  it('is done once by two processes at a time', async () => {
    const jobs = [testJob('installed', idle), testJob('installed-too', idle)];
    await Promise.all([bench.open().install(jobs), bench.open().install(jobs)]);
    const { rows } = await sql<{ name: string; policy: string; heartbeat_seconds: number }>`
      SELECT name, policy, heartbeat_seconds FROM pgboss.queue WHERE name LIKE 'installed%' ORDER BY name`.execute(
      bench.database.write,
    );
    expect(rows).toEqual([
      { name: 'installed', policy: 'stately', heartbeat_seconds: 10 },
      { name: 'installed-too', policy: 'stately', heartbeat_seconds: 10 },
    ]);
  });

  it('brings a queue up to date', async () => {
    await bench.open().install([testJob('changed', idle)]);
    await bench.open().install([testJob('changed', idle, { queue: { heartbeat: 44 } })]);
    const { rows } = await sql`SELECT heartbeat_seconds FROM pgboss.queue WHERE name = 'changed'`.execute(
      bench.database.write,
    );
    expect(rows).toEqual([{ heartbeat_seconds: 44 }]);
  });
});

describe('a request', () => {
  it('leaves nothing behind when its transaction is rolled back', async () => {
    const queue = bench.open();
    await queue.install([testJob('undone', idle)]);
    const failure = new Error('roll back');
    await expect(
      bench.database.write.transaction().execute(async (trx) => {
        expect(await queue.enqueue(trx, 'undone')).toBe(true);
        await queue.enqueueDebounced(trx, 'undone', 60);
        throw failure;
      }),
    ).rejects.toBe(failure);
    expect(await jobsIn('undone')).toEqual([]);
  });

  it('is one job while it waits, and brings its data', async () => {
    const queue = bench.open();
    const done = Promise.withResolvers<object>();
    const job = testJob('told', async (data) => {
      done.resolve(data);
      return { rows: 3n };
    });
    await queue.install([job]);
    await bench.database.write.transaction().execute(async (trx) => {
      expect(await queue.enqueue(trx, 'told', { file: 'a' })).toBe(true);
    });
    expect(await queue.enqueue(bench.database.write, 'told', { file: 'b' })).toBe(false);
    await whileWorking(queue, [job], async () => {
      expect(await done.promise).toEqual({ file: 'a' });
    });
    // The stop waited for the job to be settled.
    expect(await jobsIn('told')).toMatchObject([{ state: 'completed', output: { rows: '3' } }]);
  });

  it('that is debounced runs once, when nobody has asked for a while', async () => {
    const queue = bench.open();
    const ran = Promise.withResolvers<void>();
    let runs = 0;
    const job = testJob('debounced', async () => {
      runs++;
      ran.resolve();
      return {};
    });
    await queue.install([job]);
    const ask = (seconds: number) =>
      bench.database.write.transaction().execute((trx) => queue.enqueueDebounced(trx, 'debounced', seconds));
    await whileWorking(queue, [job], async () => {
      await ask(600);
      await ask(7200);
      const { rows } = await sql<{ soon: Date }>`SELECT now() + interval '1 hour' AS soon`.execute(
        bench.database.write,
      );
      const [waiting] = await jobsIn('debounced');
      expect(waiting?.start_after.getTime()).toBeGreaterThan(rows[0]?.soon.getTime() ?? 0);
      await ask(1);
      await ran.promise;
    });
    expect(runs).toBe(1);
    expect(await jobsIn('debounced')).toMatchObject([{ state: 'completed' }]);
  });

  it('that is debounced does not run before what it was asked for is committed', async () => {
    const queue = bench.open();
    const { write } = bench.database;
    await sql`CREATE TABLE work (item text)`.execute(write);
    const seen = Promise.withResolvers<unknown>();
    const job = testJob('committed', async () => {
      seen.resolve((await sql`SELECT item FROM work ORDER BY item`.execute(write)).rows);
      return {};
    });
    await queue.install([job]);
    await queue.enqueueDebounced(write, 'committed', 0);
    const trx = await write.startTransaction().execute();
    try {
      await sql`INSERT INTO work VALUES ('late')`.execute(trx);
      await queue.enqueueDebounced(trx, 'committed', 0);
      // The job is due, and a worker looks for work, but the request that is still open holds it.
      await whileWorking(queue, [job], async () => {
        await expect.poll(looks, { timeout: 10_000 }).toBeGreaterThan(0);
        expect(await jobsIn('committed')).toMatchObject([{ state: 'created' }]);
        await trx.commit().execute();
        expect(await seen.promise).toEqual([{ item: 'late' }]);
      });
    } finally {
      if (!trx.isCommitted) await trx.rollback().execute();
    }

    /** The worker has looked when its query for this queue shows up among the sessions' last ones. */
    async function looks(): Promise<number> {
      const { rows } = await sql`
        SELECT 1 FROM pg_stat_activity
        WHERE application_name = 'quartermaster worker' AND query LIKE '%name = ''committed''%SKIP LOCKED%'
          AND state = 'idle'`.execute(write);
      return rows.length;
    }
  });
});

describe('a failure', () => {
  it('that may pass is tried again', async () => {
    const queue = bench.open();
    const done = Promise.withResolvers<void>();
    let runs = 0;
    const job = testJob('busy', async () => {
      runs++;
      if (runs < 3) throw new AppError('busy', 'lock_timeout', 'Somebody holds the lock.');
      done.resolve();
      return {};
    });
    await queue.install([job]);
    await queue.enqueue(bench.database.write, 'busy');
    await whileWorking(queue, [job], () => done.promise);
    expect(runs).toBe(3);
    expect(await jobsIn('busy')).toMatchObject([{ state: 'completed' }]);
  });

  it('that will not pass is final at once, and says what it was', async () => {
    const queue = bench.open();
    const jobs = [
      testJob('refused', async () => {
        throw new AppError('refused', 'quarter_held', 'The quarter is held.');
      }),
      testJob('broken', async () => {
        throw new TypeError('cannot read properties of undefined');
      }),
    ];
    await queue.install(jobs);
    for (const job of jobs) await queue.enqueue(bench.database.write, job.name);
    await whileWorking(queue, jobs, async () => {
      await expect
        .poll(async () => [...(await jobsIn('refused')), ...(await jobsIn('broken'))], { timeout: 10_000 })
        .toMatchObject([
          {
            state: 'failed',
            output: { kind: 'refused', code: 'quarter_held', detail: 'The quarter is held.' },
          },
          { state: 'failed', output: { kind: 'internal', code: 'internal' } },
        ]);
    });
    const { rows } =
      await sql`SELECT retry_count FROM pgboss.job WHERE name IN ('refused', 'broken')`.execute(
        bench.database.write,
      );
    expect(rows).toEqual([{ retry_count: 0 }, { retry_count: 0 }]);
  });
});

describe('a schedule', () => {
  it("is kept in the ledger's zone, catches up once, and goes when its job has none any more", async () => {
    const queue = bench.open({ zone: 'Pacific/Apia' });
    const scheduled = testJob('nightly', idle, { schedule: '0 2 * * *' });
    const schedules = () =>
      sql`SELECT name, cron, timezone, options ->> 'missed' AS missed FROM pgboss.schedule`.execute(
        bench.database.write,
      );
    await queue.install([scheduled]);
    await whileWorking(queue, [scheduled], async () => {
      expect((await schedules()).rows).toEqual([
        { name: 'nightly', cron: '0 2 * * *', timezone: 'Pacific/Apia', missed: 'once' },
      ]);
    });
    // A version that does not know the job yet leaves it alone.
    const other = testJob('other', idle);
    await queue.install([other]);
    await whileWorking(queue, [other], async () => {
      expect((await schedules()).rows).toHaveLength(1);
    });
    await whileWorking(queue, [testJob('nightly', idle)], async () => {
      expect((await schedules()).rows).toEqual([]);
    });
  });

  it('is begun at the start of a worker where the job wants it', async () => {
    const queue = bench.open();
    const done = Promise.withResolvers<void>();
    const job = testJob(
      'first-thing',
      async () => {
        done.resolve();
        return {};
      },
      { atStart: true },
    );
    await queue.install([job]);
    await whileWorking(queue, [job], () => done.promise);
  });
});
