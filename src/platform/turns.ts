import { throwIfAborted } from './retry.ts';

export interface TurnsOptions {
  /** So many run at once. */
  readonly most: number;
  /** Milliseconds that one waits for its turn. */
  readonly waitMs: number;
  /** What is thrown when no turn came. */
  readonly refusal: () => Error;
}

/** Runs the action when it is its turn. @throws AppError aborted/aborted when the signal fires before */
export type Turns = <T>(action: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

/** Lets few do at once what is dear. The others wait in the order in which they came, and not for long. */
export function createTurns({ most, waitMs, refusal }: TurnsOptions): Turns {
  let running = 0;
  const waiting = new Set<() => void>();

  async function take(signal: AbortSignal | undefined): Promise<void> {
    throwIfAborted(signal);
    if (running < most) {
      running++;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Out of the line in the same breath: a place that is given to who has gone would be lost for ever.
    const refuse = (error: unknown) => {
      waiting.delete(resolve);
      reject(error);
    };
    const timer = setTimeout(() => refuse(refusal()), waitMs);
    const leave = () => {
      try {
        throwIfAborted(signal);
      } catch (error) {
        refuse(error);
      }
    };
    waiting.add(resolve);
    signal?.addEventListener('abort', leave, { once: true });
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', leave);
    }
  }

  /** The place goes to the first who waits: nobody who comes now takes it away. */
  function give(): void {
    const [next] = waiting;
    if (next === undefined) {
      running--;
      return;
    }
    waiting.delete(next);
    next();
  }

  return async (action, signal) => {
    await take(signal);
    try {
      return await action();
    } finally {
      give();
    }
  };
}
