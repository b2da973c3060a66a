import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import type { App } from '../../src/http/app-type.ts';
import { CLOCKS } from '../../src/http/connection.ts';
import { emptyHouse, payment, TOKEN, transactionView } from './house.ts';

// Node looks at its clocks at an interval, so what is meant to live must outlive several of those.
const clocks = { ...CLOCKS, request: 200, headers: 200, check: 50 };

const open = new Set<{ app: App; sockets: Socket[] }>();
afterEach(async () => {
  for (const { app, sockets } of open) {
    for (const socket of sockets) socket.destroy();
    await app.close();
  }
  open.clear();
});

async function start(overrides: Partial<typeof clocks> = {}) {
  const posted = { results: [{ kind: 'created' as const, transaction: transactionView() }] };
  const app = createApp(emptyHouse({ post: async () => posted }), { ...clocks, ...overrides });
  // A route whose body is read as it comes, as that of a load is.
  app.register(async (scope) => {
    scope.addContentTypeParser('text/csv', (_request, payload, done) => done(null, payload));
    scope.post('/v1/stream', { config: { role: 'writer', streamed: true } }, async (request) => {
      let bytes = 0;
      for await (const chunk of request.body as AsyncIterable<Buffer>) bytes += chunk.length;
      return { bytes };
    });
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const sockets: Socket[] = [];
  open.add({ app, sockets });
  const { port } = app.server.address() as { port: number };
  return async () => {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    await once(socket, 'connect');
    let text = '';
    socket.on('data', (data) => {
      text += data;
    });
    socket.on('error', () => {});
    const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(text)));
    return { write: (data: string) => socket.write(data), closed, text: () => text };
  };
}

const head = (path: string, type: string, length: string) =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\ncontent-type: ${type}\r\n${length}\r\n\r\n`;
const json = JSON.stringify(payment);
const post = (length: number) =>
  head('/v1/ledgers/main/transactions', 'application/json', `content-length: ${length}`);

/** Drips bytes for as long as the connection takes them. */
async function drip(connection: { write(data: string): boolean; closed: Promise<string> }): Promise<string> {
  let closed = false;
  const end = connection.closed.finally(() => {
    closed = true;
  });
  while (!closed) {
    connection.write(' ');
    await delay(20);
  }
  return end;
}

describe('a body that drips in', () => {
  it('is cut off with 408, though something always moves', async () => {
    const connection = await (await start())();
    connection.write(post(1000));
    const answer = await drip(connection);
    expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n[\s\S]*"code":"request_timeout"/);
  });

  it('is cut off where nobody reads it, too', async () => {
    const connection = await (await start())();
    connection.write(head('/nowhere', 'application/json', 'content-length: 1000'));
    const answer = await drip(connection);
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
  });

  it('lives on where it is streamed, and what comes after it is timed again', async () => {
    const connection = await (await start())();
    connection.write(head('/v1/stream', 'text/csv', 'transfer-encoding: chunked'));
    for (let chunk = 0; chunk < 40; chunk++) {
      connection.write('1\r\nx\r\n');
      await delay(20);
    }
    connection.write('0\r\n\r\n');
    await expect.poll(connection.text).toContain('{"bytes":40}');
    connection.write(post(json.length) + json);
    await expect.poll(connection.text).toContain('HTTP/1.1 201 Created');
    connection.write(post(1000));
    expect(await drip(connection)).toContain('HTTP/1.1 408 Request Timeout');
  });

  it('is given up when nothing of it comes any more, streamed or not', async () => {
    const connection = await (await start({ inactivity: 150 }))();
    connection.write(head('/v1/stream', 'text/csv', 'transfer-encoding: chunked'));
    connection.write('1\r\nx\r\n');
    expect(await connection.closed).toBe('');
  });
});
