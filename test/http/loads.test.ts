import { once } from 'node:events';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type LoadOptions, load } from '../../src/ledger/load.ts';
import { findLoad } from '../../src/ledger/load-progress.ts';
import { brokenRules } from '../ledger/fixture.ts';
import { booked, csv, HEADER, houseOf as loadHouseOf, rows } from '../ledger/load-fixture.ts';
import { authorization, createApp, houseOf, openHouse, problemIn } from './house.ts';

let opened: Awaited<ReturnType<typeof openHouse>>;
beforeAll(async () => {
  opened = await openHouse();
});
afterAll(() => opened.book.close());

/** A server that is ended with the test. `run` stands in for the load where it is given. */
async function start(
  run = (options: LoadOptions) =>
    load({ ...loadHouseOf(opened.book), database: opened.book.as('api') }, options),
) {
  const { book, lines } = opened;
  const house = houseOf(book, lines);
  const find = (ledgerId: number, id: string) => findLoad(book.db, ledgerId, id);
  const app = createApp({ ...house, loads: { run, find } });
  await app.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    app.server.closeAllConnections();
    await app.close();
  });
  const { port } = app.server.address() as { port: number };
  const options = (method: string, path: string, headers: Record<string, string>) => ({
    port,
    method,
    path: `/v1/ledgers/main/loads${path}`,
    headers: { ...authorization, ...headers },
  });
  return {
    port,
    /** Sends a body whose length is known. */
    post: (query: string, body: string | Buffer, headers: Record<string, string> = {}) => {
      const length = String(Buffer.byteLength(body));
      const given = { 'content-type': 'text/csv', 'content-length': length, ...headers };
      return answerOf(httpRequest(options('POST', `?${query}`, given)).end(body));
    },
    /** Begins a body that the test goes on with. */
    begin: (query: string, type = 'text/csv') =>
      httpRequest(options('POST', `?${query}`, { 'content-type': type })),
    get: (id: string) => answerOf(httpRequest(options('GET', `/${id}`, {})).end()),
    send: (method: string) => answerOf(httpRequest(options(method, '', {})).end()),
  };
}

async function answerOf(request: ClientRequest) {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString();
  return { statusCode: response.statusCode ?? 0, headers: response.headers, body, json: JSON.parse(body) };
}

/** False where nothing moves for so long. */
async function drained(request: ClientRequest, ms: number): Promise<boolean> {
  const timeout = AbortSignal.timeout(ms);
  return once(request, 'drain', { signal: timeout }).then(
    () => true,
    () => false,
  );
}

const anyAccounts = 'create_accounts=true&allow_negative=*';
const codes = async (prefix: string) =>
  (await booked(opened.book, prefix)).map(({ reference_code }) => reference_code);

