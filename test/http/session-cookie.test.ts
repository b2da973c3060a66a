import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { problemIn } from './house.ts';
import { cookieOf, useSignIn } from './signing-in.ts';

const house = useSignIn();

/** The status of an answer to a request whose cookies are these bytes. */
async function statusOf(url: string, cookie: Buffer): Promise<number> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write('GET /v1/session HTTP/1.1\r\nHost: ledger.example.test\r\nConnection: close\r\nCookie: ');
  socket.write(Buffer.concat([cookie, Buffer.from('\r\n\r\n')]));
  return Number((await text(socket)).split(' ')[1]);
}

describe('the cookie of a session', () => {
  it('has its name to the byte: what a browser takes for another name another host may have set', async () => {
    const { token } = await house.key('to the byte');
    const pod = house.pod();
    const { cookie } = cookieOf(await pod.signIn(token, { host: 'ledger.example.test' }));
    const url = await pod.listen();
    const spoiled = (...bytes: number[]) => Buffer.concat([Buffer.from(bytes), Buffer.from(cookie)]);
    expect(await statusOf(url, spoiled())).toBe(200);
    expect(
      await statusOf(url, Buffer.concat([Buffer.from('a=b; \t'), spoiled(), Buffer.from(' ;c=d')])),
    ).toBe(200);
    // U+00A0 in Latin-1 and in UTF-8, a next line, and U+FEFF in UTF-8.
    for (const bytes of [[0xa0], [0xc2, 0xa0], [0x85], [0xef, 0xbb, 0xbf]]) {
      expect(await statusOf(url, spoiled(...bytes)), bytes.join()).toBe(401);
      expect(
        await statusOf(url, Buffer.concat([Buffer.from('a=b; '), spoiled(...bytes)])),
        bytes.join(),
      ).toBe(401);
    }
  });

  it.each([
    ['https', 'https://ledger.example.com'],
    ['https at this machine', 'https://localhost'],
    ['another machine', 'http://ledger.example.com'],
    ['a page without an origin', 'null'],
  ])('is the strict one for %s, though the proxy names this process as the host', async (_what, origin) => {
    const { token } = await house.key(`proxy ${origin}`);
    const pod = house.pod();
    const signedIn = await pod.signIn(token, { origin });
    const { cookie, attributes } = cookieOf(signedIn);
    expect(cookie).toMatch(/^__Host-qm_session=qms_/);
    expect(attributes).toContain('Secure');
    // With a GET no browser says where it comes from.
    const asked = await pod.bare('GET', '/v1/session', { host: '127.0.0.1:7070', cookie });
    expect(asked.json()).toMatchObject({ name: `proxy ${origin}` });
    const headers = { cookie, 'x-csrf-token': signedIn.json().csrf_token };
    const left = await pod.ask('DELETE', '/v1/session', headers);
    expect(left.headers['set-cookie']).toEqual([
      '__Host-qm_session=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0',
    ]);
    problemIn(await pod.ask('GET', '/v1/session', { cookie }), 401, 'session_ended');
  });

  it('is looked at before the plain one, and takes its place', async () => {
    const { token } = await house.key('strict');
    const pod = house.pod();
    const plain = cookieOf(await pod.signIn((await house.key('plain')).token)).cookie;
    const strict = cookieOf(await pod.signIn(token, { origin: 'https://localhost' })).cookie;
    const both = await pod.ask('GET', '/v1/session', { cookie: `${plain}; ${strict}` });
    expect(both.json()).toMatchObject({ name: 'strict' });
    // Who signs in anew has one cookie afterwards.
    const anew = await pod.signIn(token, { cookie: `${plain}; ${strict}` });
    expect(anew.headers['set-cookie']).toEqual([
      expect.stringMatching(/^qm_session_7070=qms_/),
      '__Host-qm_session=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0',
    ]);
  });
});
