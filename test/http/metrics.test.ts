import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import { CLOCKS } from '../../src/http/connection.ts';
import type { HttpHouse } from '../../src/http/house.ts';
import { createServer } from '../../src/http/server.ts';
import type { Posted } from '../../src/ledger/batcher.ts';
import { measuredRequests } from '../../src/main/measured-http.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import { countsOf, samplesOf } from '../platform/metrics-samples.ts';
import { authorization, emptyHouse, inject, payment, TOKEN, transactionView } from './house.ts';

const posted: Posted = { results: [{ kind: 'created', transaction: transactionView() }] };
const TRANSACTIONS = '/v1/ledgers/:ledger/transactions';
const counter = 'http_request_duration_seconds_count';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A house whose requests are counted. `ended` resolves when as many of them are over. */
function counting(parts: Partial<HttpHouse> = {}) {
  const metrics = createMetrics();
  const meter = measuredRequests(metrics);
  const waiting: { count: number; resolve: () => void }[] = [];
  let over = 0;
  const noticed = () => {
    over++;
    for (const one of waiting) if (over >= one.count) one.resolve();
  };
  const requests: HttpHouse['requests'] = {
    ...meter,
    onEnd: (request) => {
      meter.onEnd(request);
      noticed();
    },
    onRefused: (status) => {
      meter.onRefused(status);
      noticed();
    },
  };
  const house = emptyHouse({ requests, metrics: metrics.page, post: async () => posted, ...parts });
  const ended = (count: number) =>
    new Promise<void>((resolve) => {
      waiting.push({ count, resolve });
      if (over >= count) resolve();
    });
  return { metrics, house, ended, counts: () => countsOf(metrics.page, counter) };
}

async function serve(parts: Partial<HttpHouse> = {}) {
  const counted = counting(parts);
  const clocks = { ...CLOCKS, request: 200, headers: 200, check: 50 };
  const server = createServer(counted.house, { host: '127.0.0.1', port: 0, clocks });
  await server.start();
  closing.push(() => server.stop());
  const port = Number(new URL(server.address()).port);
  const open = async (): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    closing.push(() => void socket.destroy());
    socket.on('error', () => {});
    socket.resume();
    await once(socket, 'connect');
    return socket;
  };
  return { ...counted, url: server.address(), open };
}

