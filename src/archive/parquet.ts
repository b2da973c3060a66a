import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Duck, literal, openDuck } from './duckdb.ts';
import { fingerprint } from './fingerprint.ts';
import { type ArchiveTable, parquetType, partPath, ROW_GROUP_ROWS } from './format.ts';
import { type RowKey, readKeys } from './keys.ts';
import { withWorkDirectory, writeFailure } from './work-directory.ts';

/** A Parquet file on this machine that is to become a part of the archive. */
export interface Part {
  /** Below the folder of the archive. */
  readonly path: string;
  readonly file: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
  /** Of its first and its last row; null when it has none. */
  readonly firstKey: RowKey | null;
  readonly lastKey: RowKey | null;
  /** No row of the table comes after it. */
  readonly isLast: boolean;
}

/** What is at hand while parts are written. All of it happens one after the other, in the order of the calls. */
export interface PartWork {
  /** Reads in the work directory, and in the directories of the options. */
  readonly duck: Duck;
  /** Where files may be put meanwhile. */
  readonly directory: string;
  /** Returns when all parts of what was written so far are stored. */
  settled(): Promise<void>;
}

export interface PartOptions {
  readonly signal?: AbortSignal | undefined;
  /** Absolute; other directories that are read in. */
  readonly directories?: readonly string[];
  /** The CSV of a part is not longer than this, unless a single chunk is. */
  readonly partBytes?: number;
  /** Takes each part in its turn; the file is deleted when it returns. */
  readonly store: (table: ArchiveTable, part: Part, work: PartWork) => Promise<void>;
}

/**
 * Receives the rows of a table as CSV, in chunks of whole rows, columns as in the table, in the order of its key. When it
 * returns the last part may still be on its way. A table without rows becomes one part without rows, which still tells
 * its columns.
 *
 * @param from the number of the first part: above 0 when those before it are stored already
 */
export type WriteTable = (table: ArchiveTable, rows: AsyncIterable<Buffer>, from?: number) => Promise<void>;

/**
 * About 5 MB of Parquet, which DuckDB writes in an eighth of a second: so little is lost by a kill, fetched for a lookup,
 * and waited for at both ends of a copy, where only one of the two sides works. Twice as long takes a quarter more
 * memory and is no faster.
 */
const PART_BYTES = 16 * 1024 * 1024;

/** Up to here DuckDB reads a row without being told that it is long. */
const ROW_BYTES = 2 * 1024 * 1024;

/**
 * Turns rows into Parquet parts, in the order in which they come. While a part is being converted and stored the next
 * one is received, so two are on the disk at most, and whoever sends rows faster than that waits. When this returns
 * every part is stored.
 */
export async function withPartWriter<T>(
  options: PartOptions,
  action: (write: WriteTable, work: PartWork) => Promise<T>,
): Promise<T> {
  const { signal, store, directories = [], partBytes = PART_BYTES } = options;
  return withWorkDirectory(async (directory) => {
    const duck = await openDuck({ directories: [directory, ...directories], signal });
    let converting: Promise<void> = Promise.resolve();
    const work: PartWork = { duck, directory, settled: () => converting };

    async function write(table: ArchiveTable, rows: AsyncIterable<Buffer>, from = 0): Promise<void> {
      const chunks = rows[Symbol.asyncIterator]();
      try {
        let next = await chunks.next();
        for (let index = from; index === from || !next.done; index++) {
          const csv = join(directory, `${table.name}-${index}.csv`);
          const file = await open(csv, 'w');
          // No row is longer than its chunk.
          let longest = 0;
          try {
            for (let bytes = 0; !next.done && (bytes === 0 || bytes + next.value.length <= partBytes); ) {
              await file.writeFile(next.value);
              bytes += next.value.length;
              longest = Math.max(longest, next.value.length);
              next = await chunks.next();
            }
          } finally {
            await file.close();
          }
          const isLast = next.done === true;
          await converting;
          converting = convert(table, index, csv, { longest, isLast });
          // It is awaited when the next part has come; a failure before that is not one nobody looks at.
          converting.catch(() => {});
        }
      } catch (error) {
        throw writeFailure(error);
      } finally {
        await chunks.return?.();
      }
    }

    async function convert(
      table: ArchiveTable,
      index: number,
      csv: string,
      { longest, isLast }: { longest: number; isLast: boolean },
    ): Promise<void> {
      const file = `${csv}.parquet`;
      const [written] = await duck.rows<{ Count: bigint }>(conversion(table, csv, file, longest));
      await rm(csv);
      const path = partPath(table.name, index);
      const rows = Number(written?.Count);
      const { first, last } = await readKeys(duck, table, file, rows);
      const keys = { firstKey: first, lastKey: last };
      await store(table, { path, file, rows, ...(await fingerprint(file)), ...keys, isLast }, work);
      await rm(file);
    }

    try {
      const result = await action(write, work);
      await converting;
      return result;
    } finally {
      // Before the directory goes, nobody may be working in it any more.
      await converting.catch(() => {});
      duck.close();
    }
  });
}

function conversion({ columns }: ArchiveTable, csv: string, file: string, longest: number): string {
  const values = columns.map(({ name, type }) =>
    // DuckDB writes a list with other brackets than PostgreSQL.
    type === 'bigint[]' ? `CAST(translate("${name}", '{}', '[]') AS BIGINT[]) AS "${name}"` : `"${name}"`,
  );
  const types = columns.map(
    ({ name, type }) => `'${name}': '${type === 'bigint[]' ? 'VARCHAR' : parquetType(type)}'`,
  );
  // The buffer has to hold a row whole.
  const room = longest > ROW_BYTES ? `max_line_size = ${longest}, buffer_size = ${2 * longest},` : '';
  // An unquoted nothing is NULL and a quoted one an empty text, as COPY writes them. Level 1 takes a quarter less time
  // than the default of 3, for no more bytes. V2 stands for the encodings by difference: integers and instants in key
  // order shrink to little, in no more time. DuckDB, Spark from 3.3, Trino and Arrow read them.
  return `COPY (
    SELECT ${values.join(', ')}
    FROM read_csv(${literal(csv)}, auto_detect = false, header = false, delim = ',', quote = '"', escape = '"',
      new_line = '\\n', nullstr = '', allow_quoted_nulls = false, ${room}
      columns = {${types.join(', ')}})
  ) TO ${literal(file)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, PARQUET_VERSION V2,
    ROW_GROUP_SIZE ${ROW_GROUP_ROWS})`;
}
