import { hash } from 'node:crypto';
import { AppError } from './errors.ts';
import { canonicalJson } from './json.ts';
import { MAX_AMOUNT } from './money.ts';

/** What a cursor is made of: words of ours, instants, uuids and whole numbers. */
export type CursorPart = string | Date | bigint;

/** Takes the parts of a cursor out one by one, each as what it has to be. @throws AppError invalid/cursor_invalid */
export interface CursorReader {
  /** One of these words. */
  word<T extends string>(words: readonly T[]): T;
  instant(): Date;
  uuid(): string;
  /** A whole number from 0 that fits a `bigint` of PostgreSQL. */
  count(): bigint;
  /** There must be no more. */
  end(): void;
}

/** Goes up when the parts change their meaning: pages of before begin anew. */
const VERSION = 1;

const MAX_LENGTH = 512;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Instants PostgreSQL reads and `toISOString` writes with four digits of a year: 0001 to 9999. */
const FIRST_INSTANT = Date.parse('0001-01-01T00:00:00Z');
const LAST_INSTANT = Date.parse('9999-12-31T23:59:59.999Z');

/** What ties a cursor to the list it is of: a short digest of the ledger and the filters. */
export function cursorScope(list: Record<string, unknown>): string {
  return hash('sha256', canonicalJson(list), 'base64url').slice(0, 16);
}

/** A cursor is opaque, and good for one list only. It is not signed: whoever forges one could have asked for that page. */
export function encodeCursor(scope: string, parts: readonly CursorPart[]): string {
  const plain = parts.map((part) => (part instanceof Date ? part.getTime() : String(part)));
  return Buffer.from(JSON.stringify([VERSION, scope, ...plain])).toString('base64url');
}

/** Whatever a client sends is read, or refused. @throws AppError invalid/cursor_invalid */
export function readCursor(scope: string, cursor: string): CursorReader {
  const [version, of, ...parts] = decode(cursor);
  if (version !== VERSION || of !== scope) throw invalid();
  let next = 0;

  function take<T>(isRight: (part: unknown) => part is T): T {
    const part = parts[next++];
    if (!isRight(part)) throw invalid();
    return part;
  }

  return {
    word: <T extends string>(words: readonly T[]) =>
      take((part): part is T => (words as readonly unknown[]).includes(part)),
    instant: () =>
      new Date(
        take(
          (part): part is number =>
            Number.isInteger(part) && (part as number) >= FIRST_INSTANT && (part as number) <= LAST_INSTANT,
        ),
      ),
    uuid: () => take((part): part is string => typeof part === 'string' && UUID.test(part)),
    count: () => BigInt(take(isCount)),
    end: () => {
      if (next < parts.length) throw invalid();
    },
  };
}

function isCount(part: unknown): part is string {
  return typeof part === 'string' && /^\d{1,19}$/.test(part) && BigInt(part) <= MAX_AMOUNT;
}

function decode(cursor: string): unknown[] {
  if (cursor.length > MAX_LENGTH || !/^[\w-]+$/.test(cursor)) throw invalid();
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(value)) return value;
  } catch {
    // It is no JSON, as what somebody made up.
  }
  throw invalid();
}

function invalid(): AppError {
  const detail =
    'The cursor is none, or of another list. Send the one the page before gave, with the same parameters, or none to begin anew.';
  return new AppError('invalid', 'cursor_invalid', detail);
}
