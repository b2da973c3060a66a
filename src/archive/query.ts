import { AppError, isAppError } from '../core/errors.ts';
import type { ArchivePart, FileCache } from './cache.ts';
import { type Duck, type DuckAnswer, literal, literals, openDuck } from './duckdb.ts';
import type { Manifest, ManifestTable } from './manifest.ts';
import { parseQuery } from './statement.ts';
import type { Store } from './store.ts';
import { withWorkDirectory } from './work-directory.ts';

/** An archive that is read, by a manifest that is known to be its own. */
export interface ArchiveSource {
  readonly store: Store;
  readonly folder: string;
  readonly manifest: Manifest;
}

/** A query somebody made up, and what it may take. */
export interface ArchiveQuery {
  /** One SELECT, VALUES, TABLE or WITH. */
  readonly sql: string;
  readonly maxRows: number;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ArchiveAnswer extends DuckAnswer {
  /** Those that were there to be read, oldest first. */
  readonly quarters: readonly string[];
}

/** Where the tables are, as they are in the database; it is the default, too. */
const SCHEMA = 'ledger';

/**
 * Runs one query over the archives of one or more quarters, where they lie: `transactions` and `entries` hold the rows of
 * all of them, and the other tables have a column `quarter`. Files are looked at only for the tables it names.
 *
 * @throws AppError invalid/query_refused, with DuckDB's reason where it is that
 * @throws AppError busy/statement_canceled after `timeoutMs`
 * @throws AppError corrupt/archive_damaged, and whatever the cache throws
 */
export async function queryArchives(
  cache: FileCache,
  sources: readonly ArchiveSource[],
  { sql, maxRows, timeoutMs, signal }: ArchiveQuery,
): Promise<ArchiveAnswer> {
  const inOrder = [...sources].sort((a, b) => (a.manifest.quarter < b.manifest.quarter ? -1 : 1));
  const tooSlow = () => {
    const detail = `The query took longer than ${timeoutMs / 1000} s and was ended. Narrow it, or give it more time.`;
    return new AppError('busy', 'statement_canceled', detail);
  };
  return withTimeout({ timeoutMs, signal, tooSlow }, async (until) => {
    const tables = await findTables(inOrder, sql, until);
    return withArchives(cache, inOrder, { tables, signal: until }, async (duck) => {
      const answer = await duck.ask(sql, maxRows);
      return { ...answer, quarters: inOrder.map(({ manifest }) => manifest.quarter) };
    });
  });
}

/**
 * Runs `action` with a DuckDB in which the tables of the archives can be asked for by their names, and no other file can be
 * read.
 *
 * @throws what the cache throws
 */
export async function withArchives<T>(
  cache: FileCache,
  sources: readonly ArchiveSource[],
  { tables, signal }: { readonly tables: readonly string[]; readonly signal?: AbortSignal | undefined },
  action: (duck: Duck) => Promise<T>,
): Promise<T> {
  const wanted = sources.flatMap((source) =>
    source.manifest.tables.filter(({ name }) => tables.includes(name)).map((table) => ({ source, table })),
  );
  const parts: ArchivePart[] = wanted.flatMap(({ source: { store, folder }, table }) =>
    table.files.map((file) => ({ store, folder, file })),
  );
  return cache.withFiles(parts, { signal }, async (files, directory) => {
    const duck = await openDuck({ directories: [directory], files, signal });
    try {
      await duck.rows(`CREATE SCHEMA ${SCHEMA}`);
      for (const name of tables) {
        const selects: string[] = [];
        let next = 0;
        for (const { source, table } of wanted) {
          const places = files.slice(next, next + table.files.length);
          next += table.files.length;
          if (table.name === name) selects.push(selectOf(source.manifest.quarter, table, places));
        }
        if (selects.length === 0) continue;
        // By name: an archive of a later version may have columns that an earlier one has not.
        const view = `CREATE VIEW ${SCHEMA}."${name}" AS ${selects.join(' UNION ALL BY NAME ')}`;
        await duck.rows(view).catch(asDamage(name));
      }
      await duck.rows(`USE ${SCHEMA}`);
      return await action(duck);
    } finally {
      duck.close();
    }
  });
}

/**
 * The rows of one quarter. Those of a quarter table are its own by their time; of the others each quarter has one for the
 * same thing, so it is told which it is of, as the second column where the database has it there.
 */
function selectOf(
  quarter: string,
  { kind, columns, files }: ManifestTable,
  places: readonly string[],
): string {
  const names = columns.map(({ name }) => `"${name}"`);
  if (kind === 'context')
    names.splice(names[0] === '"ledger_id"' ? 1 : 0, 0, `${literal(quarter)} AS quarter`);
  return `SELECT ${names.join(', ')} FROM read_parquet(${literals(places.slice(0, files.length))})`;
}

/** For a catch: files that are those of the manifest, and of which there is no table to be made. */
function asDamage(table: string): (error: unknown) => never {
  return (error) => {
    if (!isAppError(error, 'duckdb_failed')) throw error;
    const detail = `The files of ${table} are not as their manifests say: ${error.detail}`;
    throw new AppError('corrupt', 'archive_damaged', detail, { cause: error });
  };
}

/** The tables that a query names, so that of what is elsewhere no more is fetched than it reads. */
async function findTables(
  sources: readonly ArchiveSource[],
  sql: string,
  signal: AbortSignal,
): Promise<string[]> {
  const there = new Set(sources.flatMap(({ manifest }) => manifest.tables.map(({ name }) => name)));
  const { tables, asksForTables } = await withWorkDirectory(async (directory) => {
    const duck = await openDuck({ directories: [directory], files: [], signal });
    try {
      return await parseQuery(duck, sql);
    } finally {
      duck.close();
    }
  });
  return [...there].filter((name) => asksForTables || tables.has(name));
}

/** Runs an action under a signal that is raised when it takes too long, or when nobody waits for it any more. */
export async function withTimeout<T>(
  options: {
    readonly timeoutMs: number;
    readonly signal?: AbortSignal | undefined;
    /** The error of an action that took too long. */
    readonly tooSlow: () => AppError;
  },
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { timeoutMs, signal, tooSlow } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    return await action(signal === undefined ? timeout : AbortSignal.any([signal, timeout]));
  } catch (error) {
    if (isAppError(error, 'aborted') && timeout.aborted && !signal?.aborted) throw tooSlow();
    throw error;
  }
}
