import { POSITION_HEADER } from './position.ts';
import type { RetryChange } from './retry.ts';
import type { Fetch, Transport } from './transport.ts';

/** What any call on top may be told. */
export interface CallOptions {
  /** Ends the call at once, with a QuartermasterError `aborted`. */
  readonly signal?: AbortSignal;
  /** Other limits than the client's for this call; what is left out is as the client has it. `false`: it is tried once. */
  readonly retry?: RetryChange;
}

export interface ReadOptions extends CallOptions {
  /** The `position` of a write: what is read is no older than that. */
  readonly after?: string | undefined;
}

/** These options as the routes by path take them. */
export function initOf(
  transport: Transport,
  { signal, retry, after }: ReadOptions = {},
  { repeatable = false, headers = {} }: { repeatable?: boolean; headers?: Record<string, string> } = {},
): { fetch: Fetch; signal?: AbortSignal; headers: Record<string, string> } {
  return {
    fetch: transport.with({ retry, repeatable }),
    ...(signal && { signal }),
    headers: after === undefined ? headers : { ...headers, [POSITION_HEADER]: after },
  };
}

/** The data of an answer that was a success. */
export function dataOf<T>({ data }: { readonly data?: T }): NonNullable<T> {
  return data as NonNullable<T>;
}
