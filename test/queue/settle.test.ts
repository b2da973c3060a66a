import { once } from 'node:events';
import { sql } from 'kysely';
import { expect, it, onTestFinished } from 'vitest';
import { throwIfAborted } from '../../src/platform/retry.ts';
import type { Job, JobRun } from '../../src/queue/job.ts';
import { testJob, useQueueBench, whileWorking } from './harness.ts';

const bench = useQueueBench({ migrated: true });

/** Lets the first statement fail that takes a job from one state to another, as in a database that restarts. */
async function failOnce(from: string, to: string): Promise<void> {
  const { write } = bench.database;
  // A sequence forgets nothing when a transaction is taken back.
  await sql`CREATE SEQUENCE pgboss.failures`.execute(write);
  await sql`
    CREATE FUNCTION pgboss.fail_once() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF nextval('pgboss.failures') = 1 THEN RAISE 'so it is' USING ERRCODE = '57P01'; END IF;
      RETURN NEW;
    END $$`.execute(write);
  await sql`
    CREATE TRIGGER fail_once BEFORE UPDATE ON pgboss.job FOR EACH ROW
    WHEN (OLD.state = ${sql.lit(from)} AND NEW.state = ${sql.lit(to)})
    EXECUTE FUNCTION pgboss.fail_once()`.execute(write);
  onTestFinished(async () => {
    await sql`DROP TRIGGER fail_once ON pgboss.job`.execute(write);
    await sql`DROP FUNCTION pgboss.fail_once`.execute(write);
    await sql`DROP SEQUENCE pgboss.failures`.execute(write);
  });
}

async function stateOf(name: string): Promise<object | undefined> {
  const { rows } = await sql<object>`
    SELECT state::text, retry_count AS tries, retry_limit AS most FROM pgboss.job WHERE name = ${name}`.execute(
    bench.database.write,
  );
  return rows[0];
}

/** A job that goes on until it is told to end. */
function longJob(
  name: string,
  options: Parameters<typeof testJob>[2] = {},
): { job: Job; started: Promise<void> } {
  const started = Promise.withResolvers<void>();
  const handle = async (_data: object, { signal }: JobRun) => {
    started.resolve();
    if (!signal.aborted) await once(signal, 'abort');
    throwIfAborted(signal);
    return {};
  };
  return { job: testJob(name, handle, options), started: started.promise };
}

it('a job that is done is not run again because the database restarted as that was to be said', async () => {
  const queue = bench.open();
  let runs = 0;
  const job = testJob('done', async () => {
    runs += 1;
    return {};
  });
  await queue.install([job]);
  await failOnce('active', 'completed');
  await queue.enqueue(bench.database.write, 'done');
  await whileWorking(queue, [job], () =>
    expect.poll(() => stateOf('done'), { timeout: 30_000 }).toMatchObject({ state: 'completed' }),
  );
  expect(runs).toBe(1);
});

it('a last try is handed back whole or not at all', async () => {
  const queue = bench.open();
  const { job, started } = longJob('handed', { queue: { retries: 0 } });
  await queue.install([job]);
  await failOnce('failed', 'retry');
  await queue.enqueue(bench.database.write, 'handed');
  await whileWorking(queue, [job], () => started);
  expect(await stateOf('handed')).toEqual({ state: 'retry', tries: 0, most: 1 });
});

it('a worker that stops takes no job more, and ends in its time, though its look for lost jobs hangs', {
  timeout: 60_000,
}, async () => {
  const queue = bench.open({ stopWithin: 2, pollEvery: 0.5 });
  const { job, started } = longJob('long', { queue: { retries: 6 } });
  const orphan = testJob('orphan', async () => ({}));
  await queue.install([job, orphan]);
  const { write } = bench.database;
  await sql`
    INSERT INTO pgboss.job (name, state, started_on, heartbeat_on, heartbeat_seconds, policy)
    SELECT name, 'active', now(), now() - interval '1 hour', 10, policy
    FROM pgboss.queue WHERE name = 'orphan'`.execute(write);
  // What pg-boss would take from its worker somebody else holds.
  const held = await write.startTransaction().execute();
  await sql`SELECT id FROM pgboss.job WHERE name = 'orphan' FOR UPDATE`.execute(held);
  await queue.enqueue(write, 'long');
  await queue.start([job, orphan]);
  try {
    await started;
    await expect
      .poll(
        async () => {
          const { rows } = await sql`
            SELECT 1 FROM pg_stat_activity
            WHERE wait_event_type = 'Lock' AND datname = current_database()`.execute(write);
          return rows.length;
        },
        { timeout: 20_000 },
      )
      .toBeGreaterThan(0);
    await expect(queue.stop()).rejects.toMatchObject({ code: 'stop_timeout' });
    expect(await stateOf('long')).toEqual({ state: 'retry', tries: 0, most: 7 });
  } finally {
    await held.rollback().execute();
  }
});

it('a job that failed for good with the workers that ran it is remembered as failed', {
  timeout: 60_000,
}, async () => {
  const queue = bench.open();
  const job = testJob('deadly', async () => ({}));
  await queue.install([job]);
  const { write } = bench.database;
  await sql`
    INSERT INTO pgboss.job (name, state, started_on, heartbeat_on, heartbeat_seconds, policy, retry_limit, retry_count, data)
    SELECT name, 'active', now(), now() - interval '1 hour', 10, policy, 3, 3, '{}'
    FROM pgboss.queue WHERE name = 'deadly'`.execute(write);
  const outcome = async () =>
    (
      await sql`
        SELECT succeeded_at, failure FROM quartermaster.job_outcomes WHERE job_name = 'deadly'`.execute(write)
    ).rows[0];
  await whileWorking(queue, [job], () =>
    expect.poll(outcome, { timeout: 30_000 }).toEqual({ succeeded_at: null, failure: 'worker_lost' }),
  );
  expect(await stateOf('deadly')).toEqual({ state: 'failed', tries: 3, most: 3 });
});
