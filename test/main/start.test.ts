import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { openHouse } from '../jobs/desk-fixture.ts';
import { useQueueBench } from '../queue/harness.ts';
import { openCuttingProxy } from '../support/cutting-proxy.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { health, type Line, spawnCommand } from './process.ts';
import { spawnWorker } from './worker-process.ts';

const bench = useQueueBench({ migrated: true });
let empty: TestDatabase;
beforeAll(async () => {
  empty = await createDatabase({ migrated: false });
});
afterAll(() => empty.drop());

const waits = ({ msg }: Line) => msg === 'waiting for the database';

/** The URL of a database by a port of its own, with a password that no line may show. */
function through(url: string, port: number): string {
  const changed = new URL(url);
  changed.hostname = '127.0.0.1';
  changed.port = String(port);
  if (changed.password === '') changed.password = 'open-sesame';
  return changed.href;
}

it('an API and a worker that come before their database live, are not ready, and serve when it is there', {
  timeout: 60_000,
}, async () => {
  // Its queues are there.
  await openHouse(bench, {}, systemClock);
  const port = await freePort();
  const url = through(bench.url, port);
  const environment = { QM_DATABASE_URL: url, QM_PORT: String(await freePort()) };
  const api = spawnCommand(['api'], environment);
  const worker = await spawnWorker(environment);
  const apiUrl = `http://127.0.0.1:${environment.QM_PORT}`;
  for (const [process, at] of [
    [api, apiUrl],
    [worker, worker.url],
  ] as const) {
    const line = await process.said(waits);
    expect(line).toMatchObject({ level: 'warn', host: '127.0.0.1', port: String(port), most: 60 });
    expect(line.detail).toContain('ECONNREFUSED');
    expect((await health(at, 'healthz')).status).toBe(200);
    const { status, body } = await health(at, 'readyz');
    expect(status).toBe(503);
    expect(body.checks).toContainEqual({ name: 'serving', ok: false, code: 'starting' });
    expect(body.checks).toContainEqual({ name: 'database', ok: false, code: 'database_unavailable' });
  }
  const refused = await fetch(`${apiUrl}/v1/ledgers`);
  expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([503, 'starting']);
  expect(refused.headers.get('retry-after')).not.toBeNull();

  const proxy = await openCuttingProxy(bench.url, port);
  onTestFinished(() => proxy.close());
  await api.said(({ text }) => text?.includes('listens on') === true);
  await worker.said(({ text }) => text?.includes('The worker runs.') === true);
  for (const at of [apiUrl, worker.url]) {
    await expect
      .poll(async () => (await health(at, 'readyz')).body, { timeout: 20_000 })
      .toMatchObject({
        status: 'ready',
        checks: expect.arrayContaining(
          ['serving', 'database', 'schema', 'queue'].map((name) => ({ name, ok: true })),
        ),
      });
  }
  expect((await fetch(`${apiUrl}/v1/ledgers`)).status).toBe(401);
  for (const { child } of [api, worker]) child.kill('SIGTERM');
  expect(await Promise.all([api.ended, worker.ended])).toEqual([0, 0]);
  const { password } = new URL(url);
  expect(JSON.stringify([...api.lines, ...worker.lines])).not.toContain(password);
});

it('a migration waits too', { timeout: 60_000 }, async () => {
  const port = await freePort();
  const migrate = spawnCommand(['migrate', 'up'], {
    QM_DATABASE_URL: through(empty.url, await freePort()),
    QM_DIRECT_DATABASE_URL: through(empty.url, port),
  });
  // It passes by the pooler, which need not be there.
  expect(await migrate.said(waits)).toMatchObject({ port: String(port) });
  const proxy = await openCuttingProxy(empty.url, port);
  onTestFinished(() => proxy.close());
  expect(await migrate.ended).toBe(0);
  expect(migrate.lines).toContainEqual({ text: expect.stringMatching(/^Ran \d+ migrations:/) });
});

it('who is asked to stop while it waits stops at once, whatever it waits for', async () => {
  // It takes connections, and says nothing.
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => sockets.add(socket.on('error', () => {}))).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  const { port } = silent.address() as { port: number };
  const hung = await spawnWorker({ QM_DATABASE_URL: through(bench.url, port) });
  const [first] = (await once(silent, 'connection')) as [Socket];
  expect(first.destroyed).toBe(false);
  const nowhere = { QM_DATABASE_URL: through(bench.url, await freePort()), QM_PORT: '0' };
  const others = [spawnCommand(['api'], nowhere), spawnCommand(['migrate', 'up'], nowhere)];
  await Promise.all(others.map(({ said }) => said(waits)));
  for (const { child } of [hung, ...others]) child.kill('SIGTERM');
  // A migration that was not made is not done, and its job must not say so.
  expect(await Promise.all([hung, ...others].map(({ ended }) => ended))).toEqual([0, 0, 130]);
});

it('a database that does not come is told with where it was looked for', async () => {
  const port = await freePort();
  const api = spawnCommand(['api'], {
    QM_DATABASE_URL: through(bench.url, port),
    QM_PORT: '0',
    QM_START_WAIT: '1',
  });
  expect(await api.ended).toBe(69);
  expect(JSON.stringify(api.lines)).toMatch(
    new RegExp(`on 127.0.0.1, port ${port}, did not come within 1 s \\(QM_START_WAIT\\)`),
  );
});

it('what does not pass by waiting is told at once', async () => {
  const gone = new URL(bench.url);
  gone.pathname = '/no_such_database';
  for (const [url, code] of [
    [gone.href, 'no_database'],
    [(await createEmpty()).url, 'not_migrated'],
  ] as const) {
    // By no pooler, which takes every login in, and answers as it does where the server is away.
    const worker = await spawnWorker({ QM_DATABASE_URL: url, QM_DIRECT_DATABASE_URL: url });
    expect(await worker.ended).toBe(78);
    expect(JSON.stringify(worker.lines)).toContain(`[${code}]`);
    expect(worker.lines.some(waits)).toBe(false);
  }
});

async function createEmpty(): Promise<TestDatabase> {
  const database = await createDatabase({ migrated: false });
  onTestFinished(() => database.drop());
  return database;
}
