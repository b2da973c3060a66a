import { afterEach, expect, it } from 'vitest';
import { fixedClock } from '../../src/core/clock.ts';
import { AppError } from '../../src/core/errors.ts';
import { measured } from '../../src/main/measured.ts';
import { createMetricsServer } from '../../src/main/metrics-server.ts';
import { createBlockedWatches } from '../../src/platform/blocked.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import type { ReadinessCheck } from '../../src/platform/readiness.ts';
import type { Service } from '../../src/platform/service.ts';
import { type Job, type JobRun, maintenanceQueue } from '../../src/queue/job.ts';
import { freePort } from '../support/free-port.ts';

const logger = createLogger('silent');
const metrics = createMetrics();
const watchBlocked = createBlockedWatches(metrics, fixedClock('2026-05-05T12:00:00Z'));
const services: Service[] = [];

afterEach(async () => {
  for (const service of services.splice(0)) await service.stop();
});

async function serve(port: number, checks: readonly ReadinessCheck[] = []): Promise<string> {
  const options = { host: '127.0.0.1', port, version: '1.2.3', logger, checks };
  const service = createMetricsServer(metrics.page, options);
  await service.start();
  services.push(service);
  return `http://127.0.0.1:${port}`;
}

it('serves metrics and health, and nothing else', async () => {
  const address = await serve(await freePort());
  const page = await fetch(`${address}/metrics`);
  expect([page.status, page.headers.get('content-type')]).toEqual([200, metrics.page.contentType]);
  expect(await page.text()).toContain('# TYPE quartermaster_build_info gauge');
  expect(await (await fetch(`${address}/healthz?x=1`)).json()).toEqual({ status: 'ok', version: '1.2.3' });
  expect((await fetch(`${address}/other`)).status).toBe(404);
  expect((await fetch(`${address}/metrics`, { method: 'POST' })).status).toBe(405);
});

it('is ready when every check is, tells which is not, and waits for none', async () => {
  const held = Promise.withResolvers<void>();
  let database: () => Promise<void> = async () => {};
  const checks = [
    { name: 'database', check: () => database() },
    { name: 'jobs', check: async () => {} },
  ];
  const address = await serve(await freePort(), checks);
  const ask = async () => {
    const response = await fetch(`${address}/readyz`);
    return [response.status, (await response.json()) as { checks: unknown[] }] as const;
  };
  const jobs = { name: 'jobs', ok: true };
  const well = [{ name: 'database', ok: true }, jobs];
  expect(await ask()).toEqual([200, { status: 'ready', checks: well }]);
  database = () => held.promise;
  expect(await ask()).toEqual([
    503,
    {
      type: 'urn:quartermaster:problem:not_ready',
      title: 'Not ready',
      status: 503,
      detail: 'Not well: database.',
      code: 'not_ready',
      instance: expect.stringMatching(/^urn:quartermaster:request:[0-9a-f-]{36}$/),
      checks: [{ name: 'database', ok: false, code: 'check_timeout' }, jobs],
    },
  ]);
  held.reject(new AppError('config', 'schema_newer', 'It is.'));
  expect((await ask())[1].checks).toEqual([{ name: 'database', ok: false, code: 'schema_newer' }, jobs]);
  database = async () => {};
  expect((await ask())[0]).toBe(200);
});

it('keeps no worker from working when its port is taken, or is to be none', async () => {
  const port = await freePort();
  await serve(port);
  await serve(port);
  await serve(0);
});

it('counts what becomes of a job, and who was in its way while it ran', async () => {
  const run: JobRun = { id: '1', signal: new AbortController().signal, logger, onProgress: () => {} };
  const job = (name: string, handle: Job['handle']) =>
    measured({ name, queue: maintenanceQueue(name), handle }, metrics, watchBlocked);
  const gauge = 'blocked_by_age_seconds{relation="ledger.entries"} 7';
  const heard: unknown[] = [];
  await job('detach', async (_data, own) => {
    own.onBlocked?.(
      ['ledger.entries_2024q1'],
      [{ pid: 1, application: '', state: '', transactionAge: 7 }],
      1,
      'long',
    );
    expect(await metrics.page.render()).toContain(gauge);
    return {};
  }).handle({}, { ...run, onBlocked: (relations) => heard.push(relations) });
  expect(heard).toEqual([['ledger.entries_2024q1']]);
  const damaged = job('verify', async () => {
    throw new AppError('corrupt', 'archive_damaged', 'It is.');
  });
  await expect(damaged.handle({}, run)).rejects.toThrow('archive_damaged');
  const gone = job('drop', async () => {
    throw new AppError('not_found', 'not_in_store', 'It is not.');
  });
  await expect(gone.handle({}, run)).rejects.toThrow('not_in_store');
  const two = [{ quarter: '2024q1' }, { quarter: '2024q2' }];
  await job('check-fixity', async () => ({ damaged: two, chain: { code: 'archive_damaged' } })).handle(
    {},
    run,
  );
  const claim = { readySeconds: 90, isTakeover: false };
  await job('analyze-partitions', async () => ({})).handle({}, { ...run, claim });
  await job('analyze-partitions', async () => ({})).handle(
    {},
    { ...run, claim: { ...claim, isTakeover: true } },
  );
  const text = await metrics.page.render();
  expect(text).not.toContain(gauge);
  // In the foreground nothing was waited for.
  expect(text).not.toContain('job_wait_seconds_count{job_name="detach"}');
  for (const line of [
    'job_duration_seconds_count{job_name="detach",outcome="done"} 1',
    'job_duration_seconds_count{job_name="verify",outcome="corrupt"} 1',
    'jobs_in_progress{job_name="detach"} 0',
    'job_wait_seconds_sum{job_name="analyze-partitions"} 180',
    'job_takeovers_total{job_name="analyze-partitions"} 1',
    'fixity_failures_total 5',
  ])
    expect(text).toContain(`quartermaster_${line}`);
});
