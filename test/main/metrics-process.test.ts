import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { openDatabase } from '../../src/db/database.ts';
import { createKey } from '../../src/ledger/keys.ts';
import { createLedger } from '../../src/ledger/ledgers.ts';
import { installQueues } from '../../src/main/house.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { catalogue } from '../../src/platform/metrics.ts';
import type { processMetrics } from '../../src/platform/process-metrics.ts';
import { ensureQuarters } from '../ledger/quarters.ts';
import { samplesIn } from '../platform/metrics-samples.ts';
import { allowedOf, labelValues, type Values } from '../platform/metrics-values.ts';
import { query } from '../support/embedded.ts';
import { checkMetrics, hasPromtool } from '../support/promtool.ts';
import { type Replication, startReplication } from '../support/replica.ts';
import { openStallingProxy, type StallingProxy } from '../support/stalling-proxy.ts';
import { type ApiProcess, call, startApi } from './api-process.ts';
import { startWorker, type WorkerProcess } from './worker-process.ts';

let servers: Replication;
let proxy: StallingProxy;
let api: ApiProcess;
let worker: WorkerProcess;
let token: string;
let store: string;
/** What the two had to tell after the traffic below. */
let pages: { api: string; worker: string };

const pageOf = async ({ url }: { url: string }) => (await fetch(`${url}/metrics`)).text();
/** Waits until its page has these samples. */
const tells = (process: { url: string }, samples: object) =>
  vi.waitFor(async () => expect(samplesIn(await pageOf(process))).toMatchObject(samples), {
    timeout: 60_000,
    interval: 50,
  });
const ledger = '/v1/ledgers/main';
const payment = (from: string, to: string, amount: string) => ({
  postings: [{ from, to, amount, currency: 'EUR' }],
});

beforeAll(async () => {
  servers = await startReplication();
  store = await mkdtemp(join(tmpdir(), 'quartermaster-metrics-'));
  proxy = await openStallingProxy(servers.primary.url);
  const settings = { QM_DATABASE_URL: servers.primary.url, QM_STORE: pathToFileURL(store).href };
  const pod = { version: '1.2.3', clock: systemClock, signal: new AbortController().signal };
  await installQueues(readConfig(settings), createLogger('silent'), pod);
  const database = openDatabase({ databaseUrl: servers.primary.url, poolMax: 2 });
  await createLedger(database.write, 'main');
  const now = systemClock.now();
  await ensureQuarters(database, 'UTC', new Date(now.getTime() - 100 * 86_400_000), now);
  ({ token } = await createKey(database.write, { name: 'ada', roles: ['admin'], ledgers: null }));
  await database.close();
  api = await startApi({ ...settings, QM_DATABASE_URL: proxy.url, QM_REPLICA_URL: servers.replica.url });
  await traffic();
  worker = await startWorker(
    { QM_LOG_LEVEL: 'error', ...settings, QM_REINDEX: 'off' },
    { untilTestEnds: false },
  );
  await tells(worker, { 'job_duration_seconds_count{job_name="reconcile-partitions",outcome="done"}': 1 });
  await tells(api, { 'ready{process="api"}': 1 });
  await tells(worker, { 'ready{process="worker"}': 1 });
  pages = { api: await pageOf(api), worker: await pageOf(worker) };
}, 120_000);

afterAll(async () => {
  // It may hang on a database that does not answer.
  api?.child.kill('SIGKILL');
  worker?.child.kill('SIGTERM');
  await api?.ended;
  await worker?.ended;
  await proxy?.close();
  await servers?.stop();
  if (store) await rm(store, { recursive: true });
});

