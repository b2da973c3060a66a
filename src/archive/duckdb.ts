import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBPreparedStatement,
  StatementType,
} from '@duckdb/node-api';
import { AppError, isAppError } from '../core/errors.ts';
import { throwIfAborted } from '../platform/retry.ts';
import { type Cell, cellOf, typeName } from './cells.ts';

/** A DuckDB in memory that reads and writes in the given directories and nowhere else. */
export interface Duck {
  /**
   * The rows of the last statement; what is wider than an int32 is to be cast to VARCHAR in the SQL. `values` are those of
   * `$name` in it.
   */
  rows<T extends object>(sql: string, values?: Readonly<Record<string, string>>): Promise<T[]>;
  /**
   * The rows of a query somebody made up, `maxRows` of them at most and not more than 64 MiB of text, fetched as they come.
   *
   * @throws AppError invalid/query_refused for what is not one SELECT, before any of it runs, and for what DuckDB cannot do
   */
  ask(sql: string, maxRows: number): Promise<DuckAnswer>;
  close(): void;
}

export interface DuckAnswer {
  /** Types by PostgreSQL's names, as `numeric(12,2)`. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly Cell[])[];
  /** True when there are more rows than were asked for. */
  readonly truncated: boolean;
}

export interface DuckOptions {
  /** Absolute. The first is for what does not fit in memory. */
  readonly directories: readonly [string, ...string[]];
  /** Absolute. When they are given nothing can be read but them, and the directories hold only what does not fit in memory. */
  readonly files?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What DuckDB may use beside Node: enough for a part file and its row groups; more than that is spilled. */
const MEMORY = '256MB';
const THREADS = 2;

/** Characters that an answer holds at most; what DuckDB has handed over its own limit does not count. */
const MOST_TEXT = 64 * 1024 * 1024;

const INTERRUPT_MS = 20;

/**
 * Opens a fenced DuckDB: no file outside the directories, no network, no extension that would be fetched or loaded, and
 * no setting that could be changed back. Close it.
 */
export async function openDuck({ directories, files, signal }: DuckOptions): Promise<Duck> {
  throwIfAborted(signal);
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(THREADS),
    memory_limit: MEMORY,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  });
  const connection = await instance.connect();
  const close = () => {
    connection.closeSync();
    instance.closeSync();
  };
  // The directory for what does not fit in memory DuckDB lets itself into.
  const allowed =
    files === undefined
      ? `allowed_directories = ${literals(directories.map((directory) => `${directory}/`))}`
      : `allowed_paths = ${literals(files)}`;
  try {
    for (const setting of [
      "TimeZone = 'UTC'",
      // What is read back has to come from the files, and memory is better spent otherwise.
      'enable_external_file_cache = false',
      'preserve_insertion_order = true',
      // Planning takes a time that grows with more than the square of the depth, and notices no interrupt.
      'max_expression_depth = 250',
      `temp_directory = ${literal(`${directories[0]}/spill`)}`,
      allowed,
      'enable_external_access = false',
      'lock_configuration = true',
    ]) {
      await connection.run(`SET ${setting}`);
    }
  } catch (error) {
    close();
    throw error;
  }

  async function attempt<T>(action: () => Promise<T>): Promise<T> {
    throwIfAborted(signal);
    // A statement that has not quite begun does not notice an interrupt, so it is repeated.
    let interrupting: NodeJS.Timeout | undefined;
    const interrupt = () => {
      interrupting = setInterval(() => connection.interrupt(), INTERRUPT_MS);
    };
    signal?.addEventListener('abort', interrupt, { once: true });
    try {
      return await action();
    } catch (cause) {
      throwIfAborted(signal);
      throw failure(cause);
    } finally {
      signal?.removeEventListener('abort', interrupt);
      clearInterval(interrupting);
    }
  }

  return {
    rows: <T extends object>(sql: string, values?: Readonly<Record<string, string>>) =>
      attempt(async () => (await connection.runAndReadAll(sql, values)).getRowObjectsJS() as T[]),
    async ask(sql, maxRows) {
      try {
        return await attempt(async () => fetchRows(await prepareQuery(connection, sql), maxRows));
      } catch (error) {
        throw isAppError(error, 'duckdb_failed') ? queryRefused(error.detail) : error;
      }
    },
    close,
  };
}

/** What writes, attaches, copies, sets, installs or calls is of another type than SELECT, and none of it has run by then. */
async function prepareQuery(connection: DuckDBConnection, sql: string): Promise<DuckDBPreparedStatement> {
  const statements = await connection.extractStatements(sql);
  if (statements.count !== 1) throw queryRefused(`it has ${statements.count} statements`);
  const statement = await statements.prepare(0);
  if (statement.statementType !== StatementType.SELECT) {
    throw queryRefused(`it is a statement of the type ${StatementType[statement.statementType]}`);
  }
  if (statement.parameterCount > 0) throw queryRefused('it has parameters, and there are no values for them');
  return statement;
}

async function fetchRows(statement: DuckDBPreparedStatement, maxRows: number): Promise<DuckAnswer> {
  const result = await statement.stream();
  const types = result.columnTypes();
  const rows: Cell[][] = [];
  let text = 0;
  const isFull = () => rows.length > maxRows || text > MOST_TEXT;
  while (!isFull()) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    for (const row of chunk.getRows()) {
      const cells = row.map((value, i) => cellOf(value, types[i]));
      rows.push(cells);
      for (const cell of cells) if (typeof cell === 'string') text += cell.length;
      if (isFull()) break;
    }
  }
  // The row that was too much is not told.
  if (rows.length === 1 && text > MOST_TEXT) {
    throw queryRefused(`its first row has more than ${MOST_TEXT} characters`);
  }
  const truncated = isFull();
  return {
    columns: result.columnNames().map((name, i) => ({ name, type: typeName(types[i]) })),
    rows: truncated ? rows.slice(0, -1) : rows,
    truncated,
  };
}

/** The error of a query that is not run. `why` completes "it is refused: …". */
export function queryRefused(why: string): AppError {
  const detail = `The query is refused: ${why.replace(/\.?\s*$/, '')}. Write one SELECT, VALUES, TABLE or WITH that reads the tables of the archives.`;
  return new AppError('invalid', 'query_refused', detail);
}

/** Want of room passes by; what else DuckDB cannot do lies in the file or in our SQL. */
function failure(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  if (/^Out of Memory|No space left/i.test(message)) {
    const detail = `DuckDB has no room for its temporary files: ${message}. Make some, or set TMPDIR to a directory that has it.`;
    return new AppError('unavailable', 'no_room', detail, { cause });
  }
  return new AppError('internal', 'duckdb_failed', message, { cause });
}

/** Text as an SQL literal: file names come from the configuration and from listings of the store. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Several texts as an SQL list. */
export function literals(texts: readonly string[]): string {
  return `[${texts.map(literal).join(', ')}]`;
}
