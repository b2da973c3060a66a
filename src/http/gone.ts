import type { ServerResponse } from 'node:http';

/** Fires when the connection closes before the answer is sent, for nobody waits for it then; and after it was, when nothing listens. */
export function whenGone({ raw }: { readonly raw: ServerResponse }): AbortSignal {
  const gone = new AbortController();
  raw.once('close', () => gone.abort());
  return gone.signal;
}
