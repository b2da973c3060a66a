import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import {
  type AuthenticatorOptions,
  createAuthenticator,
  type Verified,
} from '../../src/http/authenticator.ts';
import { type Key, makeKey, parseToken } from '../../src/ledger/keys.ts';

const refused = { kind: 'unauthenticated', code: 'invalid_token' };
const away = () => new AppError('unavailable', 'database_unavailable', 'It is away.');

/** A clock that is moved by hand, and a table of keys that counts who asks. */
function house(options: Partial<AuthenticatorOptions> = {}) {
  let ms = Date.UTC(2026, 0, 1);
  const table = new Map<string, Key>();
  const asked: (readonly string[])[] = [];
  const state = { isAway: false };
  const clock = { now: () => new Date(ms) };
  const findKeys = async (ids: readonly string[]) => {
    asked.push(ids);
    await new Promise(setImmediate);
    if (state.isAway) throw away();
    return ids.flatMap((id) => table.get(id) ?? []);
  };
  return {
    asked,
    state,
    table,
    clock,
    advance: (by: number) => {
      ms += by;
    },
    authenticate: createAuthenticator({ findKeys, clock, ...options }),
    add(parts: Partial<Key> = {}) {
      const { token, key } = makeKey({ name: 'billing', roles: ['writer'], ledgers: ['main'] });
      table.set(key.id, { ...key, ...parts });
      return { token, key };
    },
  };
}

const strange = () => makeKey({ name: 'nobody', roles: ['admin'], ledgers: null }).token;

describe('a key', () => {
  it('tells who brings it, and nothing of its secret', async () => {
    const { authenticate, add } = house();
    expect(await authenticate(add().token)).toEqual({
      name: 'billing',
      roles: ['writer'],
      ledgers: ['main'],
    });
  });

  it('that is wrong in anything gets one answer', async () => {
    const { authenticate, add } = house();
    const { token } = add();
    const expired = add({ expiresAt: new Date(Date.UTC(2026, 0, 1)) });
    const wrong = ['', 'x', 'qm_', 'a.b', 'a.b.c', strange(), token.slice(0, -1), `${token}x`, expired.token];
    wrong.push(`qm_${parseToken(token)?.id}_${parseToken(strange())?.secret}`);
    const answers = await Promise.all(
      wrong.map((each) => authenticate(each).catch((error: AppError) => error)),
    );
    for (const answer of answers) expect(answer).toMatchObject(refused);
    expect(new Set(answers.map((answer) => (answer as AppError).detail)).size).toBe(1);
  });

  it('is looked up once in ten seconds, whatever secrets are tried on it', async () => {
    const { authenticate, add, asked, advance } = house();
    const { token, key } = add();
    await Promise.all(Array.from({ length: 50 }, () => authenticate(token)));
    for (let tries = 0; tries < 20; tries++) {
      const guess = `qm_${key.id}_${parseToken(strange())?.secret}`;
      await expect(authenticate(guess)).rejects.toMatchObject(refused);
    }
    advance(9_999);
    await authenticate(token);
    expect(asked).toEqual([[key.id]]);
    advance(1);
    await authenticate(token);
    expect(asked).toEqual([[key.id], [key.id]]);
  });

  it('that is revoked is refused after ten seconds, counted from the beginning of the look-up', async () => {
    const { authenticate, add, advance, table } = house({
      findKeys: async (ids) => {
        const found = ids.flatMap((id) => table.get(id) ?? []);
        advance(6_000);
        return found;
      },
    });
    const { token, key } = add();
    await authenticate(token);
    table.delete(key.id);
    advance(3_999);
    await authenticate(token);
    advance(1);
    await expect(authenticate(token)).rejects.toMatchObject(refused);
  });

  it('is looked up again when the clock was set back', async () => {
    const { authenticate, add, advance, table } = house();
    const { token, key } = add();
    await authenticate(token);
    table.delete(key.id);
    advance(-3_600_000);
    await expect(authenticate(token)).rejects.toMatchObject(refused);
  });

  it('expires while it is remembered', async () => {
    const { authenticate, add, advance, asked } = house();
    const { token } = add({ expiresAt: new Date(Date.UTC(2026, 0, 1, 0, 0, 5)) });
    advance(4_999);
    await authenticate(token);
    advance(1);
    await expect(authenticate(token)).rejects.toMatchObject(refused);
    expect(asked).toHaveLength(1);
  });

  it('of this process alone needs no database', async () => {
    const { key, token } = makeKey({ name: 'dev', roles: ['admin'], ledgers: null });
    const { authenticate, asked } = house({ extra: [key] });
    expect(await authenticate(token)).toEqual({ name: 'dev', roles: ['admin'], ledgers: null });
    const wrong = `qm_${key.id}_${parseToken(strange())?.secret}`;
    await expect(authenticate(wrong)).rejects.toMatchObject(refused);
    expect(asked).toEqual([]);
  });
});