describe('a load', () => {
  it('books what its body holds, once, and can be asked about', async () => {
    const { post, get } = await start();
    const query = `id=web%20one&${anyAccounts}`;
    const report = { ledger: 'main', id: 'web one', records: 5, booked: 5, rejected: 0 };
    expect(await post(query, csv(rows('web', 5)))).toMatchObject({
      statusCode: 200,
      json: { ...report, already_loaded: false, resumed_at: 0, accounts_created: 2 },
    });
    expect((await post(query, csv(rows('web', 5)))).json).toEqual({
      ...report,
      already_loaded: true,
      resumed_at: 5,
      accounts_created: 0,
    });
    expect(await codes('web-')).toHaveLength(5);
    const { statusCode, json } = await get('web%20one');
    expect([statusCode, json.state, json.finished_at]).toEqual([200, 'done', json.updated_at]);
    expect(json).toMatchObject(report);
    problemIn(await get('never'), 404, 'load_not_found');
  });

  it.each([
    ['gzip', gzipSync, { 'content-type': 'text/csv; charset=utf-8', 'content-encoding': 'gzip' }],
    ['zstd', zstdCompressSync, { 'content-type': 'Text/CSV', 'content-encoding': 'zstd' }],
    ['gzip file', gzipSync, { 'content-type': 'application/gzip' }],
    ['zstd file', zstdCompressSync, { 'content-type': 'application/octet-stream' }],
  ])('may be packed: %s', async (name, pack, headers) => {
    const { post } = await start();
    const prefix = `pack ${name}`;
    const id = encodeURIComponent(prefix);
    const body = pack(csv(rows(prefix.replace(' ', '-').replace(' ', '-'), 30)));
    const { json } = await post(`id=${id}&format=csv&${anyAccounts}`, body, headers);
    expect(json).toMatchObject({ records: 30, booked: 30 });
  });

  it('may be NDJSON, in minor units, and creates accounts only as it is told', async () => {
    const { post } = await start();
    const line = (n: number, from: string) =>
      `${JSON.stringify({ created_at: `2026-02-0${n}`, debit_account: from, credit_account: 'nd:WALLET', amount: 5, currency: 'EUR', reference_code: `nd-${n}` })}\n`;
    const type = { 'content-type': 'application/x-ndjson' };
    problemIn(await post('id=nd&amounts=minor', line(1, 'nd:BANK'), type), 400, 'bad_row');
    const query = 'id=nd&amounts=minor&create_accounts=true&allow_negative=BANK,FEES';
    expect((await post(query, line(1, 'nd:BANK'), type)).json).toMatchObject({ booked: 1 });
    const both = line(1, 'nd:BANK') + line(2, 'new:WALLET');
    const { detail } = problemIn(await post(query, both, type), 400, 'bad_row');
    expect(detail).toMatch(/^the body, line 2, column amount: new:WALLET has 0 .*allow_negative=WALLET;/);
    expect(detail).not.toContain('--');
  });

  it('stops at a bad row, says which, keeps what stands before it, and goes on when it is mended', async () => {
    const { post, get } = await start();
    const lines = rows('mend', 8);
    const broken = lines.with(5, (lines[5] as string).replace('6.25', 'six'));
    const query = `id=mend&${anyAccounts}`;
    expect(problemIn(await post(query, csv(broken)), 400, 'bad_row').detail).toMatch(
      /^the body, line 7, column amount: "six" .* 5 transactions before it are booked\. .*under the same id\.$/,
    );
    expect((await get('mend')).json).toMatchObject({ state: 'stopped', records: 5, finished_at: null });
    expect((await post(query, csv(lines))).json).toMatchObject({ resumed_at: 5, booked: 8 });
    problemIn(await post(query, csv(rows('other', 9))), 409, 'load_differs');
    expect(await codes('mend-')).toHaveLength(8);
  });

  it('that fails early answers a client that is still sending, and hangs up if it never ends', async () => {
    const { port } = await start();
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    let answer = '';
    socket.on('data', (data) => {
      answer += data;
    });
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(
      `POST /v1/ledgers/main/loads?id=early&${anyAccounts} HTTP/1.1\r\nhost: x\r\ncontent-type: text/csv\r\n` +
        `authorization: ${authorization.authorization}\r\ncontent-length: 1000000000000\r\n\r\n${csv(['no row'])}`,
    );
    const more = Buffer.alloc(256 * 1024, 'x');
    let [sent, sentAfter] = [0, 0];
    while (!socket.destroyed) {
      sent += more.length;
      if (answer !== '') sentAfter += more.length;
      if (!socket.write(more)) await Promise.race([once(socket, 'drain').catch(() => closed), closed]);
    }
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*"code":"bad_row"/s);
    // It was read on, for an answer to a client that is cut off at once may never be seen.
    expect(sentAfter).toBeGreaterThan(16 * 1024 * 1024);
    expect(sent).toBeGreaterThan(sentAfter);
  });

  it('whose client goes away stops, and goes on when all of it is sent again', async () => {
    let stopped: Promise<unknown> = Promise.resolve();
    const { begin, post, get } = await start((options) => {
      const running = load(loadHouseOf(opened.book), { ...options, batch: 10 });
      stopped = running.catch((error: unknown) => error);
      return running;
    });
    const lines = rows('gone', 100);
    const query = `id=gone&${anyAccounts}`;
    const request = begin(query);
    request.on('error', () => {});
    request.write(`${[HEADER, ...lines.slice(0, 60)].join('\n')}\n`);
    await expect.poll(async () => (await get('gone')).json.records).toBeGreaterThan(20);
    request.destroy();
    await expect.poll(() => stopped).toMatchObject({ kind: 'aborted' });
    const { records } = (await get('gone')).json;
    expect(records).toBeLessThanOrEqual(60);
    expect((await post(query, csv(lines))).json).toMatchObject({ resumed_at: records, booked: 100 });
    expect(await codes('gone-')).toEqual(lines.map((_, index) => `gone-${index}`));
  });

  it('that ends in the middle of a line is held to be cut off unless its length was told', async () => {
    const { begin, post } = await start();
    const text = csv(rows('tail', 3)).trimEnd();
    const chunked = begin(`id=tail&${anyAccounts}`);
    const answered = answerOf(chunked);
    chunked.write(text);
    chunked.end();
    problemIn(await answered, 400, 'source_cut_off');
    expect(await codes('tail-')).toHaveLength(2);
    expect((await post(`id=tail&${anyAccounts}`, text)).json).toMatchObject({ booked: 3 });
  });

  it('waits its turn: no more than two run at once', async () => {
    const begun: (() => void)[] = [];
    const report = { ledger: 'main', alreadyLoaded: false, resumedAt: 0, records: 0, booked: 0, rejected: 0 };
    const { post } = await start(async ({ id = '' }) => {
      await new Promise<void>((resolve) => begun.push(resolve));
      return { ...report, id, accountsCreated: 0 };
    });
    const first = [post('id=a', HEADER), post('id=b', HEADER)];
    await expect.poll(() => begun.length).toBe(2);
    const refused = await post('id=c', HEADER);
    problemIn(refused, 503, 'loads_busy');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    begun.shift()?.();
    expect((await Promise.race(first)).statusCode).toBe(200);
    const third = post('id=c', HEADER);
    await expect.poll(() => begun.length).toBe(2);
    for (const resolve of begun) resolve();
    expect((await Promise.all([...first, third])).map(({ statusCode }) => statusCode)).toEqual([
      200, 200, 200,
    ]);
  });

  it('takes from its client no more than it can book', async () => {
    let end = () => {};
    const { begin } = await start(async ({ source }) => {
      const [chunk] = 'stream' in source ? await once(source.stream, 'data') : [];
      if ('stream' in source) source.stream.pause();
      await new Promise<void>((resolve) => {
        end = resolve;
      });
      throw new Error(`${String(chunk).length} bytes were read`);
    });
    const request = begin('id=slow');
    request.on('error', () => {});
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    let sent = 0;
    for (let more = true; more && sent < 256; sent++) {
      if (!request.write(chunk)) more = await drained(request, 1000);
    }
    // What fits into the buffers of the two sockets.
    expect(sent).toBeLessThan(64);
    end();
    request.destroy();
  });
});

