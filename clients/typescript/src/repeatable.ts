/** The routes that take an Idempotency-Key. */
const KEYED = /\/v1\/ledgers\/[^/]+\/transactions(\/[^/]+\/(settle|void|reverse))?$/;

/** What is done to a quarter is done once however often it is asked for, so these need no key. */
const QUARTER_VERB = /\/v1\/quarters\/[^/]+\/[a-z]+$/;

export const KEY_HEADER = 'idempotency-key';

/**
 * True for a route on which a request under a key has one effect.
 *
 * @param path of a request, or the template of a route
 */
export function takesKey(method: string, path: string): boolean {
  return method === 'POST' && KEYED.test(path);
}

/** True when a request may be sent again though nobody knows whether the first one was heard. */
export function isRepeatable({ method, url, headers }: Request): boolean {
  if (method === 'GET' || method === 'HEAD') return true;
  const path = new URL(url).pathname;
  if (method === 'POST' && QUARTER_VERB.test(path)) return true;
  return takesKey(method, path) && headers.has(KEY_HEADER);
}

/**
 * A new key: a random UUID. Made by hand, for a page that is not served by TLS has no `crypto.randomUUID`.
 */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
