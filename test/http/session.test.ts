import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { makeKey, revokeKey } from '../../src/ledger/keys.ts';
import { purgeSessions, sessionIdOf } from '../../src/ledger/sessions.ts';
import { problemIn } from './house.ts';
import { cookieOf, pageHeaders, useSignIn } from './signing-in.ts';

const house = useSignIn();

const HOUR = 3600;

describe('signing in', () => {
  it('answers who one is and sets a cookie that no script reads and no other site sends', async () => {
    const { token } = await house.key('ada', ['finance']);
    const pod = house.pod();
    const answer = await pod.signIn(token);
    expect(answer.statusCode).toBe(200);
    const expires = new Date(house.clock.now().getTime() + 8 * HOUR * 1000).toISOString();
    expect(answer.json()).toEqual({
      name: 'ada',
      roles: ['finance'],
      ledgers: null,
      csrf_token: expect.stringMatching(/^qmc_[\w-]{43}$/),
      expires_at: expires,
    });
    const { cookie, attributes } = cookieOf(answer);
    expect(cookie).toMatch(/^qm_session_7070=qms_[\w-]{43}$/);
    expect(attributes).toEqual(['Path=/', 'HttpOnly', 'SameSite=Strict', `Max-Age=${8 * HOUR}`]);
    const asked = await pod.ask('GET', '/v1/session', { cookie });
    expect(asked.json()).toEqual(answer.json());
    expect(asked.headers['set-cookie']).toBeUndefined();
  });

  it.each([
    ['ledger.example.com', {}],
    ['10.0.0.7:7070', {}],
    ['127.0.0.1.example.com', {}],
    ['localhost', { 'x-forwarded-proto': 'https' }],
    ['localhost', { 'x-forwarded-proto': 'https, http' }],
    ['127.0.0.1:7070', { 'x-forwarded-proto': 'http, HTTPS' }],
    ['no host', {}],
  ])(
    'sends the cookie over TLS alone, and as one that no other host can set, at %s',
    async (host, headers) => {
      const { token } = await house.key(`tls ${host}`);
      const pod = house.pod();
      const { cookie, attributes } = cookieOf(await pod.signIn(token, { ...headers, host }));
      expect(cookie).toMatch(/^__Host-qm_session=qms_/);
      expect(attributes).toEqual(expect.arrayContaining(['Secure', 'HttpOnly', 'SameSite=Strict', 'Path=/']));
      expect(attributes.join()).not.toMatch(/domain/i);
      // The plain name, which another host of the domain might have set, opens nothing there.
      const [, secret = ''] = cookie.split('=');
      const back = await pod.ask('GET', '/v1/session', { ...headers, host, cookie });
      expect(back.statusCode).toBe(200);
      for (const name of ['qm_session_7070', 'qm_session_80', 'qm_session_']) {
        const answer = await pod.ask('GET', '/v1/session', { ...headers, host, cookie: `${name}=${secret}` });
        problemIn(answer, 401, 'missing_token');
      }
    },
  );

  it.each(['127.0.0.1:7070', 'localhost:7070', '[::1]:7070', '127.9.9.9:7070'])(
    'works without TLS at %s, which is this machine',
    async (host) => {
      const { token } = await house.key(`plain ${host}`);
      const { cookie, attributes } = cookieOf(await house.pod().signIn(token, { host }));
      expect(cookie).toMatch(/^qm_session_7070=/);
      expect(attributes).not.toContain('Secure');
    },
  );

  it('keeps of the secret only its digest, and tells nobody of key, secret or token', async () => {
    const { token } = await house.key('silent');
    const pod = house.pod();
    const answer = await pod.signIn(token);
    const secret = cookieOf(answer).cookie.split('=')[1] ?? '';
    await pod.ask('GET', '/v1/session', { cookie: cookieOf(answer).cookie });
    await pod.signIn(`${token}x`);
    await pod.signIn(token.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')));
    const { rows } = await sql<{ row: string }>`
      SELECT s::text AS row FROM quartermaster.sessions AS s
      UNION ALL SELECT e::text FROM quartermaster.house_events AS e`.execute(house.book.db);
    const everything = JSON.stringify([rows, pod.lines]);
    expect(everything).toContain(Buffer.from(sessionIdOf(secret) ?? '', 'base64url').toString('hex'));
    for (const hidden of [secret, answer.json().csrf_token, token.slice(-43), token.slice(0, 40)]) {
      expect(everything).not.toContain(hidden);
    }
  });

  it('gives a secret of its own each time and ends the session that the browser had', async () => {
    const { token } = await house.key('twice');
    const pod = house.pod();
    const first = cookieOf(await pod.signIn(token)).cookie;
    // It is remembered by now, and has to be forgotten.
    expect((await pod.ask('GET', '/v1/session', { cookie: first })).statusCode).toBe(200);
    const second = cookieOf(await pod.signIn(token, { cookie: first })).cookie;
    expect(second).not.toBe(first);
    problemIn(await pod.ask('GET', '/v1/session', { cookie: first }), 401, 'session_ended');
    expect((await pod.ask('GET', '/v1/session', { cookie: second })).statusCode).toBe(200);
    // Another person in the same browser: the story says under whose name the session ended, and who signed in.
    const other = await pod.signIn((await house.key('another')).token, { cookie: second });
    expect(await house.events('twice')).toEqual([
      expect.objectContaining({ event: 'sign-in' }),
      { event: 'sign-out', detail: { replaced: true } },
      expect.objectContaining({ event: 'sign-in' }),
      { event: 'sign-out', detail: { replaced: true } },
    ]);
    expect((await house.events('another')).map(({ event }) => event)).toEqual(['sign-in']);
    // One that has ended by itself is not said to have ended now.
    house.wait(HOUR);
    await pod.signIn(token, { cookie: cookieOf(other).cookie });
    expect((await house.events('another')).map(({ event }) => event)).toEqual(['sign-in']);
  });

  it('takes no secret that somebody else has chosen', async () => {
    const { token } = await house.key('fixed');
    const pod = house.pod();
    const planted = `qm_session_7070=qms_${'A'.repeat(43)}`;
    const { cookie } = cookieOf(await pod.signIn(token, { cookie: planted }));
    expect(cookie).not.toBe(planted);
    problemIn(await pod.ask('GET', '/v1/session', { cookie: planted }), 401, 'session_ended');
    // Of two cookies of one name nobody can tell which was planted, so neither opens anything.
    const answer = await pod.ask('GET', '/v1/session', { cookie: `${planted}; ${cookie}` });
    problemIn(answer, 401, 'missing_token');
  });

  it('lets the key of a process sign in, of which the database knows nothing', async () => {
    const { key, token } = makeKey({ name: 'demo', roles: ['admin'], ledgers: null });
    const pod = house.pod({ extra: [key] });
    const { cookie } = cookieOf(await pod.signIn(token));
    expect((await pod.ask('GET', '/v1/session', { cookie })).json()).toMatchObject({ name: 'demo' });
    // In another process nobody knows that key.
    problemIn(await house.pod().ask('GET', '/v1/session', { cookie }), 401, 'session_ended');
    problemIn(
      await pod.signIn(token.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))),
      401,
      'invalid_token',
    );
    expect(await house.events('demo')).toEqual([
      { event: 'sign-in', detail: { key: key.id, expires_at: expect.any(String) } },
      { event: 'sign-in-refused', detail: { key: key.id } },
    ]);
  });

  it('refuses a key without a role, and says so', async () => {
    const jwt = async () => ({ identity: { name: 'sub', roles: [], ledgers: null }, until: Infinity });
    problemIn(await house.pod({ jwt }).signIn('a.b.c'), 403, 'forbidden');
  });

  it.each([[{}], [{ key: '' }], [{ key: 7 }], [{ key: 'x', other: 1 }], [{ key: 'x'.repeat(9000) }], [[]]])(
    'refuses the body %j',
    async (body) => {
      const answer = await house.pod().ask('POST', '/v1/session', {}, body);
      expect(JSON.stringify(problemIn(answer, 400, 'invalid_request'))).not.toContain('xxxx');
    },
  );
});

