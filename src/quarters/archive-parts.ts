import type { ManifestFile } from '../archive/manifest.ts';
import type { Part } from '../archive/parquet.ts';
import type { Store } from '../archive/store.ts';
import type { Db } from '../db/schema.ts';
import type { QuarterRow } from './registry.ts';

/** A part that an unfinished archive has in the store. */
export interface StoredPart extends ManifestFile {
  readonly table: string;
  /** No row of the table comes after it. */
  readonly isLast: boolean;
}

/**
 * Keeps that a part is in the store. Written on the session that holds the lock: who has lost it keeps nothing.
 *
 * @param row of the quarter as it was closed; parts of it count for no other close
 */
export async function keepPart(
  session: Db,
  { quarter, digest }: QuarterRow,
  table: string,
  { path, rows, bytes, sha256, firstKey, lastKey, isLast }: Omit<Part, 'file'>,
): Promise<void> {
  await session
    .insertInto('quartermaster.archive_parts')
    .values({
      quarter,
      digest: digest ?? '',
      table_name: table,
      part: partOf(path),
      path,
      rows: BigInt(rows),
      bytes: BigInt(bytes),
      sha256,
      first_key: firstKey === null ? null : JSON.stringify(firstKey),
      last_key: lastKey === null ? null : JSON.stringify(lastKey),
      is_last: isLast,
    })
    .execute();
}

/**
 * Where a killed run goes on: the parts of each table from the first up to the first that is not in the store any more
 * with its size. Of what is in them nothing is believed before it was read. All others are forgotten, and so are those
 * of a quarter that was closed anew since.
 */
export async function resumeParts(
  session: Db,
  store: Store,
  folder: string,
  { quarter, digest }: QuarterRow,
): Promise<StoredPart[]> {
  const rows = await session
    .selectFrom('quartermaster.archive_parts')
    .select(['table_name', 'part', 'path', 'rows', 'bytes', 'sha256', 'first_key', 'last_key', 'is_last'])
    .where('quarter', '=', quarter)
    .where('digest', '=', digest ?? '')
    .orderBy('table_name')
    .orderBy('part')
    .execute();
  const parts: StoredPart[] = [];
  for (const [table, own] of Map.groupBy(rows, ({ table_name }) => table_name)) {
    for (const [i, row] of own.entries()) {
      const stored = await store.stat(`${folder}/${row.path}`);
      if (row.part !== i || stored?.bytes !== Number(row.bytes)) break;
      const { path, sha256, first_key, last_key } = row;
      const size = { rows: Number(row.rows), bytes: Number(row.bytes) };
      parts.push({ table, path, ...size, sha256, first_key, last_key, isLast: row.is_last });
    }
  }
  const good = parts.map(({ path }) => path);
  await session
    .deleteFrom('quartermaster.archive_parts')
    .where('quarter', '=', quarter)
    .where((row) => row.or([row('path', 'not in', ['', ...good]), row('digest', '<>', digest ?? '')]))
    .execute();
  return parts;
}

/** The next run begins anew. */
export async function forgetParts(db: Db, quarter: string): Promise<void> {
  await db.deleteFrom('quartermaster.archive_parts').where('quarter', '=', quarter).execute();
}

/** `entries/part-0003.parquet` → 3. */
function partOf(path: string): number {
  return Number(/(\d+)\.parquet$/.exec(path)?.[1]);
}
