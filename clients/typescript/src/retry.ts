import type { QuartermasterError } from './error.ts';

/** How a call that may be repeated is tried again. */
export interface RetryOptions {
  /** How often it is tried in all; 1: once, and never again. */
  readonly tries: number;
  /** Milliseconds: the longest pause after the first try. It doubles with each, and the pause is any time up to it (full jitter). */
  readonly firstDelay: number;
  /** Milliseconds: no pause is longer. A server that asks for more by `Retry-After` is not asked again: its answer is thrown. */
  readonly longestDelay: number;
  /** Milliseconds for the whole call, pauses included; after them it is given up. */
  readonly within: number;
  /** Milliseconds for one try; after them it is given up and made again. Left out: as long as `within` lasts. */
  readonly tryWithin?: number | undefined;
}

/** What a client or a call is told of it: what is left out, or undefined, is as it was; `false`: tried once. */
export type RetryChange =
  | { readonly [Name in keyof RetryOptions]?: RetryOptions[Name] | undefined }
  | false
  | undefined;

/** Long enough for a process that is started anew. */
export const usualRetries: RetryOptions = {
  tries: 8,
  firstDelay: 200,
  longestDelay: 10_000,
  within: 60_000,
};

/** The limits that come of these and what was told. */
export function limitsOf(usual: RetryOptions, change: RetryChange): RetryOptions {
  if (change === false) return { ...usual, tries: 1 };
  const told = Object.entries(change ?? {}).filter(([, value]) => value !== undefined);
  return { ...usual, ...Object.fromEntries(told) };
}

/**
 * Whether what failed may be well the next time: no answer came, the server or who stands before it is busy, or the same
 * request is still under way. Whatever else the API refused, it refused for good.
 */
export function mayPass({ status, code }: QuartermasterError): boolean {
  if (status === 0) return code === 'no_answer' || code === 'deadline';
  return [429, 502, 503, 504].includes(status) || (status === 409 && code === 'idempotency_key_in_flight');
}

/**
 * Whether a write that failed so may have been done all the same: its answer was lost, or whoever stands before the server
 * answered in its stead.
 */
export function mayBeDone({ status, code }: QuartermasterError): boolean {
  if (status === 0) return true;
  return (
    code === 'outcome_unknown' || [500, 502, 504].includes(status) || (status > 504 && code === 'no_problem')
  );
}

/**
 * Whether an answer tells of all tries under one key: a refusal that was found by looking at what was asked. One that looks at the
 * caller alone, or turns everybody away, says nothing of a try before it.
 */
export function settles({ status, code }: QuartermasterError): boolean {
  const looked = status >= 400 && status < 500 && ![401, 403, 408, 429].includes(status);
  return looked && code !== 'no_problem' && code !== 'idempotency_key_in_flight';
}

/**
 * Milliseconds to wait before the next try, or undefined where the server wants a longer pause than is made. What the
 * server asks for is kept, and the jitter comes on top: all who were turned away at once shall not come back at once.
 *
 * @param tried how often it was tried
 * @param retryAfter seconds that the server asked for
 * @param random from 0 to 1
 */
export function pauseBefore(
  { firstDelay, longestDelay }: RetryOptions,
  tried: number,
  retryAfter: number | undefined,
  random: number,
): number | undefined {
  const asked = (retryAfter ?? 0) * 1000;
  if (asked > longestDelay) return undefined;
  const jitter = random * Math.min(longestDelay, firstDelay * 2 ** (tried - 1));
  return Math.min(longestDelay, asked + jitter);
}

/** Resolves after so many milliseconds, or as soon as the signal fires. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}