describe('a session ends', () => {
  it('after eight hours, however much is done', async () => {
    const { token } = await house.key('eight hours');
    const pod = house.pod();
    const { cookie } = cookieOf(await pod.signIn(token));
    for (let hour = 0; hour < 16; hour++) {
      expect((await pod.ask('GET', '/v1/session', { cookie })).statusCode).toBe(200);
      house.wait(HOUR / 2 - (hour === 15 ? 1 : 0));
    }
    expect((await pod.ask('GET', '/v1/session', { cookie })).statusCode).toBe(200);
    house.wait(1);
    problemIn(await pod.ask('GET', '/v1/session', { cookie }), 401, 'session_ended');
  });

  it('after an hour without a request', async () => {
    const { token } = await house.key('idle');
    const pod = house.pod();
    const { cookie } = cookieOf(await pod.signIn(token));
    house.wait(HOUR - 1);
    expect((await pod.ask('GET', '/v1/session', { cookie })).statusCode).toBe(200);
    house.wait(HOUR - 1);
    expect((await pod.ask('GET', '/v1/session', { cookie })).statusCode).toBe(200);
    house.wait(HOUR);
    problemIn(await pod.ask('GET', '/v1/session', { cookie }), 401, 'session_ended');
  });

  it('and being used is written down now and again, not with each request', async () => {
    const { token } = await house.key('busy');
    const pod = house.pod();
    const { cookie } = cookieOf(await pod.signIn(token));
    const versions = new Set<string>();
    const id = Buffer.from(sessionIdOf(cookie.split('=')[1] ?? '') ?? '', 'base64url');
    for (let i = 0; i < 30; i++) {
      house.wait(20);
      await pod.ask('GET', '/v1/session', { cookie });
      const { rows } = await sql<{ version: string }>`
        SELECT xmin::text AS version FROM quartermaster.sessions WHERE secret_sha256 = ${id}`.execute(
        house.book.db,
      );
      versions.add(rows[0]?.version ?? '');
    }
    // Ten minutes, thirty requests, one note of it.
    expect(versions.size).toBe(2);
  });

  it('by signing out: here at once, in another process when that has forgotten it', async () => {
    const { token } = await house.key('leaves');
    const [pod, other] = [house.pod(), house.pod()];
    const answer = await pod.signIn(token);
    const headers = pageHeaders(answer);
    for (const each of [pod, other])
      expect((await each.ask('GET', '/v1/session', headers)).statusCode).toBe(200);
    const left = await pod.ask('DELETE', '/v1/session', headers);
    expect(left.statusCode).toBe(204);
    expect(String(left.headers['set-cookie'])).toBe(
      'qm_session_7070=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0',
    );
    problemIn(await pod.ask('GET', '/v1/session', headers), 401, 'session_ended');
    house.wait(10);
    problemIn(await other.ask('GET', '/v1/session', headers), 401, 'session_ended');
    // Nothing is left to end, and the cookie is taken away all the same, without a token too.
    const again = await other.ask('DELETE', '/v1/session', { cookie: headers.cookie ?? '' });
    expect(again.statusCode).toBe(204);
    expect(String(again.headers['set-cookie'])).toContain('qm_session_7070=; ');
    expect((await other.ask('DELETE', '/v1/session')).statusCode).toBe(204);
    const foreign = { ...headers, 'sec-fetch-site': 'cross-site' };
    problemIn(await other.ask('DELETE', '/v1/session', foreign), 403, 'cross_site');
    expect((await house.events('leaves')).map(({ event }) => event)).toEqual(['sign-in', 'sign-out']);
  });

  it('with its key: revoked, or expired', async () => {
    const { token, id } = await house.key('revoked');
    const pod = house.pod();
    const { cookie } = cookieOf(await pod.signIn(token));
    expect((await pod.ask('GET', '/v1/session', { cookie })).statusCode).toBe(200);
    await revokeKey(house.book.db, id, 'ops');
    house.wait(10);
    problemIn(await pod.ask('GET', '/v1/session', { cookie }), 401, 'session_ended');
    problemIn(await pod.signIn(token), 401, 'invalid_token');
    expect(await house.events('revoked')).toEqual([
      { event: 'sign-in', detail: { key: id, expires_at: expect.any(String) } },
      { event: 'sign-in-refused', detail: { key: id, revoked_at: expect.any(String) } },
    ]);
    expect(await house.events('ops')).toEqual([
      { event: 'key-revoke', detail: { key: id, name: 'revoked' } },
    ]);

    const soon = new Date(house.clock.now().getTime() + 60_000);
    const short = await pod.signIn((await house.key('short', ['reader'], soon)).token);
    expect(short.json().expires_at).toBe(soon.toISOString());
    expect(cookieOf(short).attributes).toContain('Max-Age=60');
    house.wait(60);
    problemIn(await pod.ask('GET', '/v1/session', { cookie: cookieOf(short).cookie }), 401, 'session_ended');
  });

  it('with the token that opened it, of which it keeps who it was', async () => {
    const until = house.clock.now().getTime() + 120_000;
    const identity = { name: 'grace', roles: ['reader'], ledgers: ['main'] } as const;
    const pod = house.pod({ jwt: async () => ({ identity, until }) });
    const answer = await pod.signIn('a.b.c');
    expect(answer.json()).toMatchObject({
      name: 'grace',
      ledgers: ['main'],
      expires_at: new Date(until).toISOString(),
    });
    const { cookie } = cookieOf(answer);
    // Another process needs no issuer to know who it is.
    expect((await house.pod().ask('GET', '/v1/session', { cookie })).json()).toMatchObject(identity);
    house.wait(120);
    problemIn(await pod.ask('GET', '/v1/session', { cookie }), 401, 'session_ended');
    expect(await house.events('grace')).toEqual([
      { event: 'sign-in', detail: { token: true, expires_at: new Date(until).toISOString() } },
    ]);
  });

  it('and its row is taken away by the worker, which leaves those that go on', async () => {
    const { token } = await house.key('purged');
    const pod = house.pod();
    await pod.signIn(token);
    const left = await pod.signIn(token);
    await pod.ask('DELETE', '/v1/session', pageHeaders(left));
    house.wait(HOUR);
    const { cookie } = cookieOf(await pod.signIn(token));
    const worker = house.book.as('worker').write;
    const { deleted } = await purgeSessions(worker, { at: house.clock.now() });
    expect(deleted).toBeGreaterThanOrEqual(2);
    expect(await purgeSessions(worker, { at: house.clock.now() })).toEqual({ deleted: 0 });
    expect((await pod.ask('GET', '/v1/session', { cookie })).statusCode).toBe(200);
  });
});
