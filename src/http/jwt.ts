import { createLocalJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { isRole } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import { AppError, assert } from '../core/errors.ts';
import type { Config } from '../platform/config.ts';
import type { Verified } from './authenticator.ts';

/** Signatures of a private key only. With HS256 whoever knows the public key could sign, and with none everybody. */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];

/** By so much the issuer's clock and ours may differ. */
const TOLERANCE_S = 30;

/** The longest the issuer may take to tell its keys. */
const TIMEOUT_MS = 5_000;

/** After so long the keys are asked for again, while requests go on with those we have. */
const RENEW_MS = 10 * 60_000;

/** So long are they used when the issuer is away. A key that was withdrawn meanwhile is not missed until then. */
const KEEP_MS = 60 * 60_000;

/** A token may name a key that is not there: so often at most does that make us ask. */
const COOLDOWN_MS = 30_000;

/** So long nobody is asked again after a failure. */
const PAUSE_MS = 2_000;

const SUBJECT = /^(?=.{1,255}$)\P{C}+$/u;

type JwtConfig = Pick<Config, 'jwksUrl' | 'jwtIssuer' | 'jwtAudience'>;

/**
 * Verifies JSON web tokens by the keys at QM_JWKS_URL; undefined without that setting. A token is good when a key that its
 * header names (`kid`) signed it by one of ALGORITHMS, and these claims are right:
 *
 * - `iss` is QM_JWT_ISSUER, and `aud` is or holds QM_JWT_AUDIENCE;
 * - `exp` is there and to come, `nbf` is past or missing, both with TOLERANCE_S of grace;
 * - `sub`, of 1 to 255 characters, none of them a control character: the name of who calls;
 * - `quartermaster_roles`, a list of `reader`, `writer`, `finance` and `admin`: what they may do. Others in the list mean
 *   something elsewhere and are passed over; without any the token opens nothing;
 * - `quartermaster_ledgers`, a list of names, or the text `*` for all ledgers, those to come included. Without it: none.
 *
 * The function it makes throws unauthenticated/invalid_token, and unavailable/jwks_unavailable when the issuer cannot be
 * reached for a key that is not here.
 */
export function createJwtVerifier(
  { jwksUrl, jwtIssuer: issuer, jwtAudience: audience }: JwtConfig,
  clock: Clock,
): ((token: string) => Promise<Verified>) | undefined {
  if (jwksUrl === undefined) return undefined;
  // jose checks neither of the two when it is undefined.
  assert(issuer !== undefined && audience !== undefined, 'the settings of JSON web tokens come together');
  const findKey = createKeySource(jwksUrl, clock);
  return async (token) => {
    const currentDate = clock.now();
    const { payload } = await jwtVerify(token, findKey, {
      algorithms: ALGORITHMS,
      issuer,
      audience,
      clockTolerance: TOLERANCE_S,
      requiredClaims: ['exp', 'sub'],
      currentDate,
    }).catch((error: unknown) => {
      throw error instanceof AppError ? error : refused(error);
    });
    return verifiedBy(payload);
  };
}

function verifiedBy(payload: JWTPayload): Verified {
  const { sub, exp, quartermaster_roles: roles, quartermaster_ledgers: ledgers } = payload;
  // It goes into events that PostgreSQL keeps and terminals print, as the name of a key does.
  if (typeof sub !== 'string' || !SUBJECT.test(sub) || exp === undefined) throw refused();
  return {
    identity: {
      name: sub,
      roles: Array.isArray(roles) ? roles.filter(isRole) : [],
      ledgers: ledgers === '*' ? null : Array.isArray(ledgers) ? ledgers.filter(isText) : [],
    },
    until: (exp + TOLERANCE_S) * 1000,
  };
}

/** Says what is wrong where jose does, which names claims and never quotes them. */
function refused(error?: unknown): AppError {
  const why = error instanceof errors.JOSEError ? error.message : 'it is not what it should be';
  return new AppError('unauthenticated', 'invalid_token', `The token is refused: ${why}.`);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/**
 * The issuer's keys, with the constants above for their times. jose's own source of remote keys lets requests wait for every
 * renewal, fails them when it does, and asks an issuer that is away at every request.
 */
function createKeySource(url: string, clock: Clock): JWTVerifyGetKey {
  let held: { keys: JWTVerifyGetKey; at: number } | undefined;
  let failure: AppError | undefined;
  let triedAt = Number.NEGATIVE_INFINITY;
  let loading: Promise<JWTVerifyGetKey> | undefined;

  /** A clock that was set back must not hold anything up. */
  const hasPassed = (ms: number, since: number) => {
    const passed = clock.now().getTime() - since;
    return passed < 0 || passed >= ms;
  };

  async function load(): Promise<JWTVerifyGetKey> {
    triedAt = clock.now().getTime();
    try {
      const response = await fetch(url, {
        headers: { accept: 'application/jwk-set+json, application/json' },
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (response.status !== 200) throw new Error(`it answers ${response.status}`);
      const keys = createLocalJWKSet((await response.json()) as Parameters<typeof createLocalJWKSet>[0]);
      held = { keys, at: triedAt };
      failure = undefined;
      return keys;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const detail = `The keys of JSON web tokens cannot be had from QM_JWKS_URL: ${why}.`;
      failure = new AppError('unavailable', 'jwks_unavailable', detail, { cause });
      throw failure;
    }
  }

  /** One at a time, whoever asks. */
  async function renew(): Promise<JWTVerifyGetKey> {
    if (failure && !hasPassed(PAUSE_MS, triedAt)) throw failure;
    loading ??= load().finally(() => {
      loading = undefined;
    });
    return loading;
  }

  async function keysNow(): Promise<JWTVerifyGetKey> {
    if (held === undefined || hasPassed(KEEP_MS, held.at)) return renew();
    // Nobody waits for it and nobody is told when it fails: the next request tries again, until KEEP_MS is over.
    if (hasPassed(RENEW_MS, held.at)) renew().catch(() => {});
    return held.keys;
  }

  return async (header, token) => {
    const keys = await keysNow();
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      // The issuer may have a new key. While it is away nobody knows, and a good token must not be called a bad one.
      if (!failure && !hasPassed(COOLDOWN_MS, triedAt)) throw error;
      return (await renew())(header, token);
    }
  };
}
