import { createHmac } from 'node:crypto';
import { exportJWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { createJwtVerifier } from '../../src/http/jwt.ts';
import { claims, main, makeKey, now, openIssuer, refused, START, sign } from './issuer.ts';

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a token of the issuer', () => {
  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'])('signed with %s tells who calls', async (alg) => {
    const key = makeKey(alg);
    const { verify } = await openIssuer(main, key);
    expect(await verify(await sign(claims, key))).toEqual({
      identity: { name: 'ann', roles: ['writer'], ledgers: ['main'] },
      until: (now(300) + 30) * 1000,
    });
  });

  it.each<[string, object, object]>([
    ['no roles', { quartermaster_roles: undefined }, { roles: [] }],
    ['roles that are no list', { quartermaster_roles: 'admin' }, { roles: [] }],
    [
      'roles of others',
      { quartermaster_roles: ['root', 'reader', 7, null, ['admin']] },
      { roles: ['reader'] },
    ],
    ['no ledgers', { quartermaster_ledgers: undefined }, { ledgers: [] }],
    ['all ledgers', { quartermaster_ledgers: '*' }, { ledgers: null }],
    ['null for ledgers', { quartermaster_ledgers: null }, { ledgers: [] }],
    ['a star among ledgers, which is no ledger', { quartermaster_ledgers: ['*'] }, { ledgers: ['*'] }],
    ['ledgers that are no names', { quartermaster_ledgers: ['main', 7, null] }, { ledgers: ['main'] }],
    ['one name for a list', { quartermaster_ledgers: 'main' }, { ledgers: [] }],
    ['several audiences', { aud: ['other', 'ledger'] }, { name: 'ann' }],
  ])('may have %s', async (_, parts, expected) => {
    const { verify } = await openIssuer(main);
    const { identity } = await verify(await sign({ ...claims, ...parts }));
    expect(identity).toMatchObject(expected);
  });

  it('is good half a minute longer, and earlier, than it says', async () => {
    const { verify, state } = await openIssuer(main);
    const token = await sign({ ...claims, nbf: now(100), exp: now(200) });
    for (const [seconds, good] of [
      [69, false],
      [70, true],
      [229, true],
      [230, false],
    ] as const) {
      state.ms = START + seconds * 1000;
      if (good) expect((await verify(token)).identity.name).toBe('ann');
      else await expect(verify(token)).rejects.toMatchObject(refused);
    }
  });
});

describe('a token is refused', () => {
  it.each<[string, Record<string, unknown>]>([
    ['of another issuer', { iss: 'https://id.example.evil' }],
    ['of no issuer', { iss: undefined }],
    ['for another audience', { aud: 'other' }],
    ['for no audience', { aud: undefined }],
    ['for an empty list of audiences', { aud: [] }],
    ['without an end', { exp: undefined }],
    ['whose end is a text', { exp: '9999999999' }],
    ['that has ended', { exp: now(-31) }],
    ['that has not begun', { nbf: now(31) }],
    ['without a subject', { sub: undefined }],
    ['whose subject is empty', { sub: '' }],
    ['whose subject is a number', { sub: 7 }],
    ['whose subject is too long', { sub: 'x'.repeat(256) }],
    ['whose subject PostgreSQL cannot keep', { sub: 'ada\0' }],
    ['whose subject would steer a terminal', { sub: 'ada\u001b[2J' }],
  ])('%s', async (_, parts) => {
    const { verify } = await openIssuer(main);
    const token = await sign(JSON.parse(JSON.stringify({ ...claims, ...parts })));
    await expect(verify(token)).rejects.toMatchObject(refused);
  });

  it('that somebody else signed, in the name of a key of the issuer or with a key it brings along', async () => {
    const { verify } = await openIssuer(main);
    const own = makeKey('RS256', 'main');
    await expect(verify(await sign(claims, own))).rejects.toMatchObject(refused);
    const jwk = await exportJWK(own.publicKey);
    await expect(verify(await sign(claims, own, { jwk }))).rejects.toMatchObject(refused);
    const elsewhere = await openIssuer(own);
    const jku = elsewhere.settings.jwksUrl;
    await expect(verify(await sign(claims, own, { jku }))).rejects.toMatchObject(refused);
    expect(elsewhere.state.requests).toBe(0);
  });

  it('that nobody signed', async () => {
    const { verify, state } = await openIssuer(main);
    for (const alg of ['none', 'None', 'NONE', '', null, undefined, 0]) {
      for (const signature of ['', 'AAAA']) {
        const token = `${encode({ alg, kid: 'main' })}.${encode(claims)}.${signature}`;
        await expect(verify(token)).rejects.toMatchObject(refused);
      }
    }
    // Such a one is not worth asking for the keys.
    expect(state.requests).toBe(0);
  });

  it('that is signed with the public key as a shared secret', async () => {
    const { verify } = await openIssuer(main);
    const secrets = [
      main.publicKey.export({ type: 'spki', format: 'pem' }),
      main.publicKey.export({ type: 'spki', format: 'der' }),
      JSON.stringify(await exportJWK(main.publicKey)),
    ];
    for (const secret of secrets) {
      const signed = `${encode({ alg: 'HS256', kid: 'main' })}.${encode(claims)}`;
      const signature = createHmac('sha256', secret).update(signed).digest('base64url');
      await expect(verify(`${signed}.${signature}`)).rejects.toMatchObject(refused);
    }
  });

  it('by another algorithm than its key is for', async () => {
    const { verify } = await openIssuer(main);
    await expect(verify(await sign(claims, { ...main, alg: 'PS256' }))).rejects.toMatchObject(refused);
    await expect(verify(await sign(claims, { ...main, alg: 'RS512' }))).rejects.toMatchObject(refused);
  });

  it('that was changed, is huge, or is none', async () => {
    const { verify } = await openIssuer(main);
    const token = await sign(claims);
    const [header, , signature] = token.split('.');
    const forged = `${header}.${encode({ ...claims, quartermaster_roles: ['admin'] })}.${signature}`;
    const nested = Buffer.from(`${'['.repeat(100_000)}${']'.repeat(100_000)}`).toString('base64url');
    const wrong = [
      forged,
      `${token}A`,
      '..',
      'a.b.c',
      `${nested}.${nested}.${nested}`,
      `${header}.${nested}.${signature}`,
    ];
    wrong.push(
      await sign({ ...claims, more: 'x'.repeat(1_000_000) }, makeKey('RS256', 'main')),
      '\u0000.\ud800.é',
    );
    for (const each of wrong) await expect(verify(each)).rejects.toMatchObject(refused);
  });

  it('and told why, without a word of what is in it', async () => {
    const { verify } = await openIssuer(main);
    const token = await sign({ ...claims, aud: 'a-secret-audience' });
    const error = await verify(token).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ ...refused, detail: expect.stringContaining('"aud" claim') });
    expect((error as Error).cause).toBeUndefined();
    expect(String(error)).not.toContain('a-secret-audience');
  });
});

it('there are no such tokens without the settings, and never without an issuer and an audience', () => {
  const clock = { now: () => new Date(START) };
  const settings = { jwksUrl: undefined, jwtIssuer: undefined, jwtAudience: undefined };
  expect(createJwtVerifier(settings, clock)).toBeUndefined();
  const half = { ...settings, jwksUrl: 'https://id.example/keys', jwtIssuer: 'https://id.example' };
  expect(() => createJwtVerifier(half, clock)).toThrow('come together');
});
