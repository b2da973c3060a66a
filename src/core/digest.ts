import { createHash } from 'node:crypto';
import type { Column, QuarterTable } from './tables.ts';

/**
 * The content digest: what a quarter holds, in 32 hex digits a table, computed alike by PostgreSQL from its tables,
 * by DuckDB from Parquet, and after a restore.
 *
 * - The text of a row is its columns in the table's order, joined by U+001F. Integers are decimal; a timestamptz is
 *   microseconds since 1970; a uuid is lower-case with hyphens; text is as it is (UTF-8); jsonb and bigint[] (`{1,2}`)
 *   are as PostgreSQL prints them; NULL is U+001E.
 * - The hash of a row is the MD5 of its text, and a table's digest is two sums modulo 2^64: of the upper and of the
 *   lower eight bytes of the hashes, as big-endian integers. A sum has no order, so parts add up, and a row that is
 *   there twice counts twice, as an exclusive-or would not.
 * - A quarter's digest is the SHA-256 of one line a table, `<name> <rows> <digest>\n`.
 *
 * It finds what was lost, doubled or changed by accident. Tampering is found by the SHA-256 of the files and by the
 * chain of manifests: MD5 and a sum would not stop somebody who means it.
 */
export interface TableDigest {
  readonly name: string;
  readonly rows: bigint;
  /** 32 hex digits. */
  readonly digest: string;
}

/** The two sums of a table or of a part of it, each modulo 2^64. */
export interface Lanes {
  readonly rows: bigint;
  readonly hi: bigint;
  readonly lo: bigint;
}

export type Dialect = 'postgres' | 'duckdb';

export const noLanes: Lanes = { rows: 0n, hi: 0n, lo: 0n };

/** What a row is to the digest, as an SQL expression of text. Column names are those of `quarterTables`. */
export function rowTextSql(columns: readonly Column[], dialect: Dialect): string {
  const separator = dialect === 'postgres' ? `E'\\x1f'` : 'chr(31)';
  const nothing = dialect === 'postgres' ? `E'\\x1e'` : 'chr(30)';
  const values = columns.map((column) => `coalesce(${columnTextSql(column, dialect)}, ${nothing})`);
  return `concat_ws(${separator}, ${values.join(', ')})`;
}

/**
 * A SELECT of one row, `rows`, `hi` and `lo` as decimal text, to be read with `lanesOf`. It takes one core and
 * about 2 µs a row in PostgreSQL, 1 µs in DuckDB.
 *
 * @param from what stands after FROM, already quoted: a table, or a `read_parquet(…)`
 */
export function digestSelect(table: Pick<QuarterTable, 'columns'>, dialect: Dialect, from: string): string {
  const text = rowTextSql(table.columns, dialect);
  if (dialect === 'duckdb') {
    // md5_number() reads the bytes in little-endian order. Summed up byte by byte they are put in order afterwards, once:
    // that takes a quarter less of the whole than the way by the hex digits of each row.
    const lane = (half: string) =>
      Array.from(
        { length: 8 },
        (_, i) => `coalesce(sum((${half} >> ${8 * i}) & 255), 0)::HUGEINT * ${2n ** BigInt(56 - 8 * i)}`,
      ).join(' + ');
    return `SELECT count(*)::VARCHAR AS "rows", (${lane('upper')})::VARCHAR AS hi, (${lane('lower')})::VARCHAR AS lo
      FROM (
        SELECT (hash & 18446744073709551615::UHUGEINT)::UBIGINT AS upper, (hash >> 64)::UBIGINT AS lower
        FROM (SELECT md5_number(${text}) AS hash FROM ${from}) AS hashed
      ) AS halves`;
  }
  // OFFSET 0 keeps the planner from merging the two levels, which would compute every hash once for each lane.
  return `SELECT count(*)::text AS "rows",
      coalesce(sum(substring(hash, 1, 64)::bigint), 0)::text AS hi,
      coalesce(sum(substring(hash, 65, 64)::bigint), 0)::text AS lo
    FROM (SELECT ('x' || md5(${text}))::bit(128) AS hash FROM ${from} OFFSET 0) AS hashed`;
}

/** The answer of `digestSelect`. PostgreSQL adds signed integers and DuckDB unsigned ones: modulo 2^64 they agree. */
export function lanesOf(row: { rows: string; hi: string; lo: string }): Lanes {
  return {
    rows: BigInt(row.rows),
    hi: BigInt.asUintN(64, BigInt(row.hi)),
    lo: BigInt.asUintN(64, BigInt(row.lo)),
  };
}

/** The lanes of two parts of a table together. */
export function addLanes(a: Lanes, b: Lanes): Lanes {
  return { rows: a.rows + b.rows, hi: BigInt.asUintN(64, a.hi + b.hi), lo: BigInt.asUintN(64, a.lo + b.lo) };
}

/** The digest of a table from its lanes: 32 hex digits. */
export function tableDigest({ hi, lo }: Pick<Lanes, 'hi' | 'lo'>): string {
  return [hi, lo].map((lane) => lane.toString(16).padStart(16, '0')).join('');
}

/** The digest of a quarter, 64 hex digits, from its tables in the order of `quarterTables`. */
export function combineDigests(tables: readonly TableDigest[]): string {
  const lines = tables.map(({ name, rows, digest }) => `${name} ${rows} ${digest}\n`);
  return createHash('sha256').update(lines.join('')).digest('hex');
}

function columnTextSql({ name, type }: Column, dialect: Dialect): string {
  const column = `"${name}"`;
  if (dialect === 'postgres') {
    // extract() is exact (numeric) and looks at no TimeZone or DateStyle of the session.
    if (type === 'timestamptz') return `(extract(epoch FROM ${column}) * 1000000)::bigint::text`;
    return type === 'text' ? column : `${column}::text`;
  }
  if (type === 'timestamptz') return `epoch_us(${column})::VARCHAR`;
  if (type === 'bigint[]') return `'{' || array_to_string(${column}, ',') || '}'`;
  return type === 'integer' || type === 'bigint' ? `${column}::VARCHAR` : column;
}
