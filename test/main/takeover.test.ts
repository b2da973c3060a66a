import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { openHouse } from '../jobs/desk-fixture.ts';
import { bookNastyPayments, closeQuarters, openArchiveHouse } from '../quarters/archive-fixture.ts';
import { useQueueBench } from '../queue/harness.ts';
import { startS3, type TestS3 } from '../support/s3.ts';
import { type S3Proxy, startS3Proxy } from '../support/s3-proxy.ts';
import type { Line } from './process.ts';
import { startWorker, type WorkerProcess } from './worker-process.ts';

/** The promise, of a worker that died without a word. */
const WITHIN_MS = 15_000;

/** And of one that stops: the other looks for work every two seconds, and a failure would have to wait for five. */
const HANDED_MS = 5000;

/** In the first one so many that its tables come in several parts of 16 MiB. */
const payments = [
  { quarter: '2024q1', transactions: 150_000 },
  { quarter: '2024q2', transactions: 6000 },
];

const bench = useQueueBench({ migrated: true });
let directory: string;
let s3: TestS3;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'test-takeover-'));
  s3 = await startS3();
  const house = openArchiveHouse(bench.url, directory);
  try {
    await bookNastyPayments(house, payments);
    const quarters = payments.map(({ quarter }) => quarter);
    await closeQuarters(house, quarters);
  } finally {
    await house.database.close();
  }
}, 300_000);
afterAll(async () => {
  await s3?.stop();
  await rm(directory, { recursive: true, force: true });
});

const isArchive =
  (msg: string) =>
  (line: Line): boolean =>
    line.msg === msg && line.job === 'archive';

/** Two workers, of which the first archives a quarter, as far as a part that the store does not answer for. */
async function archiveUpTo(
  quarter: string,
  part: string,
): Promise<{ first: WorkerProcess; second: WorkerProcess; proxy: S3Proxy }> {
  const held = Promise.withResolvers<void>();
  let isHeld = false;
  const proxy = await startS3Proxy(s3.endpoint, ({ method, url }) => {
    if (isHeld || method !== 'PUT' || !url.includes(`${quarter}/${part}`)) return 'pass';
    isHeld = true;
    held.resolve();
    return 'hang';
  });
  onTestFinished(() => proxy.stop());
  const { house } = await openHouse(bench, {}, systemClock);
  const environment = {
    ...s3.env,
    QM_DATABASE_URL: bench.url,
    QM_STORE: `s3://${s3.bucket}`,
    QM_S3_ENDPOINT: proxy.endpoint,
    QM_S3_PATH_STYLE: 'on',
    // At which it says that a job was started.
    QM_LOG_LEVEL: 'debug',
  };
  const first = await startWorker(environment);
  const { write } = bench.database;
  await write
    .transaction()
    .execute((trx) => house.queue.quarters.request(trx, { verb: 'archive', quarter, actor: 'ada' }));
  await Promise.race([held.promise, first.ended.then(() => Promise.reject(new Error('it ended')))]);
  const second = await startWorker(environment);
  return { first, second, proxy };
}

/** How often each part of a table of the quarter was put into the store. */
function putsOf({ seen }: S3Proxy, quarter: string): Map<string, number> {
  const puts = new Map<string, number>();
  for (const { method, url } of seen) {
    const part = new RegExp(`/${quarter}/(.*\\.parquet)`).exec(url)?.[1];
    if (method === 'PUT' && part !== undefined) puts.set(part, (puts.get(part) ?? 0) + 1);
  }
  return puts;
}

/** The archive is whole, each part was put once but the one that was under way, and its job is not left behind. */
async function expectTakenUp(
  quarter: string,
  part: string,
  { proxy, second, id }: { proxy: S3Proxy; second: WorkerProcess; id: string },
) {
  await second.said(isArchive('job done'));
  expect((await readQuarter(bench.database.direct, quarter)).state).toBe('archived');
  const puts = putsOf(proxy, quarter);
  expect(puts.size).toBeGreaterThanOrEqual(5);
  for (const [put, times] of puts) expect([put, times]).toEqual([put, put === part ? 2 : 1]);
  second.child.kill('SIGTERM');
  expect(await second.ended).toBe(0);
  // Others that the first one had may be its own until their heartbeats have run out.
  const { rows } = await sql`SELECT name, state::text FROM pgboss.job WHERE id = ${id}`.execute(
    bench.database.write,
  );
  expect(rows).toEqual([]);
}

it('a worker that is asked to stop hands its archive over, and the other one goes on behind the last part', {
  timeout: 120_000,
}, async () => {
  const [quarter, part] = ['2024q1', 'entries/part-0001.parquet'];
  const { first, second, proxy } = await archiveUpTo(quarter, part);
  first.child.kill('SIGTERM');
  expect(await first.ended).toBe(0);
  const begun = performance.now();
  const again = await second.said(isArchive('job started'));
  expect(performance.now() - begun).toBeLessThan(HANDED_MS);
  expect(first.lines).toContainEqual(
    expect.objectContaining({
      msg: 'job failed for now',
      job: 'archive',
      job_id: again.job_id,
      code: 'aborted',
    }),
  );
  await expectTakenUp(quarter, part, { proxy, second, id: String(again.job_id) });
});

it('a worker that is killed has its archive taken from it within 15 seconds', {
  timeout: 120_000,
}, async () => {
  const [quarter, part] = ['2024q2', 'entries/part-0000.parquet'];
  const { first, second, proxy } = await archiveUpTo(quarter, part);
  const begun = performance.now();
  first.child.kill('SIGKILL');
  expect(await first.ended).toBe('SIGKILL');
  const again = await second.said(isArchive('job started'));
  expect(performance.now() - begun).toBeLessThan(WITHIN_MS);
  expect(first.lines.find(isArchive('job started'))?.job_id).toBe(again.job_id);
  expect(second.lines).toContainEqual(
    expect.objectContaining({
      level: 'warn',
      msg: expect.stringContaining('no sign of life'),
      id: again.job_id,
    }),
  );
  await expectTakenUp(quarter, part, { proxy, second, id: String(again.job_id) });
});
