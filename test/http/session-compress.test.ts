import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { makeKey } from '../../src/ledger/keys.ts';
import { cookieOf, useSignIn } from './signing-in.ts';

const house = useSignIn();

describe('an answer', () => {
  it('is compressed for the page alone, and never the one that holds the token', async () => {
    const { token } = await house.key('gzip');
    const pod = house.pod();
    const { cookie } = cookieOf(await pod.signIn(token));
    const url = '/v1/about';
    const gzip = { 'accept-encoding': 'gzip, br' };
    const plain = await pod.ask('GET', url, { authorization: `Bearer ${token}`, ...gzip });
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(plain.body.length).toBeGreaterThan(2048);
    const asked = await pod.ask('GET', url, { cookie, ...gzip });
    expect(asked.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' });
    expect(Number(asked.headers['content-length'])).toBeLessThan(plain.body.length / 2);
    expect(gunzipSync(asked.rawPayload).toString()).toBe(plain.body);
    expect((await pod.ask('GET', url, { cookie })).body).toBe(plain.body);
    const refusing = await pod.ask('GET', url, { cookie, 'accept-encoding': 'gzip;q=0, *' });
    expect(refusing.headers['content-encoding']).toBeUndefined();
    // However long it is.
    const ledgers = Array.from({ length: 300 }, (_, i) => `ledger-${i}`);
    const { key: ofProcess, token: another } = makeKey({ name: 'long', roles: ['reader'], ledgers });
    const long = house.pod({ extra: [ofProcess] });
    const signedIn = await long.signIn(another, gzip);
    expect(signedIn.headers['content-encoding']).toBeUndefined();
    const session = await long.ask('GET', '/v1/session', { cookie: cookieOf(signedIn).cookie, ...gzip });
    expect(session.body.length).toBeGreaterThan(2048);
    expect(session.headers['content-encoding']).toBeUndefined();
  });
});
