import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';

/** So many keys may be wrong in one go, and another one each so many seconds. */
const BURST = 10;
const EVERY_MS = 30_000;

/** Addresses that are remembered; beyond that the one that was wrong the longest ago is let off. */
const LIMIT = 10_000;

export interface Attempts {
  /**
   * Takes one of the tries that an address has. Asked before a key is looked at, so that many at once are counted too; who is let
   * in gets it back with `forgive`.
   *
   * @throws TooManyAttempts
   */
  take(address: string): void;
  forgive(address: string): void;
}

/** 429, with the seconds after which the next try is looked at. */
export class TooManyAttempts extends AppError {
  readonly seconds: number;

  constructor(seconds: number) {
    const detail = `Too many keys from this address were no good. Wait ${seconds} s, then try again.`;
    super('busy', 'too_many_attempts', detail);
    this.seconds = seconds;
  }
}

/**
 * Bounds how many wrong keys an address may try in this process. Nobody guesses a key of 256 random bits, at whatever rate: what this
 * protects is the log and the story of the house, which each refusal adds to, and whoever reads them. Behind a proxy the
 * address is the one that the proxy names (`trustProxy` in app.ts).
 */
export function createAttempts(
  clock: Clock,
  { burst = BURST, everyMs = EVERY_MS, limit = LIMIT } = {},
): Attempts {
  /** When the address has all its tries again: a bucket that leaks, in one number. */
  const fullAt = new Map<string, number>();

  const set = (address: string, at: number) => {
    fullAt.delete(address);
    if (at <= clock.now().getTime()) return;
    fullAt.set(address, at);
    const [first] = fullAt.keys();
    if (fullAt.size > limit && first !== undefined) fullAt.delete(first);
  };

  return {
    take(address) {
      const now = clock.now().getTime();
      const next = Math.max(fullAt.get(address) ?? now, now) + everyMs;
      const wait = next - now - burst * everyMs;
      if (wait > 0) throw new TooManyAttempts(Math.ceil(wait / 1000));
      set(address, next);
    },
    forgive(address) {
      const at = fullAt.get(address);
      if (at !== undefined) set(address, at - everyMs);
    },
  };
}
