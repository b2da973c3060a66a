import { sql } from 'kysely';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { openHouse } from '../jobs/desk-fixture.ts';
import { useQueueBench } from '../queue/harness.ts';
import { type CuttingProxy, openCuttingProxy } from '../support/cutting-proxy.ts';
import { freePort } from '../support/free-port.ts';
import { health, spawnCommand } from './process.ts';
import { startWorker } from './worker-process.ts';

const bench = useQueueBench({ migrated: true });

/** An API and a worker that are ready, behind a proxy. */
async function openPods(): Promise<{ proxy: CuttingProxy; urls: string[] }> {
  await openHouse(bench, {}, systemClock);
  const proxy = await openCuttingProxy(bench.url);
  onTestFinished(() => proxy.close());
  const port = String(await freePort());
  const environment = { QM_DATABASE_URL: proxy.url, QM_PORT: port, QM_LOG_LEVEL: 'error' };
  const api = spawnCommand(['api'], environment);
  const worker = await startWorker(environment);
  await api.said(({ text }) => text?.includes('listens on') === true);
  const urls = [`http://127.0.0.1:${port}`, worker.url];
  for (const url of urls) await isReady(url);
  return { proxy, urls };
}

async function isReady(url: string): Promise<void> {
  await expect.poll(async () => (await health(url, 'readyz')).status, { timeout: 30_000 }).toBe(200);
}

async function codesOf(url: string): Promise<Record<string, string>> {
  const { status, body } = await health(url, 'readyz');
  expect(status).toBe(503);
  const failed = (body.checks as { name: string; code?: string }[]).filter(({ code }) => code !== undefined);
  return Object.fromEntries(failed.map(({ name, code }) => [name, code ?? '']));
}

it('a database that stands still makes a pod unready within a second, not dead, and ready again when it goes on', {
  timeout: 120_000,
}, async () => {
  const { proxy, urls } = await openPods();
  proxy.stall();
  for (const url of urls) {
    const times: number[] = [];
    for (const _ of [1, 2, 3]) {
      const begun = performance.now();
      expect(await codesOf(url)).toMatchObject({ database: 'check_timeout', schema: 'check_timeout' });
      times.push(performance.now() - begun);
    }
    // The quickest of three, for the machine has other things to do.
    expect(Math.min(...times)).toBeLessThan(1000);
    expect((await health(url, 'healthz')).status).toBe(200);
    expect((await fetch(`${url}/metrics`)).status).toBe(200);
  }
  proxy.resume();
  for (const url of urls) await isReady(url);
  // The server has moved, and nobody told those who are connected to the old one.
  proxy.abandon();
  for (const url of urls) await codesOf(url);
  for (const url of urls) await isReady(url);
});

it('a pod is unready while the schema is none it can work with, or the queues are gone, and says which', {
  timeout: 60_000,
}, async () => {
  const { urls } = await openPods();
  const { write } = bench.database;
  // A later version adds something: nobody minds.
  await sql`INSERT INTO quartermaster.migrations (name, timestamp) VALUES ('9001_add', '')`.execute(write);
  for (const url of urls) expect((await health(url, 'readyz')).status).toBe(200);
  const late = spawnCommand(['api'], { QM_DATABASE_URL: bench.url, QM_PORT: '0' });
  await late.said(({ text }) => text?.includes('listens on') === true);
  expect(late.lines).toContainEqual(
    expect.objectContaining({ msg: expect.stringContaining('schema is newer'), unknown: ['9001_add'] }),
  );

  // And then takes away what this one needs.
  await sql`INSERT INTO quartermaster.settings (name, value) VALUES ('oldest_code', '9001')`.execute(write);
  for (const url of urls) expect(await codesOf(url)).toEqual({ schema: 'schema_newer' });
  const refused = spawnCommand(['worker'], { QM_DATABASE_URL: bench.url, QM_WORKER_PORT: '0' });
  expect(await refused.ended).toBe(78);
  expect(JSON.stringify(refused.lines)).toMatch(/at 9001_add; .* has to know 9001 or later.*schema_newer/);
  const status = spawnCommand(['migrate', 'status'], { QM_DATABASE_URL: bench.url });
  expect(await status.ended).toBe(0);
  const said = status.lines.map(({ text }) => text).join('\n');
  expect(said).toMatch(/applied {2}0023_operation[\s\S]*newer {4}9001_add[\s\S]*cannot work.*9001 or later/);
  await sql`DELETE FROM quartermaster.settings WHERE name = 'oldest_code'`.execute(write);
  await sql`DELETE FROM quartermaster.migrations WHERE name = '9001_add'`.execute(write);

  // What this version needs is missing.
  const { rows } = await sql`DELETE FROM quartermaster.migrations WHERE name = '0023_operation'
    RETURNING name, timestamp`.execute(write);
  expect(rows).toHaveLength(1);
  for (const url of urls) expect(await codesOf(url)).toEqual({ schema: 'not_migrated' });
  await sql`INSERT INTO quartermaster.migrations (name, timestamp) VALUES ('0023_operation', '')`.execute(
    write,
  );

  await sql`UPDATE pgboss.version SET version = version - 1`.execute(write);
  for (const url of urls) expect(await codesOf(url)).toEqual({ queue: 'not_migrated' });
  await sql`UPDATE pgboss.version SET version = version + 2`.execute(write);
  for (const url of urls) await isReady(url);
  await sql`ALTER TABLE pgboss.queue RENAME TO queue_away`.execute(write);
  for (const url of urls) expect(await codesOf(url)).toMatchObject({ queue: 'not_migrated' });
  await sql`ALTER TABLE pgboss.queue_away RENAME TO queue`.execute(write);
  for (const url of urls) await isReady(url);
});
