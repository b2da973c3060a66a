import { connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { createServer } from '../../src/http/server.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { emptyHouse, payment, TOKEN } from './house.ts';

const lines: Record<string, unknown>[] = [];
const logger = createLogger('info', { write: (text) => lines.push(JSON.parse(text)) });
let stop = async () => {};

afterEach(async () => {
  await stop();
  lines.length = 0;
});

/** A server whose ledger logs deep inside, and fails when asked to. */
async function listen() {
  const server = createServer(
    emptyHouse({
      logger,
      post: async (_ledger, [request]) => {
        await new Promise(setImmediate);
        logger.warn({ user: (request as { userId?: string }).userId }, 'deep inside');
        throw new AppError('unavailable', 'database_unavailable', 'It is away.');
      },
      readTransaction: async () => {
        logger.warn('read');
        return undefined;
      },
    }),
    { host: '127.0.0.1', port: 0 },
  );
  await server.start();
  stop = () => server.stop();
  return server.address();
}

const of = (id: string) => lines.filter(({ request_id }) => request_id === id).map(({ msg }) => msg);

it('what is logged while requests are served side by side bears the id of each, also behind a body', async () => {
  const address = await listen();
  const ids = Array.from({ length: 20 }, (_, number) => `r${number}`);
  await Promise.all(
    ids.map((id) =>
      fetch(`${address}/v1/ledgers/main/transactions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', 'x-request-id': id },
        body: JSON.stringify({ ...payment, user_id: id }),
      }).then((answer) => answer.text()),
    ),
  );
  await expect.poll(() => lines.filter(({ msg }) => msg === 'request').length).toBe(20);
  for (const id of ids) expect(of(id)).toEqual(['deep inside', 'request failed', 'request']);
  for (const { user, request_id } of lines.filter(({ msg }) => msg === 'deep inside'))
    expect(user).toBe(request_id);
});

it('on one connection, with a body that comes in pieces, no request is taken for another', async () => {
  const { hostname, port } = new URL(await listen());
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.setEncoding('utf8').on('data', (text) => {
    answer += text;
  });
  const body = JSON.stringify({ ...payment, user_id: 'one' });
  const head = (id: string, first: string, more: string) =>
    `${first} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\nx-request-id: ${id}\r\n${more}\r\n`;
  const type = 'content-type: application/json\r\n';
  socket.write(
    head('one', 'POST /v1/ledgers/main/transactions', `${type}content-length: ${body.length}\r\n`),
  );
  socket.write(body.slice(0, 10));
  await new Promise(setImmediate);
  socket.write(body.slice(10));
  await expect.poll(() => answer).toContain('database_unavailable');
  socket.write(
    head(
      'two',
      'GET /v1/ledgers/main/transactions/0199d5d0-0000-7000-8000-000000000000',
      'connection: close\r\n',
    ),
  );
  await expect.poll(() => of('two')).toEqual(['read', 'request']);
  expect(of('one')).toEqual(['deep inside', 'request failed', 'request']);
  socket.destroy();
});

it('probes and scrapes that go well are no lines at info, one that fails is', async () => {
  const address = await listen();
  for (const path of ['/healthz', '/readyz', '/v1/ledgers']) await (await fetch(address + path)).text();
  const said = () => lines.filter(({ msg }) => msg === 'request');
  await expect.poll(() => said().length).toBe(1);
  expect(said()).toMatchObject([{ route: '/v1/ledgers', status: 401 }]);
});
