import { describe, expect, it } from 'vitest';
import { problemIn } from './house.ts';
import { cookieOf, own, pageHeaders, useSignIn } from './signing-in.ts';

const house = useSignIn();
const account = { account: 'eve:WALLET', currency: 'EUR' };
const url = '/v1/ledgers/main/accounts';

/** Somebody who may do everything, signed in; and whether their ledger still is as it was. */
async function signedIn(name: string) {
  const pod = house.pod();
  const answer = await pod.signIn((await house.key(name)).token);
  const headers = pageHeaders(answer);
  return {
    pod,
    headers,
    cookie: cookieOf(answer).cookie,
    token: headers['x-csrf-token'] ?? '',
    untouched: async () => {
      const { body } = await pod.ask('GET', `${url}?entity=eve`, { cookie: headers.cookie ?? '' });
      expect(body).not.toContain('eve:WALLET');
    },
  };
}

describe('what changes something, with the cookie', () => {
  it('is done for the page of this server, which sends the token', async () => {
    const { pod, headers } = await signedIn('page');
    const answer = await pod.ask('POST', url, headers, { ...account, account: 'page:WALLET' });
    expect(answer.statusCode).toBeLessThan(300);
  });

  it.each<[string, number, string, Record<string, string>]>([
    ['without the token', 403, 'csrf_token_missing', { 'x-csrf-token': '' }],
    ['with a token of nobody', 403, 'csrf_token_wrong', { 'x-csrf-token': `qmc_${'A'.repeat(43)}` }],
    ['with a shorter token', 403, 'csrf_token_wrong', { 'x-csrf-token': 'qmc' }],
    ['from a page of another site', 403, 'cross_site', { 'sec-fetch-site': 'cross-site' }],
    ['from a page of another port of this host', 403, 'cross_site', { 'sec-fetch-site': 'same-site' }],
    ['typed into the address bar', 403, 'cross_site', { 'sec-fetch-site': 'none' }],
    [
      'by an old browser on another site',
      403,
      'cross_site',
      { 'sec-fetch-site': '', origin: 'https://evil.example' },
    ],
    [
      'by an old browser on another port',
      403,
      'cross_site',
      { 'sec-fetch-site': '', origin: 'http://127.0.0.1:8080' },
    ],
    ['by a page without an origin', 403, 'cross_site', { 'sec-fetch-site': '', origin: 'null' }],
  ])('is refused %s', async (_how, status, code, changed) => {
    const { pod, headers, untouched } = await signedIn('eve');
    // An empty value stands for a header that is not sent.
    const sent = Object.entries({ ...own, ...headers, ...changed }).filter(([, value]) => value !== '');
    const answer = await pod.bare('POST', url, Object.fromEntries(sent), account);
    problemIn(answer, status, code);
    await untouched();
  });

  it('is refused with the token of another session, also of the same person', async () => {
    const [one, other] = [await signedIn('mallory'), await signedIn('mallory')];
    expect(one.token).not.toBe(other.token);
    const headers = { ...one.headers, 'x-csrf-token': other.token };
    problemIn(await one.pod.ask('POST', url, headers, account), 403, 'csrf_token_wrong');
    await one.untouched();
  });

  it('is refused for every method and route that is not a GET', async () => {
    const { pod, cookie } = await signedIn('methods');
    for (const [method, path] of [
      ['POST', '/v1/ledgers'],
      ['POST', '/v1/ledgers/main/transactions'],
      ['POST', '/v1/quarters/2026q1/close'],
      ['DELETE', '/v1/session'],
    ] as const) {
      problemIn(
        await pod.ask(method, path, { cookie }, method === 'POST' ? {} : undefined),
        403,
        'csrf_token_missing',
      );
    }
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'is refused as %s, which a form can send',
    async (type) => {
      const { pod, headers, cookie, untouched } = await signedIn('form');
      const body = JSON.stringify(account);
      const foreign = { cookie, 'content-type': type, 'sec-fetch-site': 'cross-site', origin: 'null' };
      problemIn(await pod.ask('POST', url, foreign, body), 403, 'cross_site');
      problemIn(
        await pod.ask('POST', url, { ...headers, 'content-type': type }, body),
        415,
        'unsupported_media_type',
      );
      await untouched();
    },
  );

  it('is looked at by its key where it brings one: no other site can make a browser send that', async () => {
    const { pod, cookie } = await signedIn('both');
    const { token } = await house.key('reads only', ['reader']);
    const headers = { cookie, authorization: `Bearer ${token}`, 'sec-fetch-site': 'cross-site' };
    const session = await pod.ask('GET', '/v1/session', headers);
    expect(session.json()).toMatchObject({ name: 'reads only', csrf_token: null, expires_at: null });
    problemIn(await pod.ask('POST', url, headers, account), 403, 'forbidden');
    // A key that is no good is not made good by a cookie beside it.
    problemIn(
      await pod.ask('GET', '/v1/session', { cookie, authorization: 'Bearer no' }),
      401,
      'invalid_token',
    );
    const { token: writer } = await house.key('writes', ['writer']);
    const written = { ...headers, authorization: `Bearer ${writer}` };
    expect(
      (await pod.ask('POST', url, written, { ...account, account: 'w:WALLET' })).statusCode,
    ).toBeLessThan(300);
  });
});

describe('a refusal', () => {
  it('opens no dialog of the browser', async () => {
    const pod = house.pod();
    const answers = [
      await pod.ask('GET', '/v1/session'),
      await pod.ask('GET', '/v1/session', { cookie: `qm_session_7070=qms_${'A'.repeat(43)}` }),
      await pod.signIn('nonsense'),
    ];
    for (const { statusCode, headers } of answers) {
      expect(statusCode).toBe(401);
      expect(headers['www-authenticate']).toMatch(/^Bearer realm="quartermaster"/);
    }
  });
});

describe('signing in', () => {
  it.each<[string, number, string, Record<string, string>]>([
    ['by a form', 415, 'unsupported_media_type', { 'content-type': 'text/plain' }],
    ['by a page of another site', 403, 'cross_site', { 'sec-fetch-site': 'cross-site' }],
    ['by a page of another port', 403, 'cross_site', { 'sec-fetch-site': 'same-site' }],
  ])(
    'is refused %s, which would make somebody work under another name',
    async (_how, status, code, headers) => {
      const { token } = await house.key('login csrf');
      const body = JSON.stringify({ key: token });
      const answer = await house
        .pod()
        .ask('POST', '/v1/session', { 'content-type': 'application/json', ...headers }, body);
      problemIn(answer, status, code);
      expect(answer.headers['set-cookie']).toBeUndefined();
    },
  );

  it('is refused for a while after ten wrong keys of an address, whatever the eleventh is', async () => {
    const { token } = await house.key('patient');
    const pod = house.pod();
    // Who gets in has used up nothing.
    for (let i = 0; i < 12; i++) expect((await pod.signIn(token, {}, '203.0.113.9')).statusCode).toBe(200);
    const wrong = Array.from({ length: 12 }, () => pod.signIn('wrong', {}, '203.0.113.9'));
    const statuses = (await Promise.all(wrong)).map(({ statusCode }) => statusCode);
    expect(statuses.filter((status) => status === 401)).toHaveLength(10);
    const answer = await pod.signIn(token, {}, '203.0.113.9');
    expect(problemIn(answer, 429, 'too_many_attempts').detail).toContain('Wait 30 s');
    expect(answer.headers['retry-after']).toBe('30');
    expect((await pod.signIn(token, {}, '203.0.113.10')).statusCode).toBe(200);
    house.wait(30);
    expect((await pod.signIn(token, {}, '203.0.113.9')).statusCode).toBe(200);
  });

  it('is bounded for one key too, a good one, which adds to the story of the house each time', async () => {
    const { token } = await house.key('tireless');
    const pod = house.pod();
    const all = Array.from({ length: 40 }, (_, i) => pod.signIn(token, {}, `203.0.113.${i}`));
    const statuses = (await Promise.all(all)).map(({ statusCode }) => statusCode);
    expect(statuses.filter((status) => status === 200)).toHaveLength(30);
    const answer = await pod.signIn(token);
    expect(problemIn(answer, 429, 'too_many_sign_ins').detail).toContain('Wait 120 s');
    expect(answer.headers['retry-after']).toBe('120');
    expect(await house.events('tireless')).toHaveLength(30);
    // That is the key's own doing, and not that of who else signs in there.
    expect((await pod.signIn((await house.key('beside')).token)).statusCode).toBe(200);
    house.wait(120);
    expect((await pod.signIn(token)).statusCode).toBe(200);
  });

  it('is written down of a key that is tried from everywhere so often and no oftener', async () => {
    const { token } = await house.key('tried');
    const pod = house.pod();
    const wrong = token.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    const all = Array.from({ length: 40 }, (_, i) => pod.signIn(wrong, {}, `203.0.113.${i}`));
    for (const answer of await Promise.all(all)) problemIn(answer, 401, 'invalid_token');
    expect(await house.events('tried')).toHaveLength(30);
    expect((await pod.signIn(token)).statusCode).toBe(200);
  });

  it.each([
    ['a neighbour', '10.1.2.3'],
    ['another machine', '192.168.7.7'],
    ['a link', 'fe80::7'],
    ['a private network', 'fd00::7'],
  ])('takes the word of no proxy that it was not told of: %s', async (_what, address) => {
    const pod = house.pod();
    for (let i = 0; i < 10; i++) {
      const spoofed = { 'x-forwarded-for': `203.0.113.${i}` };
      problemIn(await pod.signIn('wrong', spoofed, address), 401, 'invalid_token');
    }
    const spoofed = { 'x-forwarded-for': '203.0.113.99' };
    problemIn(await pod.signIn('wrong', spoofed, address), 429, 'too_many_attempts');
  });

  it.each([
    ['no address', (i: number) => `${'x'.repeat(2000)}${i}`],
    ['an address with a long zone', (i: number) => `fe80::1%${'x'.repeat(2000)}${i}`],
    ['one address each of a network', (i: number) => `2001:db8:0:7:${i + 1}::1`],
    ['the same, written out', (i: number) => `2001:0DB8::7:0:${i}:0:1`],
  ])('counts as one who is told to be %s', async (_what, name) => {
    const pod = house.pod();
    for (let i = 0; i < 10; i++) {
      problemIn(await pod.signIn('wrong', { 'x-forwarded-for': name(i) }), 401, 'invalid_token');
    }
    problemIn(await pod.signIn('wrong', { 'x-forwarded-for': name(10) }), 429, 'too_many_attempts');
    const other = { 'x-forwarded-for': '2001:db8:0:8::1' };
    problemIn(await pod.signIn('wrong', other), 401, 'invalid_token');
  });

  it('counts whom a proxy names that it was told of, and nobody whom a stranger names', async () => {
    const { token } = await house.key('proxied');
    const pod = house.pod({ trustedProxies: ['127.0.0.1', '10.1.0.0/16'] });
    const through = (address: string) => ({ 'x-forwarded-for': `198.51.100.1, ${address}` });
    for (let i = 0; i < 10; i++) await pod.signIn('wrong', through('203.0.113.20'), '10.1.2.3');
    problemIn(await pod.signIn(token, through('203.0.113.20'), '10.1.2.3'), 429, 'too_many_attempts');
    expect((await pod.signIn(token, through('203.0.113.21'), '10.1.2.3')).statusCode).toBe(200);
    for (let i = 0; i < 10; i++) await pod.signIn('wrong', through(`203.0.113.${30 + i}`), '203.0.113.50');
    problemIn(await pod.signIn(token, through('203.0.113.49'), '203.0.113.50'), 429, 'too_many_attempts');
  });
});
