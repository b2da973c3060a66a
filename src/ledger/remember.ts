import type { Clock } from '../core/clock.ts';

export interface Remembered<T> {
  /** What `ask` answered, now or lately. */
  get(key: string): Promise<T>;
  /** Learns an answer without asking. */
  set(key: string, value: T): void;
  forget(key: string): void;
}

interface Entry<T> {
  readonly answer: Promise<T>;
  until: number;
}

/**
 * Asks once for all who want the same at the same time, and remembers the answer for `ttlMs`, up to `limit` of them. A
 * failure is told to those who waited for it and is not remembered.
 */
export function remember<T>(
  ask: (key: string) => Promise<T>,
  { ttlMs, limit, clock }: { ttlMs: (value: T) => number; limit: number; clock: Clock },
): Remembered<T> {
  const entries = new Map<string, Entry<T>>();
  const now = () => clock.now().getTime();

  function keep(key: string, entry: Entry<T>): void {
    entries.delete(key);
    // A Map keeps the order of insertion, so the first is the one that was asked for longest ago.
    const [oldest] = entries.size >= limit ? entries.keys() : [];
    if (oldest !== undefined) entries.delete(oldest);
    entries.set(key, entry);
  }

  return {
    get: (key) => {
      const known = entries.get(key);
      if (known && known.until > now()) return known.answer;
      const entry: Entry<T> = { answer: ask(key), until: Number.POSITIVE_INFINITY };
      keep(key, entry);
      entry.answer.then(
        (value) => {
          entry.until = now() + ttlMs(value);
        },
        () => {
          if (entries.get(key) === entry) entries.delete(key);
        },
      );
      return entry.answer;
    },
    set: (key, value) => keep(key, { answer: Promise.resolve(value), until: now() + ttlMs(value) }),
    forget: (key) => void entries.delete(key),
  };
}
