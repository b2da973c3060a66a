import { createHash } from 'node:crypto';
import type { Identity } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { type Key, parseToken, secretOpens } from '../ledger/keys.ts';
import { createLookup, createMemory } from './lookup.ts';

/** Who a token was found to be of, and until when it says so, in milliseconds since 1970. */
export interface Verified {
  readonly identity: Identity;
  readonly until: number;
}

export interface AuthenticatorOptions {
  /** The keys of these ids that are not revoked. Whatever it throws goes to who asked. */
  readonly findKeys: (ids: readonly string[]) => Promise<readonly Key[]>;
  readonly clock: Clock;
  /** Verifies a JSON web token. Without it there are none. */
  readonly jwt?: ((token: string) => Promise<Verified>) | undefined;
  /** Keys of this process alone, which the database does not know. */
  readonly extra?: readonly Key[];
  /** How many keys, and how many tokens, are remembered. */
  readonly limit?: number;
}

/** Who a token is of, and what it was that said so. */
export interface Credential {
  readonly identity: Identity;
  /** Of a key, its id. */
  readonly keyId: string | undefined;
  /** When it ends by itself, in milliseconds since 1970. */
  readonly until: number;
}

export interface Credentials {
  /** @throws AppError unauthenticated/invalid_token, busy/too_many_unknown_keys, and what `findKeys` and `jwt` do */
  open(token: string): Promise<Credential>;
  /** Who the key of this id is of now; undefined when it is good no more. */
  ofKey(id: string): Promise<Credential | undefined>;
  /** The name of a key of this process alone. */
  nameOfOwn(id: string): string | undefined;
}

/**
 * Finds out who brings a token, and remembers it for TTL_MS.
 *
 * Keys are remembered by their id, and the secret is compared every time: a storm of wrong secrets for one key asks the
 * database once, and a storm of ids nobody has takes one connection (`createLookup`).
 */
export function createCredentials(options: AuthenticatorOptions): Credentials {
  const { clock, jwt, extra = [], limit = 10_000 } = options;
  const own = new Map(extra.map((key) => [key.id, key]));
  const keys = createLookup(options.findKeys, clock, limit);
  const tokens = createMemory<Verified>(clock, limit);
  const keyOf = async (id: string) => own.get(id) ?? (await keys.find(id));

  function credentialOf(key: Key | undefined): Credential | undefined {
    if (key === undefined) return undefined;
    const until = key.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY;
    if (until <= clock.now().getTime()) return undefined;
    const { id, name, roles, ledgers } = key;
    return { identity: { name, roles, ledgers }, keyId: id, until };
  }

  /** Only good tokens are remembered: a bad one costs a signature check, which is less than a storm of them would take up. */
  async function openJwt(token: string, verify: (token: string) => Promise<Verified>): Promise<Credential> {
    // By its digest, so that what is in memory opens nothing.
    const digest = createHash('sha256').update(token).digest('base64');
    let verified = tokens.get(digest);
    if (verified === undefined) {
      const startedAt = clock.now().getTime();
      verified = await verify(token);
      tokens.set(digest, verified, startedAt);
    }
    if (verified.until <= clock.now().getTime()) throw invalidToken();
    return { ...verified, keyId: undefined };
  }

  return {
    async open(token) {
      const parsed = parseToken(token);
      if (!parsed) {
        if (jwt && token.split('.').length === 3) return openJwt(token, jwt);
        throw invalidToken();
      }
      const key = await keyOf(parsed.id);
      const credential = secretOpens(parsed.secret, key) ? credentialOf(key) : undefined;
      if (credential === undefined) throw invalidToken();
      return credential;
    },
    ofKey: async (id) => credentialOf(await keyOf(id)),
    nameOfOwn: (id) => own.get(id)?.name,
  };
}

/** Only who it is of. The function it makes throws what `open` throws. */
export function createAuthenticator(options: AuthenticatorOptions): (token: string) => Promise<Identity> {
  const { open } = createCredentials(options);
  return async (token) => (await open(token)).identity;
}

/** One answer for all that can be wrong: what is, would help who tries keys. */
function invalidToken(): AppError {
  return new AppError('unauthenticated', 'invalid_token', 'The key or token is unknown, expired or revoked.');
}
