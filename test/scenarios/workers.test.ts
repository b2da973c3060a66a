import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, expect, it } from 'vitest';
import { openTown, type Town } from './support.ts';

let town: Town | undefined;
const children = new Set<ChildProcess>();

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await town?.drop();
  town = undefined;
});

/** A worker in a process of its own, under the machine's clock. `lines` is what it logs. */
function startWorker(env: Record<string, string>): {
  child: ChildProcess;
  ended: Promise<unknown>;
  lines(): string;
} {
  const cli = join(import.meta.dirname, '..', '..', 'src', 'main', 'cli.ts');
  const plain = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('QM_')));
  const child = spawn(process.execPath, [cli, 'worker'], {
    env: { ...plain, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      log += chunk;
    });
  const ended = once(child, 'exit').finally(() => children.delete(child));
  return { child, ended, lines: () => log };
}

async function freePort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return String(port);
}

async function until(what: () => Promise<boolean>): Promise<void> {
  while (!(await what())) await new Promise((resolve) => setTimeout(resolve, 100));
}

/** The first instants of the quarter before this one and of the two before that. */
function pastQuarters(now: Date): string[] {
  return [3, 6, 9].map((months) =>
    new Date(Date.UTC(now.getUTCFullYear(), Math.floor(now.getUTCMonth() / 3) * 3 - months, 1)).toISOString(),
  );
}

it('two workers take quarters through their lives together, each step once, and tell who was in the way', async () => {
  const env = {
    QM_ONLINE_QUARTERS: '1',
    QM_CLOSE_AFTER_DAYS: '0',
    QM_DROP_QUARTERS: 'off',
    QM_DROP_AFTER_DAYS: '3660',
  };
  town = await openTown({ env });
  const now = new Date();
  await town.pay(pastQuarters(now), now.toISOString());
  const reader = new pg.Client({ connectionString: town.url });
  reader.on('error', () => {});
  await reader.connect();
  await reader.query('BEGIN; SELECT count(*) FROM ledger.transactions; SELECT count(*) FROM ledger.entries');

  const [first, second] = [await freePort(), await freePort()];
  const workers = [first, second].map((QM_WORKER_PORT) =>
    startWorker({ ...(town as Town).env, ...env, QM_WORKER_PORT, QM_LOG_LEVEL: 'info' }),
  );
  await until(async () => workers.every(({ lines }) => lines().includes('The worker runs')));
  // What the schedule does every night.
  await town.ok('run quarter-tick', new Date().toISOString());
  const metrics = async () =>
    (
      await Promise.all(
        [first, second].map((port) =>
          fetch(`http://127.0.0.1:${port}/metrics`).then(
            (answer) => answer.text(),
            () => '',
          ),
        ),
      )
    ).join('\n');
  await until(async () =>
    (await metrics()).includes('quartermaster_blocked_by_age_seconds{relation="ledger.trans'),
  );
  const [{ pid }] = (await reader.query('SELECT pg_backend_pid() AS pid')).rows;
  expect(workers.map(({ lines }) => lines()).join('')).toContain(`"pid":${pid}`);
  expect(await metrics()).toMatch(/quartermaster_horizon_seconds \d{6,}/);
  // Nobody stands behind the detach that waits.
  await town.pay([new Date(Date.now() - 1000).toISOString()], new Date().toISOString());
  await reader.query('COMMIT');
  await reader.end();

  const here = town;
  await until(async () => {
    const [{ n }] = await here.sql(
      `SELECT count(*)::int AS n FROM quartermaster.quarters WHERE state = 'detached'`,
    );
    return n === 3;
  });
  await until(async () => !(await metrics()).includes('quartermaster_blocked_by_age_seconds{'));
  const events = await here.sql(`
    SELECT quarter, event, count(*)::int AS n FROM quartermaster.quarter_events
    WHERE event <> 'verify' GROUP BY 1, 2 HAVING count(*) > 1`);
  expect(events).toEqual([]);
  const done = [
    ...(await metrics()).matchAll(/job_duration_seconds_count\{job_name="detach",outcome="done"\} (\d+)/g),
  ];
  expect(done.reduce((sum, [, n]) => sum + Number(n), 0)).toBeGreaterThanOrEqual(3);
  for (const { child } of workers) child.kill('SIGTERM');
  expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([
    [0, null],
    [0, null],
  ]);
  expect(await here.ok('reconcile --fix', new Date().toISOString())).toMatchObject({ drift: [], fixed: [] });
}, 180_000);
