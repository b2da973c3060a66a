import { assert } from '../core/errors.ts';

/**
 * An identifier as SQL text. The one place that quotes: DDL takes no parameters, so names of partitions pass here.
 * PostgreSQL cuts names at 63 bytes, which would make two of them one, so longer ones are a bug.
 */
export function identifier(...parts: readonly string[]): string {
  return parts
    .map((part) => {
      assert(
        part.length > 0 && Buffer.byteLength(part) <= 63 && !part.includes('\0'),
        `bad identifier ${part}`,
      );
      return `"${part.replaceAll('"', '""')}"`;
    })
    .join('.');
}

/** A timestamp as a literal for DDL, in UTC, so that no session setting can shift it. */
export function instantLiteral(instant: Date): string {
  return `'${instant.toISOString().replace('T', ' ').replace('Z', '+00')}'`;
}
