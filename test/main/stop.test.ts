import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { createKey } from '../../src/ledger/keys.ts';
import { createEntry } from '../../src/main/entry.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { type Book, brokenRules, openBook } from '../ledger/fixture.ts';
import { openCuttingProxy } from '../support/cutting-proxy.ts';
import { freePort } from '../support/free-port.ts';
import { call } from './api-process.ts';
import { health, type Running, spawnCommand } from './process.ts';
import { startWorker } from './worker-process.ts';

let book: Book;
let token: string;
beforeAll(async () => {
  book = await openBook();
  // Its queues too.
  const entry = createEntry({ version: '0', clock: systemClock, signal: new AbortController().signal });
  await entry.migrateUp(readConfig({ QM_DATABASE_URL: book.url }), createLogger('silent'));
  await book.ensureQuarters(new Date(), new Date(Date.now() + 3_600_000));
  await book.open(
    { address: 'bank:CASH', currency: 'EUR', minBalance: null },
    { address: 'till:CASH', currency: 'EUR', minBalance: 0n },
  );
  ({ token } = await createKey(book.db, { name: 'test', roles: ['writer'], ledgers: null }));
});
afterAll(() => book.close());

async function startPod(environment: Record<string, string>): Promise<Running & { url: string }> {
  const port = String(await freePort());
  const pod = spawnCommand(['api'], {
    QM_DATABASE_URL: book.url,
    QM_PORT: port,
    QM_LOG_LEVEL: 'warn',
    ...environment,
  });
  await pod.said(({ text }) => text?.includes('listens on') === true);
  return { ...pod, url: `http://127.0.0.1:${port}` };
}

function pay(url: string, reference: string) {
  const posting = { from: 'bank:CASH', to: 'till:CASH', amount: '1', currency: 'EUR' };
  const body = { postings: [posting], reference_code: reference };
  return call(url, token, 'POST', '/v1/ledgers/main/transactions', body);
}

it('an API replaced by another under load answers all that it was asked, and nothing is booked twice', {
  timeout: 120_000,
}, async () => {
  const [leaving, staying] = await Promise.all([
    startPod({ QM_DRAIN: '3', QM_STOP_WITHIN: '20' }),
    startPod({}),
  ]);
  let target = leaving.url;
  let goesOn = true;
  /** As a load balancer, which sends on to a pod until it hears that this one is not ready. */
  const balancing = (async () => {
    while ((await health(leaving.url, 'readyz')).status === 200) await delay(50);
    target = staying.url;
  })();
  const moved = new Map<string, number>([
    [leaving.url, 0],
    [staying.url, 0],
  ]);
  const clients = Array.from({ length: 16 }, async (_, client) => {
    for (let n = 0; goesOn; n++) {
      // Nobody tries again: each request must be answered the first time.
      const url = target;
      const answer = await pay(url, `${client}-${n}`);
      expect(answer.status).toBe(201);
      moved.set(url, (moved.get(url) ?? 0) + 1);
    }
  });
  const all = Promise.all(clients);
  const answered = (url: string, least: number) =>
    Promise.race([
      expect.poll(() => moved.get(url), { timeout: 60_000 }).toBeGreaterThan(least),
      // A client that fails ends the test at once.
      all,
    ]);
  await answered(leaving.url, 200);
  const begun = performance.now();
  leaving.child.kill('SIGTERM');
  expect(await Promise.race([leaving.ended, all])).toBe(0);
  expect(performance.now() - begun).toBeLessThan(20_000);
  await balancing;
  await answered(staying.url, 200);
  goesOn = false;
  await all;

  const asked = [...moved.values()].reduce((sum, count) => sum + count, 0);
  const { rows } = await sql<{ transactions: bigint; references: bigint }>`
    SELECT count(*) AS transactions, count(DISTINCT reference_code) AS references
    FROM ledger.transactions`.execute(book.db);
  expect(rows).toEqual([{ transactions: BigInt(asked), references: BigInt(asked) }]);
  expect(await brokenRules(book.db)).toEqual([]);
  expect(leaving.lines.filter(({ level }) => level === 'error')).toEqual([]);
});

it('a second signal ends a process that waits for somebody', async () => {
  const pod = await startPod({});
  // Whoever holds the balance keeps the posting waiting, and the posting the process.
  const held = await book.db.startTransaction().execute();
  onTestFinished(async () => {
    await held.rollback().execute();
  });
  await sql`SELECT account_id FROM ledger.balances FOR UPDATE`.execute(held);
  const lost = expect(pay(pod.url, 'held')).rejects.toThrow();
  await expect
    .poll(async () => {
      const { rows } = await sql`
        SELECT 1 FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND datname = current_database()`.execute(book.db);
      return rows.length;
    })
    .toBeGreaterThan(0);
  pod.child.kill('SIGTERM');
  // It has begun to stop when it takes nobody in any more.
  await expect
    .poll(() => health(pod.url, 'healthz').catch(() => 'closed'), { timeout: 10_000 })
    .toBe('closed');
  pod.child.kill('SIGTERM');
  expect(await pod.ended).toBe(143);
  await lost;
});

it('a process ends in its time though the database does not answer, and says that not all had ended', {
  timeout: 60_000,
}, async () => {
  const proxy = await openCuttingProxy(book.url);
  onTestFinished(() => proxy.close());
  const environment = { QM_DATABASE_URL: proxy.url, QM_STOP_WITHIN: '6' };
  const worker = await startWorker(environment);
  const api = await startPod(environment);
  await expect.poll(async () => (await health(api.url, 'readyz')).status, { timeout: 20_000 }).toBe(200);
  proxy.stall();
  // Now the worker looks for work, and is not answered.
  await expect.poll(async () => (await health(worker.url, 'readyz')).status, { timeout: 20_000 }).toBe(503);
  const asked = call(api.url, token, 'GET', '/v1/ledgers').catch(() => 'cut off');
  const begun = performance.now();
  for (const { child } of [worker, api]) child.kill('SIGTERM');
  expect(await Promise.all([worker.ended, api.ended])).toEqual([69, 0]);
  expect(performance.now() - begun).toBeLessThan(6000);
  expect(JSON.stringify(worker.lines)).toContain('[stop_timeout]');
  expect(await asked).toBe('cut off');
});
