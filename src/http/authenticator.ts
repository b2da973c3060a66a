import { createHash } from 'node:crypto';
import type { Identity } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { type Key, parseToken, secretOpens } from '../ledger/keys.ts';

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

/**
 * How long what was found is believed: so long at most does a revoked key open anything, and so long do those who have
 * just called get in when the database is away.
 */
const TTL_MS = 10_000;

/** More ids than this do not wait to be looked up; they would wait for a database that does not answer. */
const MAX_WAITING = 1_000;

/**
 * Finds out who brings a token, and remembers it for TTL_MS.
 *
 * Keys are remembered by their id, and the secret is compared every time: a storm of wrong secrets for one key asks the
 * database once. Ids nobody has are remembered apart from the others, so that a storm of them, of which each is asked for,
 * pushes none of those out; and there is one statement at a time, which asks for all that have come meanwhile, so that
 * a storm takes one connection however strong it is.
 *
 * The function it makes throws unauthenticated/invalid_token, busy/too_many_unknown_keys, and what `findKeys` and `jwt` do.
 */
export function createAuthenticator(options: AuthenticatorOptions): (token: string) => Promise<Identity> {
  const { clock, jwt, extra = [], limit = 10_000 } = options;
  const own = new Map(extra.map((key) => [key.id, key]));
  const keys = createKeyCache(options.findKeys, clock, limit);
  const tokens = createMemory<Verified>(clock, limit);

  async function identityOfKey(id: string, secret: string): Promise<Identity> {
    const key = own.get(id) ?? (await keys(id));
    if (!secretOpens(secret, key) || key === undefined) throw invalidToken();
    if (key.expiresAt !== null && key.expiresAt <= clock.now()) throw invalidToken();
    return { name: key.name, roles: key.roles, ledgers: key.ledgers };
  }

  /** Only good tokens are remembered: a bad one costs a signature check, which is less than a storm of them would take up. */
  async function identityOfJwt(
    token: string,
    verify: (token: string) => Promise<Verified>,
  ): Promise<Identity> {
    // By its digest, so that what is in memory opens nothing.
    const digest = createHash('sha256').update(token).digest('base64');
    let verified = tokens.get(digest);
    if (verified === undefined) {
      const startedAt = clock.now().getTime();
      verified = await verify(token);
      tokens.set(digest, verified, startedAt);
    }
    if (verified.until <= clock.now().getTime()) throw invalidToken();
    return verified.identity;
  }

  return async (token) => {
    const parsed = parseToken(token);
    if (parsed) return identityOfKey(parsed.id, parsed.secret);
    if (jwt && token.split('.').length === 3) return identityOfJwt(token, jwt);
    throw invalidToken();
  };
}

/** One answer for all that can be wrong: what is, would help who tries keys. */
function invalidToken(): AppError {
  return new AppError('unauthenticated', 'invalid_token', 'The key or token is unknown, expired or revoked.');
}

/** Looks keys up by their id: one statement at a time, for all the ids that were asked for while the last one ran. */
function createKeyCache(
  findKeys: AuthenticatorOptions['findKeys'],
  clock: Clock,
  limit: number,
): (id: string) => Promise<Key | undefined> {
  const known = createMemory<Key>(clock, limit);
  const unknown = createMemory<true>(clock, limit);
  const waiting = new Map<string, PromiseWithResolvers<Key | undefined>>();
  const underWay = new Map<string, PromiseWithResolvers<Key | undefined>>();

  async function lookUp(): Promise<void> {
    while (waiting.size > 0) {
      for (const [id, asked] of waiting) underWay.set(id, asked);
      waiting.clear();
      // What was true when the statement began is believed from then on, not from when it ended.
      const startedAt = clock.now().getTime();
      try {
        const found = new Map((await findKeys([...underWay.keys()])).map((key) => [key.id, key]));
        for (const [id, asked] of underWay) {
          const key = found.get(id);
          if (key) known.set(id, key, startedAt);
          else unknown.set(id, true, startedAt);
          asked.resolve(key);
        }
      } catch (error) {
        for (const asked of underWay.values()) asked.reject(error);
      }
      underWay.clear();
    }
  }

  return async (id) => {
    const key = known.get(id);
    if (key || unknown.get(id)) return key;
    const others = underWay.get(id) ?? waiting.get(id);
    if (others) return others.promise;
    if (waiting.size >= MAX_WAITING) {
      const detail = 'Too many keys are asked for that nobody has used of late. Try again.';
      throw new AppError('busy', 'too_many_unknown_keys', detail);
    }
    const asked = Promise.withResolvers<Key | undefined>();
    waiting.set(id, asked);
    if (underWay.size === 0 && waiting.size === 1) void lookUp();
    return asked.promise;
  };
}

interface Memory<T> {
  /** What was set no longer than TTL_MS ago. */
  get(name: string): T | undefined;
  /** `at`: the instant at which it was true, in milliseconds since 1970. */
  set(name: string, value: T, at: number): void;
}

/** Remembers up to `limit` values, and forgets the one set first when full. */
function createMemory<T>(clock: Clock, limit: number): Memory<T> {
  const entries = new Map<string, { value: T; at: number }>();
  return {
    get(name) {
      const entry = entries.get(name);
      if (entry === undefined) return undefined;
      const age = clock.now().getTime() - entry.at;
      // A clock that was set back must not make a revoked key last.
      if (age >= 0 && age < TTL_MS) return entry.value;
      entries.delete(name);
      return undefined;
    },
    set(name, value, at) {
      entries.delete(name);
      entries.set(name, { value, at });
      const [first] = entries.keys();
      if (entries.size > limit && first !== undefined) entries.delete(first);
    },
  };
}
