import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';

/** How many tries there are in one go, and after how long each comes back. */
interface Pace {
  readonly burst: number;
  readonly everyMs: number;
  /** Names that are remembered; beyond that the one that tried the longest ago is let off. */
  readonly limit?: number;
}

/** So many keys of an address may be wrong in one go, and another one each half minute. */
const WRONG_KEYS: Pace = { burst: 10, everyMs: 30_000 };

/** So often may one key sign in, or be refused and have it written down, in one go: 30 an hour in the long run. */
const OF_ONE_KEY: Pace = { burst: 30, everyMs: 120_000 };

const LIMIT = 10_000;

export interface Attempts {
  /**
   * Takes one of the tries that somebody has. Asked before what it is for is done, so that many at once are counted too; who is not
   * to be counted gets it back with `forgive`.
   *
   * @throws TooManyAttempts
   */
  take(name: string): void;
  forgive(name: string): void;
  /** Takes one and says true, or says that there is none. */
  has(name: string): boolean;
}

/** 429, with the seconds after which the next try is looked at. */
export class TooManyAttempts extends AppError {
  readonly seconds: number;

  constructor(seconds: number, code: string, detail: string) {
    super('busy', code, `${detail} Wait ${seconds} s, then try again.`);
    this.seconds = seconds;
  }
}

/**
 * Bounds how many wrong keys an address may try in this process. Nobody guesses a key of 256 random bits, at whatever rate: what this
 * protects is the log and the story of the house, which each refusal adds to, and whoever reads them. Whose address it is
 * `clientOf` says.
 */
export function createAttempts(clock: Clock, pace: Partial<Pace> = {}): Attempts {
  const detail = 'Too many keys from this address were no good.';
  return createBuckets(clock, { ...WRONG_KEYS, ...pace }, { code: 'too_many_attempts', detail });
}

/** Bounds what one key adds to the sessions and to the story of the house in this process, be it a good one. */
export function createKeyAttempts(clock: Clock): Attempts {
  const detail = 'This key has signed in too often of late.';
  return createBuckets(clock, OF_ONE_KEY, { code: 'too_many_sign_ins', detail });
}

function createBuckets(
  clock: Clock,
  { burst, everyMs, limit = LIMIT }: Pace,
  { code, detail }: { code: string; detail: string },
): Attempts {
  /** When a name has all its tries again: a bucket that leaks, in one number. */
  const fullAt = new Map<string, number>();

  const set = (name: string, at: number) => {
    fullAt.delete(name);
    if (at <= clock.now().getTime()) return;
    fullAt.set(name, at);
    const [first] = fullAt.keys();
    if (fullAt.size > limit && first !== undefined) fullAt.delete(first);
  };

  /** Milliseconds until the next try, which is taken where there are none. */
  const tryOne = (name: string): number => {
    const now = clock.now().getTime();
    const next = Math.max(fullAt.get(name) ?? now, now) + everyMs;
    const wait = next - now - burst * everyMs;
    if (wait <= 0) set(name, next);
    return wait;
  };

  return {
    take(name) {
      const wait = tryOne(name);
      if (wait > 0) throw new TooManyAttempts(Math.ceil(wait / 1000), code, detail);
    },
    forgive(name) {
      const at = fullAt.get(name);
      if (at !== undefined) set(name, at - everyMs);
    },
    has: (name) => tryOne(name) <= 0,
  };
}
