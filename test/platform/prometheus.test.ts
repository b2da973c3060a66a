import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../src/platform/config.ts';
import { readAlerts } from '../../src/platform/prometheus.ts';
import { hasPrometheus, startPrometheus } from '../support/prometheus.ts';

const rules = join(import.meta.dirname, '../../helm/quartermaster/files/alerts.yaml');

/** A server that answers as the test wants. */
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const json =
  (value: unknown): RequestListener =>
  (_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(value));
  };

const groups = (...some: unknown[]) => ({ status: 'success', data: { groups: [{ rules: some }] } });

const firing = {
  name: 'QuartermasterHorizonLow',
  type: 'alerting',
  state: 'firing',
  labels: { severity: 'warning' },
  annotations: { summary: '{{ $value }}', runbook_url: 'docs/runbooks/horizon.md' },
  alerts: [
    {
      state: 'firing',
      activeAt: '2026-08-01T10:00:00.5Z',
      labels: { alertname: 'QuartermasterHorizonLow', severity: 'warning', release: 'books' },
      annotations: { summary: 'Writes have partitions for 3d.', runbook_url: 'https://wiki/horizon' },
    },
  ],
};

describe('the alerts of a Prometheus', () => {
  it('are asked for where it is served, and told the firing ones first', async () => {
    const asked: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      asked.push(request.url);
      json(
        groups(
          { name: 'QuartermasterDrift', state: 'inactive', labels: { severity: 'warning' }, alerts: [] },
          { ...firing, alerts: [{ ...firing.alerts[0], state: 'pending' }] },
          { name: 'SomebodyElses', state: 'firing', alerts: firing.alerts },
          { ...firing, name: 'QuartermasterOther' },
        ),
      )(request, response);
    });
    const alerts = await readAlerts(`${url}/behind/a/proxy/`);
    expect(asked).toEqual(['/behind/a/proxy/api/v1/rules?type=alert']);
    const active = {
      severity: 'warning',
      since: new Date('2026-08-01T10:00:00.5Z'),
      summary: 'Writes have partitions for 3d.',
      runbook: 'https://wiki/horizon',
    };
    expect(alerts).toEqual([
      { name: 'QuartermasterOther', state: 'firing', ...active },
      { name: 'QuartermasterHorizonLow', state: 'pending', ...active },
      {
        ...{ name: 'QuartermasterDrift', state: 'inactive', severity: 'warning' },
        ...{ since: null, summary: null, runbook: null },
      },
    ]);
  });

  it('are taken from one that lies only as far as they are what they should be', async () => {
    const url = await serve(
      json(
        groups(
          null,
          17,
          { name: 4 },
          { name: 'QuartermasterDrift\u202e' },
          {
            ...firing,
            alerts: [
              {
                state: 'on fire',
                activeAt: 'yesterday',
                labels: 'none',
                annotations: { summary: 'x'.repeat(5000), runbook_url: 'javascript:alert(1)' },
              },
            ],
          },
          {
            name: 'QuartermasterOther',
            alerts: 'many',
            annotations: { runbook_url: 'docs/runbooks/../../x' },
          },
        ),
      ),
    );
    expect(await readAlerts(url)).toEqual([
      {
        ...{ name: 'QuartermasterHorizonLow', state: 'pending', severity: 'warning', since: null },
        summary: 'x'.repeat(1000),
        runbook: 'docs/runbooks/horizon.md',
      },
      {
        ...{ name: 'QuartermasterOther', state: 'inactive', severity: null, since: null },
        ...{ summary: null, runbook: null },
      },
    ]);
  });

  const odd: [string, RequestListener, RegExp][] = [
    ['says it has failed', (_, response) => void response.writeHead(503).end('down'), /status 503/],
    [
      'sends elsewhere',
      (_, response) => void response.writeHead(302, { location: 'http://x' }).end(),
      /status 302/,
    ],
    ['is no Prometheus', (_, response) => void response.end('<html>'), /no JSON/],
    ['answers with an error', json({ status: 'error', error: 'no' }), /not that of a Prometheus/],
    ['has no groups', json({ status: 'success', data: [] }), /not that of a Prometheus/],
    ['breaks off', (request) => void request.socket.destroy(), /cannot be reached/],
    ['says nothing', () => {}, /within 0.3 seconds/],
    [
      'never ends',
      (_, response) => {
        response.write('{"a":"');
        const more = () => response.write('x'.repeat(1 << 16), () => setImmediate(more));
        more();
      },
      /larger than 100000 bytes/,
    ],
    [
      'goes on and on, a byte at a time',
      (_, response) => {
        const timer = setInterval(() => response.write(' '), 20);
        response.once('close', () => clearInterval(timer));
      },
      /within 0.3 seconds/,
    ],
  ];
  it.each(odd)('are not known from one that %s', async (_what, answer, why) => {
    const url = await serve(answer);
    const error = await readAlerts(url, { timeoutMs: 300, maxBytes: 100_000 }).catch((thrown) => thrown);
    expect(error).toMatchObject({ kind: 'unavailable', code: 'prometheus_failed' });
    expect(error.detail).toMatch(why);
    expect(error.detail).not.toContain('127.0.0.1');
  });

  it('are those of our rules in a real one', async (context) => {
    if (!(await hasPrometheus())) return context.skip('prometheus is not installed');
    const prometheus = await startPrometheus({ jobs: {}, rules: [rules] });
    onTestFinished(() => prometheus.stop());
    const pending = async () =>
      (await readAlerts(prometheus.url)).filter(({ state }) => state === 'pending').map(({ name }) => name);
    // It sees no pod of ours at all.
    await expect.poll(pending, { timeout: 30_000 }).toContain('QuartermasterApiMissing');
    const alerts = await readAlerts(prometheus.url);
    const missing = alerts.find(({ name }) => name === 'QuartermasterApiMissing');
    expect(missing).toMatchObject({
      ...{ state: 'pending', severity: 'critical', since: expect.any(Date) },
      summary: 'Prometheus sees no pod of the API.',
      runbook: 'docs/runbooks/process-missing.md',
    });
    expect(alerts.find(({ name }) => name === 'QuartermasterHorizonLow')).toMatchObject({
      ...{ state: 'inactive', severity: 'warning', since: null, summary: null },
      runbook: 'docs/runbooks/horizon.md',
    });
    expect(new Set(alerts.map(({ name }) => name)).size).toBeGreaterThan(20);
  });
});

describe('QM_PROMETHEUS_URL', () => {
  const read = (url: string) =>
    readConfig({ QM_DATABASE_URL: 'postgres://nowhere/none', QM_PROMETHEUS_URL: url }).prometheusUrl;

  it('is an address without a secret in it', () => {
    expect(read('http://prometheus:9090')).toBe('http://prometheus:9090');
    expect(read('https://example.com/prometheus/')).toBe('https://example.com/prometheus/');
    for (const url of [
      'prometheus:9090',
      'ftp://x',
      'http://me:secret@x',
      'http://x/?token=secret',
      'http://x/#a',
    ]) {
      expect(() => read(url), url).toThrow(/QM_PROMETHEUS_URL must be the Prometheus/);
      expect(() => read(url), url).not.toThrow(/secret/);
    }
  });
});
