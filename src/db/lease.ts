import type pg from 'pg';
import { throwIfAborted } from '../platform/retry.ts';

/** A connection of a pool for the time of one action. */
export interface Lease {
  readonly client: pg.ClientBase;
  /** Runs the work, and cuts the connection when it takes longer: whatever waits for the server then fails with TimeLimit. */
  within<T>(ms: number, work: () => Promise<T>): Promise<T>;
}

/** A server did not answer in the time it was given. */
export class TimeLimit extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms} ms`);
    this.name = 'TimeLimit';
  }
}

export interface LeaseOptions {
  readonly signal?: AbortSignal | undefined;
  /** True when nobody is to have the connection afterwards, however it went. */
  readonly isLast?: boolean;
}

/**
 * Runs the action on a connection of the pool. The connection is thrown away when the action fails, for nobody knows
 * what it was in the middle of, and when `signal` fires: a server that hangs must not keep us from giving up, and
 * a query that is not wanted any more ends when PostgreSQL sees that nobody listens.
 *
 * @throws AppError aborted/aborted
 */
export async function withLease<T>(
  pool: pg.Pool,
  { signal, isLast = false }: LeaseOptions,
  action: (lease: Lease) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  const client = await pool.connect();
  // It may have been waited for longer than it is wanted. Nothing was done on it, so another may have it.
  if (signal?.aborted) client.release(isLast);
  throwIfAborted(signal);
  let released = false;
  const release = (discard: boolean) => {
    if (!released) client.release(discard);
    released = true;
  };
  const cutOff = Promise.withResolvers<never>();
  // It may be cut when nobody waits for it.
  cutOff.promise.catch(() => {});
  const cut = (error: unknown) => {
    // Fails what is under way on the connection; were it kept, the pool would run dry of connections that hang.
    release(true);
    cutOff.reject(error);
  };
  const abort = () => {
    try {
      throwIfAborted(signal);
    } catch (error) {
      cut(error);
    }
  };
  const within = async <R>(ms: number, work: () => Promise<R>): Promise<R> => {
    const timer = setTimeout(() => cut(new TimeLimit(ms)), ms);
    try {
      return await Promise.race([work(), cutOff.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
  signal?.addEventListener('abort', abort, { once: true });
  try {
    const result = await Promise.race([action({ client, within }), cutOff.promise]);
    release(isLast);
    return result;
  } finally {
    signal?.removeEventListener('abort', abort);
    release(true);
  }
}

/** Waits no longer than that for what cannot be cut off. */
export async function answerWithin<T>(ms: number, answer: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new TimeLimit(ms)), ms);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