/** Something of everything an API counts. */
async function traffic(): Promise<void> {
  const ask = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
    call(api.url, token, method, `${ledger}${path}`, body, headers);
  const accounts = ['bank:CASH', 'bank:LOADED', 'ann:WALLET', 'ann:LOADED'].map((account) => ({
    account,
    currency: 'EUR',
    min_balance: account.startsWith('bank') ? null : '0',
  }));
  expect((await ask('POST', '/accounts/batch', { accounts })).status).toBe(200);
  const key = { 'idempotency-key': 'one' };
  for (const _ of [1, 2])
    expect((await ask('POST', '/transactions', payment('bank:CASH', 'ann:WALLET', '5'), key)).status).toBe(
      201,
    );
  expect((await ask('POST', '/transactions', payment('ann:WALLET', 'bank:CASH', '9'))).status).toBe(422);
  const day = systemClock.now().toISOString().slice(0, 10);
  const rows = [1, 2].map((n) => `${day},bank:LOADED,ann:LOADED,${n},EUR`);
  const text = [
    'created_at,debit_account,credit_account,amount,currency',
    ...rows,
    'never,a:A,b:B,1,EUR',
    '',
  ];
  const loaded = await fetch(`${api.url}${ledger}/loads?id=first`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'text/csv' },
    body: text.join('\n'),
  });
  expect(await loaded.json()).toMatchObject({ code: 'bad_row' });
  await servers.replica.caughtUp();
  await tells(api, { 'replica_state{state="ok"}': 1 });
  expect((await ask('GET', '/transactions?user_id=u')).status).toBe(200);
  expect((await call(api.url, token, 'GET', '/no/such/path')).status).toBe(404);
  // The sessions of the API end, as when PostgreSQL is restarted.
  const ended = await query(
    servers.primary.adminUrl,
    `SELECT count(pg_terminate_backend(pid))::int AS n FROM pg_stat_activity
     WHERE application_name = 'quartermaster' AND state = 'idle'`,
  );
  expect(ended).toMatchObject([{ n: expect.toSatisfy((n: number) => n > 0) }]);
  await tells(api, {
    'database_errors_total{pool="write",class="connection"}': expect.toSatisfy((n: number) => n > 0),
  });
}

type Samples = Record<string, number>;

