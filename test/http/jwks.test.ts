import type { RequestListener } from 'node:http';
import { describe, expect, it } from 'vitest';
import { claims, jwksOf, main, makeKey, now, openIssuer, refused, sign, unavailable } from './issuer.ts';

describe("the issuer's keys", () => {
  it('are asked for once, however many call at once', async () => {
    const { verify, state } = await openIssuer(main);
    const tokens = await Promise.all(
      Array.from({ length: 20 }, (_, n) => sign({ ...claims, sub: `user-${n}` })),
    );
    await Promise.all(tokens.map(verify));
    expect(state.requests).toBe(1);
  });

  it('may be followed by new ones, for which is asked once in half a minute', async () => {
    const { verify, state } = await openIssuer(main);
    await verify(await sign(claims));
    const next = makeKey('ES256', 'next');
    state.jwks = await jwksOf(main, next);
    const token = await sign(claims, next);
    state.ms += 29_999;
    await expect(verify(token)).rejects.toMatchObject(refused);
    expect(state.requests).toBe(1);
    state.ms += 1;
    expect((await verify(token)).identity.name).toBe('ann');
    await verify(await sign(claims));
    expect(state.requests).toBe(2);
    // A storm of tokens that name keys nobody has asks no more often.
    for (let n = 0; n < 10; n++) {
      await expect(verify(await sign(claims, makeKey('EdDSA')))).rejects.toMatchObject(refused);
    }
    expect(state.requests).toBe(2);
  });

  it('that are withdrawn are no good ten minutes later', async () => {
    const { verify, state } = await openIssuer(main);
    const token = await sign({ ...claims, exp: now(86_400) });
    await verify(token);
    state.jwks = await jwksOf(makeKey('ES256'));
    state.ms += 10 * 60_000;
    // This one is let in while they are asked for.
    await verify(token);
    await expect.poll(() => verify(token).catch((error: unknown) => error)).toMatchObject(refused);
    expect(state.requests).toBe(2);
  });
});

describe('while the issuer is away', () => {
  it('a token is not called bad, and the issuer is asked again after two seconds only', async () => {
    const { verify, state, stop, restart } = await openIssuer(main);
    await stop();
    const token = await sign(claims);
    await expect(verify(token)).rejects.toMatchObject(unavailable);
    await restart();
    state.ms += 1_999;
    await expect(verify(token)).rejects.toMatchObject(unavailable);
    expect(state.requests).toBe(0);
    state.ms += 1;
    expect((await verify(token)).identity.name).toBe('ann');
  });

  it('the keys it told are good for an hour', async () => {
    const { verify, state, stop } = await openIssuer(main);
    const token = await sign({ ...claims, exp: now(86_400) });
    await verify(token);
    await stop();
    state.ms += 60 * 60_000 - 1;
    await verify(token);
    // A key that is not among them may be a new one: nobody can say.
    await expect(verify(await sign(claims, makeKey('ES256')))).rejects.toMatchObject(unavailable);
    state.ms += 1;
    await expect(verify(token)).rejects.toMatchObject(unavailable);
  });

  it.each<[string, RequestListener]>([
    ['fails', (_, response) => void response.writeHead(500).end('{"keys":[]}')],
    [
      'sends elsewhere',
      (request, response) =>
        void (request.url === '/keys'
          ? response.writeHead(302, { location: '/elsewhere' }).end()
          : response.end('{"keys":[]}')),
    ],
    ['answers no JSON', (_, response) => void response.end('<html>')],
    ['answers other JSON', (_, response) => void response.end('{"keys":7}')],
    ['hangs up', (request) => void request.socket.destroy()],
  ])('in that it %s, that is told too', async (_, answer) => {
    const { verify, issuer, answerKeys, state } = await openIssuer(main);
    issuer.answer = answer;
    const token = await sign(claims);
    await expect(verify(token)).rejects.toMatchObject(unavailable);
    issuer.answer = answerKeys;
    state.ms += 2_000;
    expect((await verify(token)).identity.name).toBe('ann');
    // All keys are known again, so one that is not among them is no key.
    await expect(verify(await sign(claims, makeKey('ES256')))).rejects.toMatchObject(refused);
  });

  it('in that it never answers, it is given up after five seconds', async () => {
    const { verify, issuer } = await openIssuer(main);
    issuer.answer = () => {};
    await expect(verify(await sign(claims))).rejects.toMatchObject(unavailable);
  });
});