const head = (method: string, path: string, length: number) =>
  `${method} ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;

describe('/metrics', () => {
  it('is there for everybody who reaches the port, whatever the database does', async () => {
    const hanging = () => new Promise<never>(() => {});
    const { house, metrics } = counting({
      authenticate: hanging,
      checks: [{ name: 'database', check: hanging }],
    });
    const app = createApp(house);
    const response = await app.inject({ url: '/metrics' });
    expect([response.statusCode, response.headers['content-type']]).toEqual([200, metrics.page.contentType]);
    expect(response.body).toContain('# TYPE quartermaster_http_request_duration_seconds histogram');
  });

  it('is not there where nothing is measured', async () => {
    expect((await createApp(emptyHouse()).inject({ url: '/metrics' })).statusCode).toBe(404);
  });
});

describe('requests are counted', () => {
  it('by route template, method and status, probes left out', async () => {
    const { url, counts, ended, metrics } = await serve();
    const paths = ['/v1/ledgers/main/transactions', '/v1/ledgers/other/transactions'];
    const post = (path: string, body: unknown = payment) =>
      fetch(`${url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...authorization },
        body: JSON.stringify(body),
      });
    expect((await post(paths[0] as string)).status).toBe(201);
    expect((await post(paths[1] as string)).status).toBe(404);
    expect((await post(paths[0] as string, {})).status).toBe(400);
    expect((await fetch(`${url}/v1/ledgers/main/transactions`)).status).toBe(401);
    expect((await fetch(`${url}/no/such/path`)).status).toBe(404);
    expect((await fetch(`${url}/v1/ledgers/%ff/transactions`)).status).toBe(400);
    expect((await fetch(`${url}${paths[0]}`, { method: 'DELETE', headers: authorization })).status).toBe(405);
    for (const probe of ['/healthz', '/readyz', '/metrics']) await (await fetch(url + probe)).text();
    await ended(7);
    expect(await counts()).toEqual({
      [`{method="POST",route="${TRANSACTIONS}",status="201"}`]: 1,
      [`{method="POST",route="${TRANSACTIONS}",status="404"}`]: 1,
      [`{method="POST",route="${TRANSACTIONS}",status="400"}`]: 1,
      [`{method="GET",route="${TRANSACTIONS}",status="401"}`]: 1,
      '{method="GET",route="unknown",status="404"}': 1,
      '{method="GET",route="unknown",status="400"}': 1,
      [`{method="DELETE",route="${TRANSACTIONS}",status="405"}`]: 1,
    });
    expect((await samplesOf(metrics.page)).http_requests_in_flight).toBe(0);
  });

  it('while they are answered, and as 499 when the client has gone', async () => {
    const begun = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<Posted>();
    const { open, counts, ended, metrics } = await serve({
      post: () => {
        begun.resolve();
        return answer.promise;
      },
    });
    const body = JSON.stringify(payment);
    const socket = await open();
    socket.write(head('POST', '/v1/ledgers/main/transactions', body.length) + body);
    await begun.promise;
    expect((await samplesOf(metrics.page)).http_requests_in_flight).toBe(1);
    socket.destroy();
    await ended(1);
    answer.resolve(posted);
    expect(await counts()).toEqual({ [`{method="POST",route="${TRANSACTIONS}",status="499"}`]: 1 });
    expect((await samplesOf(metrics.page)).http_requests_in_flight).toBe(0);
  });

  it('when the connection was refused before there was a request', async () => {
    const { open, counts, ended } = await serve();
    (await open()).write('NONSENSE\r\n\r\n');
    (await open()).write(`GET / HTTP/1.1\r\nhost: x\r\nlong: ${'x'.repeat(20_000)}\r\n\r\n`);
    await ended(2);
    expect(await counts()).toEqual({
      '{method="none",route="none",status="400"}': 1,
      '{method="none",route="none",status="431"}': 1,
    });
  });

  it('once, when the rest of one never came', async () => {
    const { open, counts, ended } = await serve();
    (await open()).write(`${head('POST', '/v1/ledgers/main/transactions', 99)}{`);
    await ended(1);
    expect(await counts()).toEqual({ [`{method="POST",route="${TRANSACTIONS}",status="408"}`]: 1 });
  });
});

describe('the number of series', () => {
  it('is the same after ten thousand paths', { timeout: 60_000 }, async () => {
    const { house, metrics } = counting();
    const app = createApp(house);
    const ask = (index: number) =>
      Promise.all([
        inject(app, { url: `/no/such/path/${index}` }),
        inject(app, { url: `/v1/ledgers/ledger-${index}/transactions` }),
      ]);
    await ask(0);
    const before = Object.keys(await samplesOf(metrics.page));
    for (let index = 1; index <= 5000; index++) await ask(index);
    expect(Object.keys(await samplesOf(metrics.page))).toEqual(before);
    expect(await countsOf(metrics.page, counter)).toEqual({
      '{method="GET",route="unknown",status="404"}': 5001,
      [`{method="GET",route="${TRANSACTIONS}",status="404"}`]: 5001,
    });
  });

  it('is bounded whatever the method and the status', async () => {
    const metrics = createMetrics();
    const meter = measuredRequests(metrics);
    const values = (name: string, samples: Record<string, number>) =>
      new Set(
        Object.keys(samples).flatMap((sample) => new RegExp(`${name}="([^"]*)"`).exec(sample)?.[1] ?? []),
      );
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.integer(), async (method, status) => {
        meter.onBegin();
        meter.onEnd({ method, route: undefined, status, seconds: 1 });
        meter.onRefused(status);
        const samples = await countsOf(metrics.page, counter);
        expect([...values('method', samples)].every((value) => ['other', 'none'].includes(value))).toBe(true);
        expect([...values('status', samples)].every((value) => /^([1-5]\d\d|other)$/.test(value))).toBe(true);
      }),
    );
  });
});
