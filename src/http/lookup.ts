import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';

/**
 * How long what was found is believed: so long at most does a revoked key open anything or does a session last that somebody ended
 * in another process, and so long do those who have just called get in when the database is away.
 */
export const TTL_MS = 10_000;

/** More ids than this do not wait to be looked up; they would wait for a database that does not answer. */
const MAX_WAITING = 1_000;

export interface Lookup<T> {
  find(id: string): Promise<T | undefined>;
  /** It is not believed any longer; for this process it is gone. */
  forget(id: string): void;
}

/**
 * Looks things up by their id, one statement at a time for all the ids that were asked for while the last one ran, and remembers
 * them for TTL_MS. Ids that nothing has are remembered apart, so that a storm of them pushes none of the others out; and however
 * strong it is, it takes one connection.
 *
 * `find` throws busy/too_many_unknown_keys, and what `findAll` does.
 */
export function createLookup<T extends { readonly id: string }>(
  findAll: (ids: readonly string[]) => Promise<readonly T[]>,
  clock: Clock,
  limit: number,
): Lookup<T> {
  const known = createMemory<T>(clock, limit);
  const unknown = createMemory<true>(clock, limit);
  // Apart from the unknown: a storm of those must not bring back what somebody has ended.
  const forgotten = createMemory<true>(clock, limit);
  const waiting = new Map<string, PromiseWithResolvers<T | undefined>>();
  const underWay = new Map<string, PromiseWithResolvers<T | undefined>>();

  async function lookUp(): Promise<void> {
    while (waiting.size > 0) {
      for (const [id, asked] of waiting) underWay.set(id, asked);
      waiting.clear();
      // What was true when the statement began is believed from then on, not from when it ended.
      const startedAt = clock.now().getTime();
      try {
        const found = new Map((await findAll([...underWay.keys()])).map((one) => [one.id, one]));
        for (const [id, asked] of underWay) {
          const one = forgotten.get(id) ? undefined : found.get(id);
          if (one) known.set(id, one, startedAt);
          else unknown.set(id, true, startedAt);
          asked.resolve(one);
        }
      } catch (error) {
        for (const asked of underWay.values()) asked.reject(error);
      }
      underWay.clear();
    }
  }

  return {
    async find(id) {
      if (forgotten.get(id) || unknown.get(id)) return undefined;
      const one = known.get(id);
      if (one) return one;
      const others = underWay.get(id) ?? waiting.get(id);
      if (others) return others.promise;
      if (waiting.size >= MAX_WAITING) {
        const detail = 'Too many keys are asked for that nobody has used of late. Try again.';
        throw new AppError('busy', 'too_many_unknown_keys', detail);
      }
      const asked = Promise.withResolvers<T | undefined>();
      waiting.set(id, asked);
      if (underWay.size === 0 && waiting.size === 1) void lookUp();
      return asked.promise;
    },
    forget(id) {
      known.delete(id);
      // A look that is under way may find it yet; that it is gone outweighs what it finds.
      forgotten.set(id, true, clock.now().getTime());
    },
  };
}

export interface Memory<T> {
  /** What was set no longer than TTL_MS ago. */
  get(name: string): T | undefined;
  /** `at`: the instant at which it was true, in milliseconds since 1970. */
  set(name: string, value: T, at: number): void;
  delete(name: string): void;
}

/** Remembers up to `limit` values, and forgets the one set first when full. */
export function createMemory<T>(clock: Clock, limit: number): Memory<T> {
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
    delete: (name) => entries.delete(name),
  };
}