describe('a request to load', () => {
  it.each([
    ['no id', '', {}, 400, 'invalid_request'],
    ['an id with control characters', 'id=a%0Ab', {}, 400, 'invalid_request'],
    ['a format that is none', 'id=a&format=xml', {}, 400, 'invalid_request'],
    ['a parameter that is none', 'id=a&reject=b', {}, 400, 'invalid_request'],
    ['no word of its format', 'id=a', { 'content-type': 'application/gzip' }, 400, 'invalid_request'],
    ['groups for accounts that are not created', 'id=a&allow_negative=BANK', {}, 400, 'invalid_request'],
    ['groups that are none', 'id=a&create_accounts=true&allow_negative=bank', {}, 400, 'invalid_request'],
    ['JSON', 'id=a', { 'content-type': 'application/json' }, 415, 'unsupported_media_type'],
    [
      'a form',
      'id=a',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'unsupported_media_type',
    ],
    ['another packing', 'id=a', { 'content-encoding': 'br' }, 415, 'unsupported_media_type'],
    ['nobody’s key', 'id=a', { authorization: 'Bearer nobody' }, 401, 'invalid_token'],
  ])('with %s is refused', async (_, query, headers, status, code) => {
    const { post } = await start();
    problemIn(await post(query, '{}', headers as Record<string, string>), status, code);
  });

  it('may be larger than any other body, and says which methods there are', async () => {
    const { post, send } = await start();
    const many = rows('large', 30_000).map((row) => row.replace('user-', 'user with a longer name '));
    const failed = many.map((row) => row.replace(/,user with a longer name \d,/, '$&FAILED'));
    const { json } = await post(`id=large&${anyAccounts}`, csv(failed));
    expect(json).toMatchObject({ booked: 30_000 });
    const refused = await send('PUT');
    problemIn(refused, 405, 'method_not_allowed');
    expect(refused.headers.allow).toBe('POST');
  });
});

it('whatever was loaded, every rule of the ledger holds', async () => {
  expect(await brokenRules(opened.book.db)).toEqual([]);
});
