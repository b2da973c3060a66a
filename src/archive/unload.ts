import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { check } from './check.ts';
import { type Duck, literal, openDuck } from './duckdb.ts';
import { type FetchOptions, type Fingerprint, fetchFile } from './fingerprint.ts';
import { MANIFEST } from './format.ts';
import type { Manifest, ManifestFile, ManifestTable } from './manifest.ts';
import type { Store } from './store.ts';
import { type ReadBackOptions, requireSound } from './verify.ts';
import { withWorkDirectory } from './work-directory.ts';

/**
 * Sees that every file of an archive is the one that was written, and that there is no other. The rows in them are not
 * looked at: bytes with the SHA-256 of a manifest that is known hold the rows that were proved when it was written.
 *
 * @throws AppError corrupt/archive_damaged which names every file that is not
 */
export async function checkFiles(
  store: Store,
  folder: string,
  manifest: Manifest,
  { signal, onProgress }: ReadBackOptions,
): Promise<void> {
  const files = manifest.tables.flatMap((table) => table.files);
  const stored = new Set((await store.list(folder)).map(({ path }) => path.slice(folder.length + 1)));
  const declared = new Set([MANIFEST, ...files.map(({ path }) => path)]);
  const faults = [...stored]
    .filter((path) => !declared.has(path))
    .map((path) => `${path} does not belong here`);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const onBytes = (bytes: number) => {
    done += bytes;
    onProgress?.({ what: `check the files of ${manifest.quarter}, in bytes`, done, total });
  };
  await withWorkDirectory(async (directory) => {
    for (const file of files) {
      if (!stored.has(file.path)) {
        faults.push(`${file.path} is missing`);
        continue;
      }
      const found = await fetchFile(store, `${folder}/${file.path}`, directory, { signal, onBytes });
      faults.push(...differences(file, found));
      if (store.localPath === undefined) await rm(found.file);
    }
  });
  requireSound([check('files', faults, '')], `${store.url}/${folder}`);
}

/** Gives the rows of a table of an archive as CSV, from its first part to its last, as PostgreSQL's COPY reads them. */
export type RowsOf = (table: ManifestTable) => AsyncIterable<Buffer>;

export interface UnloadOptions extends FetchOptions {
  /** Told when the rows of another part have been taken. */
  readonly onRows?: ((rows: number) => void) | undefined;
}

/** What is read of a CSV at a time. */
const CHUNK_BYTES = 256 * 1024;

/**
 * Turns the Parquet of an archive into rows for a COPY. While the rows of a part are taken the next one is fetched, compared
 * with its SHA-256 and converted, be it the first of the next table; so two are on the disk at most, and memory is that of
 * one. A file that is not the one that was written ends the rows with an error: nothing of it was given then.
 *
 * @param tables whose rows are asked for, in this order
 * @throws AppError corrupt/archive_damaged, not_found/not_in_store, by way of the rows
 */
export async function withUnloader<T>(
  store: Store,
  folder: string,
  tables: readonly ManifestTable[],
  options: UnloadOptions,
  action: (rowsOf: RowsOf) => Promise<T>,
): Promise<T> {
  const parts = tables.flatMap((table) => table.files.map((file) => ({ table, file })));
  return withWorkDirectory(async (directory) => {
    const local = parts.flatMap(({ file }) => store.localPath?.(`${folder}/${file.path}`) ?? []);
    const directories = new Set(local.map((place) => dirname(place)));
    const duck = await openDuck({ directories: [directory, ...directories], signal: options.signal });
    const begun = new Map<number, Promise<string>>();
    const begin = (index: number): Promise<string> | undefined => {
      const part = parts[index];
      if (part === undefined) return undefined;
      const known = begun.get(index);
      if (known !== undefined) return known;
      const converting = convert({ store, folder, directory, duck }, part.table, part.file, options);
      begun.set(index, converting);
      // It is awaited when its turn comes; a failure before that is not one nobody looks at.
      converting.catch(() => {});
      return converting;
    };
    async function* rowsOf(table: ManifestTable): AsyncGenerator<Buffer> {
      for (const [index, part] of parts.entries()) {
        if (part.table !== table) continue;
        const csv = await (begin(index) as Promise<string>);
        begin(index + 1);
        yield* createReadStream(csv, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>;
        await rm(csv);
        begun.delete(index);
        options.onRows?.(part.file.rows);
      }
    }
    try {
      return await action(rowsOf);
    } finally {
      // Before the directory goes, nobody may be working in it any more.
      await Promise.allSettled(begun.values());
      duck.close();
    }
  });
}

interface Place {
  readonly store: Store;
  readonly folder: string;
  readonly directory: string;
  readonly duck: Duck;
}

/** Writes a part as CSV beside the others, and returns where. */
async function convert(
  { store, folder, directory, duck }: Place,
  { columns }: ManifestTable,
  file: ManifestFile,
  options: FetchOptions,
): Promise<string> {
  const found = await fetchFile(store, `${folder}/${file.path}`, directory, options);
  requireSound([check('files', differences(file, found), '')], `${store.url}/${folder}`);
  const csv = join(directory, `${file.path.replaceAll('/', '-')}.csv`);
  const values = columns.map((column) => `${csvValue(column)} AS "${column.name}"`);
  await duck.rows(
    `COPY (SELECT ${values.join(', ')} FROM read_parquet(${literal(found.file)}))
     TO ${literal(csv)} (FORMAT csv, HEADER false, DELIMITER ',', QUOTE '"', ESCAPE '"', NULLSTR '')`,
  );
  if (store.localPath === undefined) await rm(found.file);
  return csv;
}

/** A column in the words of PostgreSQL. An empty text is quoted by DuckDB, for it looks like the nothing that is NULL. */
function csvValue({ name, type }: ManifestTable['columns'][number]): string {
  // By way of microseconds, as DuckDB needs several times as long to print what has a zone.
  if (type === 'timestamptz') return `make_timestamp(epoch_us("${name}"))::VARCHAR || '+00'`;
  return type === 'bigint[]' ? `'{' || array_to_string("${name}", ',') || '}'` : `"${name}"`;
}

function differences({ path, bytes, sha256 }: ManifestFile, found: Fingerprint): string[] {
  if (found.bytes !== bytes) return [`${path} has ${found.bytes} bytes instead of ${bytes}`];
  return found.sha256 === sha256 ? [] : [`${path} has another SHA-256`];
}