describe('while the database is away', () => {
  it('those who have just called get in, and nobody else is called a stranger', async () => {
    const { authenticate, add, advance, state } = house();
    const [known, other] = [add(), add()];
    await authenticate(known.token);
    state.isAway = true;
    advance(9_999);
    await authenticate(known.token);
    await expect(authenticate(other.token)).rejects.toMatchObject({ code: 'database_unavailable' });
    advance(1);
    await expect(authenticate(known.token)).rejects.toMatchObject({ code: 'database_unavailable' });
    state.isAway = false;
    await authenticate(known.token);
    await authenticate(other.token);
  });
});

describe('a storm of ids that nobody has', () => {
  it('asks with one statement at a time, for each id once', async () => {
    let running = 0;
    let most = 0;
    const asked: string[] = [];
    const { authenticate } = house({
      findKeys: async (ids) => {
        most = Math.max(most, ++running);
        asked.push(...ids);
        await new Promise(setImmediate);
        running--;
        return [];
      },
    });
    const tokens = Array.from({ length: 300 }, strange);
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.allSettled(tokens.map(authenticate));
      expect(answers.every(({ status }) => status === 'rejected')).toBe(true);
    }
    expect(most).toBe(1);
    expect(asked.sort()).toEqual(tokens.map((token) => parseToken(token)?.id).sort());
  });

  it('pushes out no key that is known, and is itself forgotten', async () => {
    const { authenticate, add, asked } = house({ limit: 10 });
    const { token, key } = add();
    await authenticate(token);
    const storm = Array.from({ length: 50 }, strange);
    await Promise.allSettled(storm.map(authenticate));
    await authenticate(token);
    expect(asked.flat().filter((id) => id === key.id)).toHaveLength(1);
    const before = asked.flat().length;
    await Promise.allSettled(storm.slice(-10).map(authenticate));
    expect(asked.flat().length).toBe(before);
    await Promise.allSettled(storm.slice(0, 10).map(authenticate));
    expect(asked.flat().length).toBe(before + 10);
  });

  it('is told to come again when the database does not answer', async () => {
    let answer = (_keys: Key[]): void => {};
    const { authenticate } = house({
      findKeys: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    });
    const first = authenticate(strange()).catch((error: unknown) => error);
    const waiting = Array.from({ length: 1_000 }, () =>
      authenticate(strange()).catch((error: unknown) => error),
    );
    await expect(authenticate(strange())).rejects.toMatchObject({
      kind: 'busy',
      code: 'too_many_unknown_keys',
    });
    answer([]);
    expect(await first).toMatchObject(refused);
    await new Promise(setImmediate);
    answer([]);
    for (const each of await Promise.all(waiting)) expect(each).toMatchObject(refused);
  });
});

describe('a JSON web token', () => {
  const identity = { name: 'ann', roles: ['reader'], ledgers: null } as const;

  function withJwt(verify: (token: string) => Promise<Verified>) {
    const verified: string[] = [];
    const made = house({
      jwt: async (token) => {
        verified.push(token);
        return verify(token);
      },
    });
    return { ...made, verified };
  }

  it('is verified once in ten seconds, and not after its end', async () => {
    const until = Date.UTC(2026, 0, 1, 0, 0, 12);
    const { authenticate, verified, advance } = withJwt(async () => ({ identity, until }));
    for (const step of [0, 9_999, 1, 1_999]) {
      advance(step);
      expect(await authenticate('a.b.c')).toEqual(identity);
    }
    expect(verified).toEqual(['a.b.c', 'a.b.c']);
    advance(1);
    await expect(authenticate('a.b.c')).rejects.toMatchObject(refused);
    await authenticate('a.b.d').catch(() => {});
    expect(verified.at(-1)).toBe('a.b.d');
  });

  it('that is refused, or that nobody can verify now, is told as it is and not remembered', async () => {
    let fault: AppError | undefined = new AppError('unavailable', 'jwks_unavailable', 'It is away.');
    const { authenticate } = withJwt(async () => {
      if (fault) throw fault;
      return { identity, until: Number.POSITIVE_INFINITY };
    });
    await expect(authenticate('a.b.c')).rejects.toBe(fault);
    fault = undefined;
    expect(await authenticate('a.b.c')).toEqual(identity);
  });

  it('has three parts, and is none where none are taken', async () => {
    const { authenticate, verified, add } = withJwt(async () => ({
      identity,
      until: Number.POSITIVE_INFINITY,
    }));
    for (const other of ['a', 'a.b', 'a.b.c.d', 'a.b.c.d.e', '']) {
      await expect(authenticate(other)).rejects.toMatchObject(refused);
    }
    await authenticate(add().token);
    expect(verified).toEqual([]);
    await expect(house().authenticate('a.b.c')).rejects.toMatchObject(refused);
  });
});
