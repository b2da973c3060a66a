import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { fastify, type InjectOptions } from 'fastify';
import Value from 'typebox/value';
import { afterAll, describe, expect, it } from 'vitest';
import { type Identity, ROLES, type Role } from '../../src/core/access.ts';
import { fixedClock } from '../../src/core/clock.ts';
import { AppError } from '../../src/core/errors.ts';
import { authHook } from '../../src/http/auth.ts';
import { createAuthenticator } from '../../src/http/authenticator.ts';
import { answerProblem, Problem } from '../../src/http/problem.ts';
import { makeKey } from '../../src/ledger/keys.ts';

const REALM = 'Bearer realm="quartermaster"';

/** The hook in the smallest app there is: one route for each role, in a ledger and in the house. */
function appOf(authenticate: (token: string) => Promise<Identity>) {
  const app = fastify();
  app.decorateReply('problemCode', undefined);
  app.decorateRequest('identity', undefined);
  app.setErrorHandler((error, request, reply) => answerProblem(error, request, reply));
  app.addHook('onRequest', authHook({ authenticate }));
  app.get('/public', async (request) => ({ identity: request.identity ?? null }));
  for (const role of ROLES) {
    app.get(`/${role}`, { config: { role } }, async (request) => ({ name: request.identity?.name }));
    app.post(`/ledgers/:ledger/${role}`, { config: { role } }, async (request) => ({
      name: request.identity?.name,
    }));
  }
  return app;
}

const identity = (roles: readonly Role[], ledgers: readonly string[] | null = null): Identity => ({
  name: 'billing',
  roles,
  ledgers,
});

/** Tokens are the names of these. */
const callers: Record<string, Identity> = {
  reader: identity(['reader']),
  writer: identity(['writer']),
  finance: identity(['finance']),
  admin: identity(['admin']),
  none: identity([]),
  'main-admin': identity(['admin'], ['main']),
};

const asked: string[] = [];
const app = appOf(async (token) => {
  asked.push(token);
  if (token === 'away') throw new AppError('unavailable', 'jwks_unavailable', 'It is away.');
  const caller = Object.hasOwn(callers, token) ? callers[token] : undefined;
  if (caller) return caller;
  throw new AppError('unauthenticated', 'invalid_token', 'The key is unknown.');
});
afterAll(() => app.close());

async function call(authorization: string | undefined, request: InjectOptions) {
  const headers = authorization === undefined ? {} : { authorization };
  const response = await app.inject({ ...request, headers: { ...headers, ...request.headers } });
  const body = response.body === '' ? {} : JSON.parse(response.body);
  if (response.statusCode >= 400) expect(Value.Errors(Problem, body)).toEqual([]);
  return {
    status: response.statusCode,
    code: body.code as string | undefined,
    detail: body.detail as string | undefined,
    challenge: response.headers['www-authenticate'],
    body,
  };
}

describe('a route for everybody', () => {
  it('asks nobody who they are, not even who says so', async () => {
    asked.length = 0;
    for (const authorization of [undefined, 'Bearer wrong', 'Bearer admin', 'nonsense']) {
      const { status, body } = await call(authorization, { url: '/public' });
      expect({ status, body }).toEqual({ status: 200, body: { identity: null } });
    }
    expect(asked).toEqual([]);
  });
});

