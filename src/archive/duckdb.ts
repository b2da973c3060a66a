import { DuckDBInstance } from '@duckdb/node-api';
import { AppError } from '../core/errors.ts';
import { throwIfAborted } from '../platform/retry.ts';

/** A DuckDB in memory that reads and writes in the given directories and nowhere else. */
export interface Duck {
  /** The rows of the last statement; what is wider than an int32 is to be cast to VARCHAR in the SQL. */
  rows<T extends object>(sql: string): Promise<T[]>;
  close(): void;
}

export interface DuckOptions {
  /** Absolute. The first is for what does not fit in memory. */
  readonly directories: readonly [string, ...string[]];
  readonly signal?: AbortSignal | undefined;
}

/** What DuckDB may use beside Node: enough for a part file and its row groups; more than that is spilled. */
const MEMORY = '256MB';
const THREADS = 2;

const INTERRUPT_MS = 20;

/**
 * Opens a fenced DuckDB: no file outside the directories, no network, no extension that would be fetched or loaded, and
 * no setting that could be changed back. Close it.
 */
export async function openDuck({ directories, signal }: DuckOptions): Promise<Duck> {
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
  const allowed = directories.map((directory) => literal(`${directory}/`));
  try {
    for (const setting of [
      "TimeZone = 'UTC'",
      // What is read back has to come from the files, and memory is better spent otherwise.
      'enable_external_file_cache = false',
      'preserve_insertion_order = true',
      `temp_directory = ${literal(`${directories[0]}/spill`)}`,
      `allowed_directories = [${allowed.join(', ')}]`,
      'enable_external_access = false',
      'lock_configuration = true',
    ]) {
      await connection.run(`SET ${setting}`);
    }
  } catch (error) {
    close();
    throw error;
  }
  return {
    async rows<T extends object>(sql: string) {
      throwIfAborted(signal);
      // A statement that has not quite begun does not notice an interrupt, so it is repeated.
      let interrupting: NodeJS.Timeout | undefined;
      const interrupt = () => {
        interrupting = setInterval(() => connection.interrupt(), INTERRUPT_MS);
      };
      signal?.addEventListener('abort', interrupt, { once: true });
      try {
        return (await connection.runAndReadAll(sql)).getRowObjectsJS() as T[];
      } catch (cause) {
        throwIfAborted(signal);
        throw failure(cause);
      } finally {
        signal?.removeEventListener('abort', interrupt);
        clearInterval(interrupting);
      }
    },
    close,
  };
}

/** Want of room passes by; what else DuckDB cannot do lies in the file or in our SQL. */
function failure(cause: unknown): AppError {
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
