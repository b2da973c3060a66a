import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, type JWTPayload, SignJWT } from 'jose';
import { onTestFinished } from 'vitest';
import { createJwtVerifier } from '../../src/http/jwt.ts';

export const START = Date.UTC(2026, 0, 1);
export const refused = { kind: 'unauthenticated', code: 'invalid_token' };
export const unavailable = { kind: 'unavailable', code: 'jwks_unavailable' };

export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export function makeKey(alg: string, kid: string = randomUUID()): SigningKey {
  if (alg === 'ES256') return { kid, alg, ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) };
  if (alg === 'EdDSA') return { kid, alg, ...generateKeyPairSync('ed25519') };
  return { kid, alg, ...generateKeyPairSync('rsa', { modulusLength: 2048 }) };
}

export const main = makeKey('RS256', 'main');

export const jwksOf = async (...keys: SigningKey[]) => ({
  keys: await Promise.all(
    keys.map(async ({ kid, alg, publicKey }) => ({ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' })),
  ),
});

/** An issuer on loopback until the test ends, a clock moved by hand, and the verifier between them. */
export async function openIssuer(...keys: SigningKey[]) {
  const state = { ms: START, requests: 0, jwks: (await jwksOf(...keys)) as unknown };
  const answerKeys: RequestListener = (_, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(state.jwks));
  };
  const issuer = { answer: answerKeys };
  const server = createServer((request, response) => {
    state.requests++;
    issuer.answer(request, response);
  });
  const stop = async () => {
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(stop);
  const start = async (port = 0) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const port = await start();
  const settings = {
    jwksUrl: `http://127.0.0.1:${port}/keys`,
    jwtIssuer: 'https://id.example',
    jwtAudience: 'ledger',
  };
  const verify = createJwtVerifier(settings, { now: () => new Date(state.ms) });
  if (!verify) throw new Error('there is no verifier');
  return { state, issuer, answerKeys, verify, settings, stop, restart: () => start(port) };
}

export const now = (seconds = 0) => START / 1000 + seconds;
export const claims = {
  iss: 'https://id.example',
  aud: 'ledger',
  sub: 'ann',
  exp: now(300),
  quartermaster_roles: ['writer'],
  quartermaster_ledgers: ['main'],
};

export function sign(payload: JWTPayload, key = main, header: object = {}): Promise<string> {
  return new SignJWT(payload)
    .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header })
    .sign(key.privateKey);
}
