import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../core/errors.ts';

/** Told of every failed try that will be repeated. */
export type OnRetry = (error: unknown) => void;

export interface RetryOptions {
  /** True for a failure that may pass by itself. Everything else is thrown at once. */
  readonly retryable: (error: unknown) => boolean;
  /** How often the action is tried in all. */
  readonly attempts: number;
  /** The first wait is up to this long; it doubles each time. */
  readonly baseMs: number;
  readonly capMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Told of every failed try that will be repeated. */
  readonly onRetry?: ((error: unknown, attempt: number, waitMs: number) => void | Promise<void>) | undefined;
  readonly random?: () => number;
}

/**
 * Tries `action` until it succeeds, waiting exponentially longer with full jitter: two that collided once do not
 * collide in step again (Brooker, "Exponential Backoff and Jitter"). The last failure is thrown as it came.
 */
export async function retry<T>(action: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const random = options.random ?? Math.random;
  for (let attempt = 1; ; attempt++) {
    throwIfAborted(options.signal);
    try {
      return await action(attempt);
    } catch (error) {
      if (attempt >= options.attempts || !options.retryable(error)) throw error;
      const waitMs = random() * Math.min(options.capMs, options.baseMs * 2 ** (attempt - 1));
      await options.onRetry?.(error, attempt, waitMs);
      await pause(waitMs, options.signal);
    }
  }
}

/** Waits `ms`, or until the signal asks to stop, which is thrown as AppError aborted/aborted. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  }
}

/**
 * What the work gives, for as long as it is wanted: when the signal fires its reason is thrown, also where the work never ends. What
 * comes of it later is nobody's any more.
 */
export async function whileWanted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const unwanted = Promise.withResolvers<never>();
  const giveUp = () => unwanted.reject(signal.reason);
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  try {
    return await Promise.race([work, unwanted.promise]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new AppError('aborted', 'aborted', 'Stopped on request; run it again to go on from here.', {
      cause: signal.reason,
    });
  }
}
