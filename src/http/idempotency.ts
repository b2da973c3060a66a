import { hash } from 'node:crypto';
import { AppError } from '../core/errors.ts';
import { canonicalJson } from '../core/json.ts';
import { RequestError } from './problem.ts';
import { valuesOf } from './raw-headers.ts';

export const IDEMPOTENCY_HEADER = 'Idempotency-Key';

const PLAIN = /^[\x20-\x7e]{1,255}$/;

/** A string of structured fields (RFC 9651, section 3.3.3): a quote or a backslash within it is escaped. */
const QUOTED = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;

/**
 * The key of a request, from its raw headers. The IETF draft has it as a quoted string of structured fields, and most
 * clients send it bare: `"k"` and `k` are the same key.
 *
 * @throws RequestError invalid/invalid_idempotency_key
 */
export function readIdempotencyKey(rawHeaders: readonly string[]): string | undefined {
  const [value, second] = valuesOf(rawHeaders, 'idempotency-key');
  if (second !== undefined) throw invalidKey('is sent more than once');
  if (value === undefined) return undefined;
  const key = value.startsWith('"') ? QUOTED.exec(value)?.[1]?.replace(/\\(.)/g, '$1') : value;
  if (key === undefined || !PLAIN.test(key)) {
    throw invalidKey('must be 1 to 255 printable ASCII characters, bare or as a quoted string');
  }
  return key;
}

function invalidKey(detail: string): RequestError {
  return new RequestError('invalid_idempotency_key', [{ header: IDEMPOTENCY_HEADER, detail }]);
}

/** What a repeated request is known by: two bodies that mean the same have the same fingerprint. */
export function fingerprintOf(body: unknown): Buffer {
  return hash('sha256', canonicalJson(body), 'buffer');
}

/** Runs the action, alone among those of the same key of a ledger; without a key, at once. */
export type KeyGate = <T>(ledgerId: number, key: string | undefined, action: () => Promise<T>) => Promise<T>;

/**
 * Lets one request at a time through for each key of a ledger. It holds no more than the requests under way. Another
 * process is held up by the key's row in the database instead, and answers as a replay.
 */
export function createKeyGate(): KeyGate {
  const underWay = new Set<string>();
  return async (ledgerId, key, action) => {
    if (key === undefined) return action();
    const name = `${ledgerId} ${key}`;
    if (underWay.has(name)) {
      const detail = 'A request with this Idempotency-Key is under way. Try again to get its answer.';
      throw new AppError('conflict', 'idempotency_key_in_flight', detail);
    }
    underWay.add(name);
    try {
      return await action();
    } finally {
      underWay.delete(name);
    }
  };
}
