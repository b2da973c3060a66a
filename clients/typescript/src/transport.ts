import { errorOf, QuartermasterError, underKeys } from './error.ts';
import { isRepeatable, KEY_HEADER } from './repeatable.ts';
import {
  limitsOf,
  mayBeDone,
  mayPass,
  pause,
  pauseBefore,
  type RetryChange,
  type RetryOptions,
  settles,
} from './retry.ts';

export type Fetch = (request: Request) => Promise<Response>;

export interface Transport {
  /** Sends a request, and again while that helps. @throws QuartermasterError when no try was answered with a success */
  send(request: Request): Promise<Response>;
  /** The same with other limits, or for a request that may be repeated though that cannot be seen from it. */
  with(plan: { retry?: RetryChange; repeatable?: boolean }): Fetch;
}

export interface TransportOptions {
  readonly fetch: Fetch;
  readonly retry: RetryOptions;
  /** Called before each try, for a token may have run out since the last one. What it throws ends the call. */
  readonly prepare: (request: Request) => Promise<void>;
}

/**
 * What sends requests. One that may be repeated is kept until it is answered, and given up when its time is over; any
 * other is sent once, as it is, however long it takes: a load is a stream that nobody could send again.
 */
export function createTransport({ fetch, retry, prepare }: TransportOptions): Transport {
  async function attempt(request: Request): Promise<Response> {
    // A fetch of somebody's own may not look.
    request.signal.throwIfAborted();
    const response = await whole(await fetch(request));
    if (!response.ok) throw await errorOf(response);
    return response;
  }

  async function sendOnce(request: Request): Promise<Response> {
    await prepare(request);
    try {
      return await attempt(request);
    } catch (error) {
      throw told(error, request.signal, undefined);
    }
  }

  async function sendUntilAnswered(request: Request, options: RetryOptions): Promise<Response> {
    const body = await bodyOf(request);
    const deadline = AbortSignal.timeout(options.within);
    const ended = AbortSignal.any([request.signal, deadline]);
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    let last: QuartermasterError | undefined;
    // A try that may have been done though nobody heard so: what later ones are answered does not make that known.
    let lost: QuartermasterError | undefined;
    const outcome = (error: QuartermasterError) => {
      if (isRead || lost === undefined || mayBeDone(error) || settles(error)) return error;
      const { problem, requestId } = lost;
      const detail =
        'One try was not answered, and whether it was done is not known. Ask again, with the same key where it has one.';
      return new QuartermasterError(
        { ...problem, status: lost.status, code: lost.code, detail },
        { requestId, cause: error },
      );
    };
    for (let tried = 1; ; tried++) {
      const limits = options.tryWithin === undefined ? [] : [AbortSignal.timeout(options.tryWithin)];
      const signal = AbortSignal.any([ended, ...limits]);
      const next = again(request, body, signal);
      await prepare(next);
      if (deadline.aborted && last !== undefined) throw outcome(last);
      try {
        return await attempt(next);
      } catch (thrown) {
        const error = told(thrown, request.signal, signal);
        const before = last;
        last = error;
        if (mayBeDone(error)) lost ??= error;
        if (deadline.aborted && error.code === 'deadline') {
          // That time ran out says less of a read than what the server said before. A write may have been done meanwhile.
          if (isRead) throw before ?? error;
          throw before === undefined ? error : outcome(before);
        }
        if (!mayPass(error) || tried >= options.tries) throw outcome(error);
        const wait = pauseBefore(options, tried, error.retryAfter, Math.random());
        if (wait === undefined) throw outcome(error);
        await pause(wait, ended);
        if (request.signal.aborted) throw told(undefined, request.signal, undefined);
        if (deadline.aborted) throw outcome(error);
      }
    }
  }

  async function sendWith(plan: Parameters<Transport['with']>[0], request: Request): Promise<Response> {
    try {
      return plan.repeatable === true || isRepeatable(request)
        ? await sendUntilAnswered(request, limitsOf(retry, plan.retry))
        : await sendOnce(request);
    } catch (error) {
      throw underKeys(error, { idempotencyKey: request.headers.get(KEY_HEADER) ?? undefined });
    }
  }

  return {
    send: (request) => sendWith({}, request),
    with: (plan) => (request) => sendWith(plan, request),
  };
}

/** The body, read once so that it can be sent as often as it takes. */
async function bodyOf(request: Request): Promise<ArrayBuffer | undefined> {
  if (request.method === 'GET' || request.method === 'HEAD') return undefined;
  const body = await request.arrayBuffer();
  return body.byteLength === 0 ? undefined : body;
}

function again(request: Request, body: ArrayBuffer | undefined, signal: AbortSignal): Request {
  const { method, headers, credentials, cache, redirect, referrerPolicy, keepalive } = request;
  return new Request(request.url, {
    ...{ method, headers, credentials, cache, redirect, referrerPolicy, keepalive, signal },
    ...(body && { body }),
  });
}

/** JSON is read to its end here, so that a server that goes away in the middle is found out while it can be asked again. */
async function whole(response: Response): Promise<Response> {
  const { status, statusText, headers } = response;
  if (response.body === null || !/\bjson\b/.test(headers.get('content-type') ?? '')) return response;
  return new Response(await response.arrayBuffer(), { status, statusText, headers });
}

/** What was thrown on the way, as an error of ours. */
function told(thrown: unknown, caller: AbortSignal, limits: AbortSignal | undefined): QuartermasterError {
  if (caller.aborted) {
    const detail = 'The call was ended by its signal. Whether the server did it is not known.';
    return new QuartermasterError({ status: 0, code: 'aborted', detail }, { cause: caller.reason });
  }
  if (thrown instanceof QuartermasterError) return thrown;
  if (limits?.aborted) {
    const detail = 'The server did not answer in time. Whether it did what was asked is not known.';
    return new QuartermasterError({ status: 0, code: 'deadline', detail }, { cause: thrown });
  }
  const detail = 'The server did not answer. See whether it runs, and try again.';
  return new QuartermasterError({ status: 0, code: 'no_answer', detail }, { cause: thrown });
}
