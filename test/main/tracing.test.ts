import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { nextName } from '../../src/core/quarter.ts';
import { createKey } from '../../src/ledger/keys.ts';
import { createLedger } from '../../src/ledger/ledgers.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { openHouse } from '../jobs/desk-fixture.ts';
import { useQueueBench } from '../queue/harness.ts';
import { startCollector } from '../support/collector.ts';
import { call, startApi } from './api-process.ts';
import { startWorker } from './worker-process.ts';

const bench = useQueueBench({ migrated: true });

const traceId = 'a'.repeat(32);
const traceparent = `00-${traceId}-${'b'.repeat(16)}-01`;

it('a trace goes on from the caller through the API and its batch to the worker', {
  timeout: 90_000,
}, async () => {
  const { house } = await openHouse(bench, {}, systemClock);
  const db = bench.database.write;
  const collector = await startCollector();
  onTestFinished(() => collector.stop());
  const env = {
    QM_DATABASE_URL: bench.url,
    QM_STORE: house.config.store,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_SERVICE_NAME: 'ledger-under-test',
    OTEL_RESOURCE_ATTRIBUTES: 'k8s.pod.name=pod-1',
    OTEL_BSP_SCHEDULE_DELAY: '100',
  };
  await createLedger(db, 'main');
  const now = house.clock.now();
  const quarter = nextName(house.calendar.quarterOf(now).name, -1);
  await ensureQuarters(house.quarters, { actor: 'test' }, house.calendar.quarter(quarter).start, now);
  const { token } = await createKey(db, { name: 'ada', roles: ['admin', 'finance'], ledgers: null });
  const api = await startApi(env);
  onTestFinished(async () => {
    api.child.kill('SIGTERM');
    await api.ended;
  });
  const post = (path: string, body: object) => call(api.url, token, 'POST', path, body, { traceparent });
  const found = (name: string) => collector.spans.filter((span) => span.name === name);

  const account = { account: 'bank:BANK', currency: 'EUR', min_balance: null };
  await post('/v1/ledgers/main/accounts', account);
  await post('/v1/ledgers/main/accounts', { ...account, account: 'ann:WALLET' });
  const payment = { postings: [{ from: 'bank:BANK', to: 'ann:WALLET', amount: '5', currency: 'EUR' }] };
  const posted = await post('/v1/ledgers/main/transactions', payment);
  expect(posted.status).toBe(201);
  const route = 'POST /v1/ledgers/:ledger/transactions';
  await expect
    .poll(() => [found(route).length, found('post batch').length], { timeout: 10_000 })
    .toEqual([1, 1]);
  const [request] = found(route);
  expect(request).toMatchObject({
    traceId,
    parentId: 'b'.repeat(16),
    failed: false,
    attributes: {
      'http.route': '/v1/ledgers/:ledger/transactions',
      'http.response.status_code': '201',
      'quartermaster.request_id': posted.headers.get('x-request-id'),
    },
  });
  const [batch] = found('post batch');
  expect(batch?.links).toEqual([request?.spanId]);
  expect(batch?.traceId).not.toBe(traceId);
  expect(collector.resource).toMatchObject({
    'service.name': 'ledger-under-test',
    'k8s.pod.name': 'pod-1',
    'service.version': expect.any(String),
  });

  // What a request asks a worker to do is part of its trace, in another process.
  expect((await post(`/v1/quarters/${quarter}/close`, {})).status).toBe(202);
  const { lines } = await startWorker(env);
  await expect.poll(() => found('job close').length, { timeout: 30_000 }).toBe(1);
  const [job] = found('job close');
  expect(job).toMatchObject({ traceId, failed: false });
  // The line of the job leads back to the trace.
  const done = () => lines.find(({ msg, job: name }) => msg === 'job done' && name === 'close');
  await expect.poll(done, { timeout: 10_000 }).toMatchObject({
    job_id: job?.attributes['quartermaster.job_id'],
    trace_id: traceId,
    span_id: job?.spanId,
  });
});

it('a collector that is away costs no request and no pod its end', { timeout: 60_000 }, async () => {
  const collector = await startCollector();
  await collector.stop();
  const api = await startApi({
    QM_DATABASE_URL: bench.url,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '50',
  });
  const { token } = await createKey(bench.database.write, { name: 'eve', roles: ['reader'], ledgers: null });
  for (let i = 0; i < 20; i++) expect((await call(api.url, token, 'GET', '/v1/ledgers')).status).toBe(200);
  api.child.kill('SIGTERM');
  expect(await api.ended).toEqual([0, null]);
});