/** The sum over the series of a metric whose labels are these. */
function sum(samples: Samples, name: string, ...labels: string[]): number | undefined {
  const found = Object.entries(samples).filter(
    ([sample]) => sample.replace(/\{.*/, '') === name && labels.every((label) => sample.includes(label)),
  );
  return found.length === 0 ? undefined : found.reduce((total, [, value]) => total + value, 0);
}

/** Whether the metric has a value that makes sense after the traffic: of the API's samples, and of the worker's. */
const sensible: Record<keyof typeof processMetrics, (api: Samples, worker: Samples) => boolean> = {
  build_info: (a, w) =>
    sum(a, 'build_info', 'process="api"') === 1 && sum(w, 'build_info', 'process="worker"') === 1,
  ready: (a, w) => a['ready{process="api"}'] === 1 && w['ready{process="worker"}'] === 1,
  switched_off: (a, w) =>
    sum(a, 'switched_off') === undefined && w['switched_off{setting="QM_REINDEX"}'] === 1,
  http_request_duration_seconds: (a) =>
    (sum(a, 'http_request_duration_seconds_count', 'route="/v1/ledgers/:ledger/transactions"') ?? 0) >= 4 &&
    sum(a, 'http_request_duration_seconds_count', 'route="unknown"', 'status="404"') === 1 &&
    (sum(a, 'http_request_duration_seconds_sum') ?? 0) > 0,
  http_requests_in_flight: (a) => a.http_requests_in_flight === 0,
  posting_transactions_total: (a) =>
    sum(a, 'posting_transactions_total', 'outcome="booked"') === 1 &&
    sum(a, 'posting_transactions_total', 'outcome="replayed"') === 1 &&
    sum(a, 'posting_transactions_total', 'reason="insufficient_funds"') === 1,
  posting_replays_total: (a) => a.posting_replays_total === 1,
  posting_batch_size: (a) => a.posting_batch_size_sum === 3 && a.posting_batch_size_count === 3,
  posting_batch_duration_seconds: (a) =>
    sum(a, 'posting_batch_duration_seconds_count', 'outcome="posted"') === 3 &&
    (sum(a, 'posting_batch_duration_seconds_sum') ?? 0) > 0,
  posting_batches_in_flight: (a) => a.posting_batches_in_flight === 0,
  posting_wait_seconds: (a) => a.posting_wait_seconds_count === 3,
  posting_queue_transactions: (a) => a.posting_queue_transactions === 0,
  posting_queue_limit: (a) => a.posting_queue_limit === 10_000,
  load_rows_total: (a) =>
    sum(a, 'load_rows_total', 'outcome="booked"') === 2 &&
    sum(a, 'load_rows_total', 'outcome="rejected"') === 1,
  database_connections: (a, w) =>
    (sum(a, 'database_connections', 'pool="replica"') ?? 0) >= 1 &&
    (sum(w, 'database_connections', 'pool="direct"') ?? 0) >= 1,
  database_connections_limit: (a) =>
    sum(a, 'database_connections_limit', 'pool="write"') === 10 &&
    sum(a, 'database_connections_limit', 'pool="probe"') === 1,
  database_callers_waiting: (a, w) =>
    sum(a, 'database_callers_waiting') === 0 && (sum(w, 'database_callers_waiting') ?? -1) >= 0,
  database_acquire_duration_seconds: (a, w) =>
    ['write', 'replica', 'probe'].every(
      (pool) => (sum(a, 'database_acquire_duration_seconds_count', `pool="${pool}"`) ?? 0) > 0,
    ) && (sum(w, 'database_acquire_duration_seconds_count', 'pool="direct"') ?? 0) > 0,
  database_errors_total: (a) =>
    (sum(a, 'database_errors_total', 'pool="write"', 'class="connection"') ?? 0) > 0 &&
    sum(a, 'database_errors_total', 'class="other"') === 0,
  database_retries_total: (a, w) =>
    sum(a, 'database_retries_total', 'class="deadlock"') === 0 && sum(w, 'database_retries_total') === 0,
  replica_lag_seconds: (a, w) => (a.replica_lag_seconds ?? -1) >= 0 && w.replica_lag_seconds === undefined,
  replica_state: (a) => sum(a, 'replica_state') === 1 && sum(a, 'replica_state', 'state="ok"') === 1,
  reads_total: (a) => sum(a, 'reads_total', 'kind="list"', 'server="replica"') === 1,
  job_duration_seconds: (_, w) => (sum(w, 'job_duration_seconds_count', 'outcome="done"') ?? 0) >= 1,
  job_wait_seconds: (_, w) => sum(w, 'job_wait_seconds_count', 'job_name="reconcile-partitions"') === 1,
  job_takeovers_total: (a, w) =>
    sum(a, 'job_takeovers_total') === undefined && sum(w, 'job_takeovers_total') === 0,
  jobs_in_progress: (_, w) => sum(w, 'jobs_in_progress', 'job_name="reconcile-partitions"') === 0,
  // Nobody was in the way.
  blocked_by_age_seconds: (a, w) =>
    sum(a, 'blocked_by_age_seconds') === undefined && sum(w, 'blocked_by_age_seconds') === undefined,
  lock_timeouts_total: (_, w) => sum(w, 'lock_timeouts_total') === 0,
  fixity_failures_total: (_, w) => w.fixity_failures_total === 0,
  summaries_differences_total: (_, w) => w.summaries_differences_total === 0,
};

describe('an API and a worker', () => {
  it.each(Object.entries(sensible))('tell %s', (name, isSensible) => {
    const [ofApi, ofWorker] = [samplesIn(pages.api), samplesIn(pages.worker)];
    const shown = (samples: Samples) =>
      Object.entries(samples).filter(([sample]) => sample.startsWith(name) && !sample.includes('_bucket'));
    expect([isSensible(ofApi, ofWorker), shown(ofApi), shown(ofWorker)]).toEqual([
      true,
      shown(ofApi),
      shown(ofWorker),
    ]);
  });

  it('have no metric and no value of a label that docs/metrics.md does not have', () => {
    const values: Partial<Record<string, Record<string, Values>>> = labelValues;
    const strange: string[] = [];
    for (const sample of Object.keys({ ...samplesIn(pages.api), ...samplesIn(pages.worker) })) {
      const full = sample.replace(/\{.*/, '');
      const name = full in catalogue ? full : full.replace(/_(bucket|sum|count)$/, '');
      if (!(name in catalogue)) strange.push(sample);
      for (const [, label = '', value = ''] of sample.matchAll(/([a-z_]+)="([^"]*)"/g)) {
        const allowed = allowedOf(values[name]?.[label]);
        const isKnown = label === 'le' || (values[name]?.[label] !== undefined && allowed === undefined);
        if (!isKnown && !allowed?.includes(value)) strange.push(sample);
      }
    }
    expect(strange).toEqual([]);
  });

  // Where it is not installed nothing is shown; .ci/run installs it.
  it.skipIf(!hasPromtool())('have pages that promtool has nothing to say about', async () => {
    expect(await checkMetrics(pages.api)).toBe('');
    expect(await checkMetrics(pages.worker)).toBe('');
    expect(await checkMetrics('# TYPE quartermaster_x_ms gauge\nquartermaster_x_ms 1\n')).not.toBe('');
  });

  it('go on telling while the database does not answer', async () => {
    proxy.stall();
    const hanging = call(
      api.url,
      token,
      'POST',
      `${ledger}/transactions`,
      payment('bank:CASH', 'ann:WALLET', '5'),
    );
    hanging.catch(() => {});
    await tells(api, { http_requests_in_flight: 1, posting_queue_limit: 10_000 });
    // Nobody has asked whether it is ready: it finds out by itself.
    await tells(api, { 'ready{process="api"}': 0 });
  });
});
