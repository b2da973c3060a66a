import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { HttpHouse } from '../../src/http/house.ts';
import { createServer, type ServerOptions } from '../../src/http/server.ts';
import type { Posted } from '../../src/ledger/batcher.ts';
import {
  authorization,
  emptyHouse,
  type LogLine,
  payment,
  recordingLogger,
  transactionView,
} from './house.ts';

const view = transactionView();
const posted: Posted = { results: [{ kind: 'created', transaction: view }] };

type Running = ReturnType<typeof createServer>;
const running = new Set<Running>();
const sockets = new Set<Socket>();

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of running) await server.stop();
  sockets.clear();
  running.clear();
});

async function start(parts: Partial<HttpHouse> = {}, options: Partial<ServerOptions> = {}) {
  const lines: LogLine[] = [];
  const house = emptyHouse({ logger: recordingLogger(lines), ...parts });
  const server = createServer(house, { host: '127.0.0.1', port: 0, ...options });
  await server.start();
  running.add(server);
  const stop = () => {
    running.delete(server);
    return server.stop();
  };
  return { url: server.address(), port: Number(new URL(server.address()).port), lines, stop };
}

/** A house in which posting waits to be told. */
function held() {
  const begun = Promise.withResolvers<void>();
  const result = Promise.withResolvers<Posted>();
  const post: HttpHouse['post'] = () => {
    begun.resolve();
    return result.promise;
  };
  return { post, begun: begun.promise, finish: () => result.resolve(posted) };
}

function send(url: string): Promise<Response> {
  return fetch(`${url}/v1/ledgers/main/transactions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization },
    body: JSON.stringify(payment),
  });
}

/** A connection that speaks by hand. `closed` is all it was told, once the server hung up. */
async function open(port: number) {
  const socket = connect(port, '127.0.0.1');
  sockets.add(socket);
  await once(socket, 'connect');
  let text = '';
  socket.on('data', (data) => {
    text += data;
  });
  const closed = new Promise<string>((resolve) => {
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
  return { write: (data: string) => socket.write(data), closed };
}

describe('the server', () => {
  it('listens where it is told, and serves', async () => {
    const { url } = await start();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const response = await fetch(`${url}/healthz`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'ok', version: '1.2.3' });
  });

  it('warns when it listens beyond this machine, for keys can be read on the way', async () => {
    const warnings = async (host: string) =>
      (await start({}, { host })).lines.filter((line) => line.level === 'warn');
    expect(await warnings('127.0.0.1')).toEqual([]);
    expect(await warnings('localhost')).toEqual([]);
    expect(await warnings('0.0.0.0')).toEqual([expect.objectContaining({ host: '0.0.0.0' })]);
  });

  it('says what to do when it cannot listen', async () => {
    const { port } = await start();
    const second = createServer(emptyHouse(), { host: '127.0.0.1', port });
    await expect(second.start()).rejects.toMatchObject({
      kind: 'config',
      code: 'cannot_listen',
      detail: expect.stringContaining(`port ${port} (EADDRINUSE). Set QM_HOST and QM_PORT`),
    });
  });

  it('keeps a connection alive for the next request', async () => {
    const { url } = await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports: (number | undefined)[] = [];
    for (const _ of [1, 2, 3]) {
      const request = httpRequest(`${url}/healthz`, { agent }).end();
      const [response] = await once(request, 'response');
      ports.push(response.socket.localPort);
      expect(response.headers.connection).toBe('keep-alive');
      response.resume();
      await once(response, 'end');
    }
    expect(new Set(ports).size).toBe(1);
    agent.destroy();
  });

  it('answers what is not HTTP with a problem too, and hangs up', async () => {
    const { port } = await start();
    const nonsense = await open(port);
    nonsense.write('NONSENSE\r\n\r\n');
    expect(await nonsense.closed).toMatch(
      /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*application\/problem\+json[\s\S]*"code":"bad_request"/,
    );
    const large = await open(port);
    large.write(`GET / HTTP/1.1\r\nhost: x\r\nlong: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(await large.closed).toMatch(/^HTTP\/1\.1 431 [\s\S]*"code":"headers_too_large"/);
  });

  it('survives a client that goes away before its answer', async () => {
    const { post, begun, finish } = held();
    const { url, lines } = await start({ post });
    const leaving = new AbortController();
    const body = JSON.stringify(payment);
    const headers = { 'content-type': 'application/json', ...authorization };
    const gone = fetch(`${url}/v1/ledgers/main/transactions`, {
      method: 'POST',
      body,
      headers,
      signal: leaving.signal,
    });
    await begun;
    leaving.abort();
    await expect(gone).rejects.toThrow();
    await expect.poll(() => lines.map((line) => line.message)).toContain('client went away');
    finish();
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const posts = lines.filter((line) => line.method === 'POST');
    expect(posts).toEqual([
      expect.objectContaining({ level: 'info', route: '/v1/ledgers/:ledger/transactions' }),
    ]);
  });
});