describe('a route with a role', () => {
  it.each([undefined, '', 'Basic dXNlcjpwYXNz', 'Bearerx y', 'Digest a="b"', 'bear er'])(
    'answers who sends no key (%s) with a challenge that names no error',
    async (authorization) => {
      const { status, code, challenge } = await call(authorization, { url: '/reader' });
      expect({ status, code, challenge }).toEqual({ status: 401, code: 'missing_token', challenge: REALM });
    },
  );

  it.each(
    [
      'Bearer unknown',
      'Bearer',
      'Bearer ',
      'bearer  ',
      'Bearer a b',
      'Bearer a,b',
      'Bearer "admin"',
      'Bearer admin;',
      'Bearer =',
      'Bearer ä',
      `Bearer ${'x'.repeat(8192)}`,
    ].map((header) => [header.slice(0, 20), header] as const),
  )('answers who sends a bad one (%s) that it is bad', async (_, authorization) => {
    const { status, code, challenge, detail } = await call(authorization, { url: '/reader' });
    expect({ status, code }).toEqual({ status: 401, code: 'invalid_token' });
    expect(challenge).toBe(`${REALM}, error="invalid_token"`);
    expect(detail).not.toMatch(/xxx|unknown"|ä/);
  });

  it('hands on a token of up to 8 KiB, and none that is longer', async () => {
    asked.length = 0;
    const longest = 'x'.repeat(8192 - 'Bearer '.length);
    await call(`Bearer ${longest}`, { url: '/reader' });
    await call(`Bearer ${longest}x`, { url: '/reader' });
    expect(asked).toEqual([longest]);
  });

  it('takes the scheme in any case', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bEaReR', 'Bearer  ']) {
      expect(await call(`${scheme} reader`, { url: '/reader' })).toMatchObject({
        status: 200,
        body: { name: 'billing' },
      });
    }
  });

  it('refuses two keys at once, which Node would make one of', async () => {
    await app.listen({ host: '127.0.0.1', port: 0 });
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
    const lines = [
      'GET /reader HTTP/1.1',
      'Host: h',
      'Authorization: Bearer admin',
      'AUTHORIZATION: Bearer reader',
    ];
    socket.end(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`);
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"invalid_request"');
    expect(answer).toContain('{"header":"Authorization","detail":"is sent more than once"}');
    expect(answer).toContain(`www-authenticate: ${REALM}, error="invalid_request"`);
  });

  it('lets in who has the role, and says to others which one is needed', async () => {
    for (const [token, { roles }] of Object.entries(callers).filter(([name]) => name !== 'main-admin')) {
      for (const role of ROLES) {
        const { status, code, challenge, detail, body } = await call(`Bearer ${token}`, { url: `/${role}` });
        const good =
          roles.includes('admin') || roles.includes(role) || (role === 'reader' && roles.length > 0);
        expect({ token, role, status }).toEqual({ token, role, status: good ? 200 : 403 });
        if (good) {
          expect(body).toEqual({ name: 'billing' });
          continue;
        }
        expect(code).toBe('forbidden');
        expect(detail).toContain(`the role ${role} `);
        expect(challenge).toBe(`${REALM}, error="insufficient_scope", scope="${role}"`);
      }
    }
  });

  it('lets into the ledgers of the key alone, whether others are there or not', async () => {
    const inLedger = (ledger: string) =>
      call('Bearer main-admin', { method: 'POST', url: `/ledgers/${ledger}/writer` });
    expect(await inLedger('main')).toMatchObject({ status: 200 });
    expect(await inLedger('m%61in')).toMatchObject({ status: 200 });
    const [other, absent] = [await inLedger('spare'), await inLedger('absent')];
    expect(other).toMatchObject({ status: 403, code: 'forbidden' });
    expect(
      JSON.stringify(absent)
        .replaceAll('absent', 'spare')
        .replace(/req-\w+/, ''),
    ).toBe(JSON.stringify(other).replace(/req-\w+/, ''));
    for (const odd of ['Main', 'main%00', 'main%20', 'main%2f..', '*', '__proto__']) {
      expect(await inLedger(odd)).toMatchObject({ status: 403, code: 'forbidden' });
    }
  });

  it('lets who has some ledgers change nothing that concerns them all', async () => {
    expect(await call('Bearer main-admin', { url: '/admin' })).toMatchObject({
      status: 403,
      code: 'forbidden',
    });
    expect(await call('Bearer main-admin', { url: '/reader' })).toMatchObject({ status: 200 });
  });

  it('guards the HEAD of its GET too', async () => {
    const head = await app.inject({ method: 'HEAD', url: '/admin' });
    expect(head.statusCode).toBe(401);
    const headers = { authorization: 'Bearer admin' };
    expect((await app.inject({ method: 'HEAD', url: '/admin', headers })).statusCode).toBe(200);
  });

  it('asks before the body is read', async () => {
    const broken = { method: 'POST', url: '/ledgers/main/writer', payload: '{' } as const;
    const headers = { 'content-type': 'application/json' };
    expect(await call(undefined, { ...broken, headers })).toMatchObject({ status: 401 });
    expect(await call('Bearer reader', { ...broken, headers })).toMatchObject({ status: 403 });
  });

  it('calls nobody a stranger while nobody can say', async () => {
    const { status, code, challenge } = await call('Bearer away', { url: '/reader' });
    expect({ status, code, challenge }).toEqual({
      status: 503,
      code: 'jwks_unavailable',
      challenge: undefined,
    });
  });
});

describe('whatever stands in the header', () => {
  const { key, token } = makeKey({ name: 'billing', roles: ['reader'], ledgers: null });
  const real = appOf(
    createAuthenticator({
      findKeys: async (ids) => (ids.includes(key.id) ? [key] : []),
      clock: fixedClock('2026-01-01T00:00:00Z'),
      jwt: async () => {
        throw new AppError('unauthenticated', 'invalid_token', 'It is refused.');
      },
    }),
  );
  afterAll(() => real.close());

  const status = async (authorization: string) =>
    (await real.inject({ url: '/reader', headers: { authorization } })).statusCode;

  it('opens the route only when it is the key', async () => {
    expect(await status(`Bearer ${token}`)).toBe(200);
    const mutated = fc
      .tuple(fc.nat(token.length - 1), fc.constantFrom('', ...'abzAZ09_-. =~+/\u00e9"'))
      .map(([at, character]) => token.slice(0, at) + character + token.slice(at + 1))
      .filter((changed) => changed !== token);
    const anything = fc.string({ unit: 'binary-ascii', maxLength: 200 });
    const parts = fc.constantFrom(
      'Bearer',
      'bearer',
      ' ',
      ',',
      'qm_',
      key.id,
      '_',
      token,
      '.',
      '=',
      'Basic',
      '"',
    );
    const header = fc.oneof(
      anything,
      anything.map((rest) => `Bearer ${rest}`),
      mutated.map((rest) => `Bearer ${rest}`),
      fc.array(parts, { maxLength: 8 }).map((words) => words.join('')),
      fc.string({ unit: fc.constantFrom(...'Bearer \t'), maxLength: 12 }),
    );
    await fc.assert(
      fc.asyncProperty(header, async (authorization) => {
        const answer = await status(authorization);
        // Blanks about a value are not part of it.
        const good =
          new RegExp(`^bearer +${token}$`, 'i').test(authorization) && authorization.endsWith(token);
        expect(answer).toBe(good ? 200 : 401);
      }),
      { numRuns: 1000 },
    );
  });
});
