import type { Column } from '../core/tables.ts';
import { type Duck, literal } from './duckdb.ts';

/**
 * The key of a row, a text for each of its columns: integers in decimal, an instant in UTC to the microsecond as
 * `2024-02-03T10:00:00.003000Z`, all else as it is. PostgreSQL takes each of them back as a value of its type.
 */
export type RowKey = readonly string[];

/** Of a table, what is needed to understand its keys. */
export interface KeyedTable {
  readonly columns: readonly Column[];
  readonly key: readonly string[];
}

/** The columns of the key, in its order. */
export function keyColumns({ columns, key }: KeyedTable): Column[] {
  return key.flatMap((name) => columns.filter((column) => column.name === name));
}

const forms: Readonly<Partial<Record<Column['type'], RegExp>>> = {
  integer: /^-?\d{1,10}$/,
  bigint: /^-?\d{1,19}$/,
  timestamptz: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/,
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
};

/** True when the texts can be a key of the table. */
export function isKey(table: KeyedTable, key: RowKey): boolean {
  const columns = keyColumns(table);
  return (
    key.length === columns.length &&
    columns.every(({ type }, i) => (forms[type] ?? /^[^\0]*$/).test(key[i] ?? '\0'))
  );
}

/** Below zero when `a` comes before `b` in the order of the archive; a key may be cut short to compare its beginning. */
export function compareKeys(table: KeyedTable, a: RowKey, b: RowKey): number {
  const columns = keyColumns(table);
  for (const [i, { type }] of columns.entries()) {
    const [x, y] = [a[i], b[i]];
    if (x === undefined || y === undefined) return 0;
    const order =
      type === 'integer' || type === 'bigint'
        ? Number(BigInt(x) > BigInt(y)) - Number(BigInt(x) < BigInt(y))
        : Buffer.compare(Buffer.from(x), Buffer.from(y));
    if (order !== 0) return order;
  }
  return 0;
}

/** The first and the last key of a file of so many rows in key order. */
export async function readKeys(
  duck: Duck,
  table: KeyedTable,
  file: string,
  rows: number,
): Promise<{ readonly first: RowKey | null; readonly last: RowKey | null }> {
  if (rows === 0) return { first: null, last: null };
  const texts = keyColumns(table).map(({ name, type }, i) => `${textSql(name, type)} AS k${i}`);
  const found = await duck.rows<Record<string, string>>(`
    SELECT ${texts.join(', ')} FROM read_parquet(${literal(file)}, file_row_number = true)
    WHERE file_row_number IN (0, ${rows - 1}) ORDER BY file_row_number`);
  const keyOf = (row: Record<string, string> | undefined) => row && Object.values(row);
  return { first: keyOf(found[0]) ?? null, last: keyOf(found.at(-1)) ?? null };
}

/** How many rows do not come after the one before them. It reads the columns of the key once, and keeps nothing. */
export async function countFalling(duck: Duck, table: KeyedTable, source: string): Promise<bigint> {
  const names = keyColumns(table).map(({ name }) => `"${name}"`);
  const before = names.map((name, i) => `lag(${name}) OVER () AS before_${i}`);
  const [found] = await duck.rows<{ falling: string }>(`
    SELECT (count(*) FILTER (before_0 IS NOT NULL
              AND (${names.join(', ')}) <= (${names.map((_, i) => `before_${i}`).join(', ')})))::VARCHAR AS falling
    FROM (SELECT ${names.join(', ')}, ${before.join(', ')} FROM ${source})`);
  return BigInt(found?.falling ?? 0);
}

function textSql(name: string, type: Column['type']): string {
  if (type === 'timestamptz') return `strftime("${name}", '%Y-%m-%dT%H:%M:%S.%fZ')`;
  return type === 'integer' || type === 'bigint' ? `"${name}"::VARCHAR` : `"${name}"`;
}