describe('stopping', () => {
  it('lets the request under way finish, and refuses those that come after', async () => {
    const { post, begun, finish } = held();
    const { url, stop } = await start({ post });
    const response = send(url);
    await begun;
    const stopped = stop();
    // New connections are refused from the moment stop() was called, not from when it is done.
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
    finish();
    const answer = await response;
    expect(answer.status).toBe(201);
    expect(answer.headers.get('connection')).toBe('close');
    expect(await answer.json()).toMatchObject({ id: view.id });
    await stopped;
  });

  it('tells on connections that are still open that it is no longer ready', async () => {
    const { post, begun, finish } = held();
    const { url, port, stop } = await start({ post });
    const before = await fetch(`${url}/readyz`);
    expect(await before.json()).toMatchObject({ checks: [{ name: 'serving', ok: true }] });
    // A request whose headers are under way when the stop begins.
    const late = await open(port);
    late.write('GET /readyz HTTP/1.1\r\nhost: x\r\n');
    const response = send(url);
    await begun;
    const stopped = stop();
    late.write('\r\n');
    expect(await late.closed).toMatch(
      /^HTTP\/1\.1 503 [\s\S]*connection: close[\s\S]*"code":"not_ready"[\s\S]*"code":"stopping"/i,
    );
    finish();
    expect((await response).status).toBe(201);
    await stopped;
  });

  it('does not drain where nobody was ever sent, for it was not ready', async () => {
    const { stop } = await start({ isStarting: () => true }, { drainMs: 2 ** 31 - 1 });
    await stop();
  });

  it('does not wait for connections on which nothing was asked', async () => {
    const { url, port, stop, lines } = await start({}, { stopWithinMs: 60_000 });
    await fetch(`${url}/healthz`);
    const silent = await open(port);
    const half = await open(port);
    half.write('GET /healthz HTTP/1.1\r\n');
    await Promise.all([stop(), silent.closed, half.closed]);
    expect(lines.filter((line) => line.level === 'warn')).toEqual([]);
  });

  it('cuts off after its time what will not finish, and says so', async () => {
    const { post, begun } = held();
    const { url, stop, lines } = await start({ post }, { stopWithinMs: 50 });
    const response = send(url);
    await begun;
    await Promise.all([stop(), expect(response).rejects.toThrow()]);
    expect(lines).toContainEqual(expect.objectContaining({ level: 'warn', requests: 1 }));
  });

  it('under load loses no request that it began', async () => {
    let booked = 0;
    const post = async (): Promise<Posted> => {
      await delay(1);
      booked++;
      return posted;
    };
    const { url, stop } = await start({ post });
    let answered = 0;
    const client = async () => {
      for (;;) {
        const response = await send(url).catch(() => undefined);
        if (response === undefined) return;
        expect(response.status).toBe(201);
        await response.text();
        answered++;
      }
    };
    const clients = Array.from({ length: 8 }, client);
    await expect.poll(() => answered).toBeGreaterThan(50);
    await stop();
    await Promise.all(clients);
    expect(booked).toBe(answered);
  });
});
