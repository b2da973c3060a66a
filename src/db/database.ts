import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { AppError } from '../core/errors.ts';
import type { Db, Schema } from './schema.ts';

/** The three ways to the database. `read` may lag behind; `direct` passes by any pooler. */
export interface Database {
  /** Short transactions. May be a transaction pooler: no session state of any kind. */
  readonly write: Db;
  /** Lists and reports; the replica where there is one. */
  readonly read: Db;
  /** Migrations, session locks, concurrent detach, long copies. */
  readonly direct: Db;
  /**
   * A connection of `direct` as node-postgres has it, for what Kysely cannot send: a COPY. It is thrown away when the
   * action fails, for nobody knows what it was in the middle of.
   */
  withClient<T>(action: (client: pg.ClientBase) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly databaseUrl: string | undefined;
  readonly directDatabaseUrl?: string | undefined;
  readonly replicaUrl?: string | undefined;
  readonly poolMax?: number;
  readonly applicationName?: string;
  /** Told when an idle connection dies; the pool replaces it by itself. */
  readonly onIdleError?: (error: Error) => void;
}

/**
 * Opens the pools; connections are made when first needed.
 *
 * @throws AppError config/no_database_url
 */
export function openDatabase(options: DatabaseOptions): Database {
  const { databaseUrl, directDatabaseUrl, replicaUrl } = options;
  if (databaseUrl === undefined) {
    const detail = 'Set QM_DATABASE_URL, or use `quartermaster dev`, which brings its own PostgreSQL.';
    throw new AppError('config', 'no_database_url', detail);
  }
  const write = kysely(openPool(databaseUrl, options));
  const read = replicaUrl === undefined ? write : kysely(openPool(replicaUrl, options));
  // A pool of its own even on the same URL: a verb that holds a session for an hour must not starve writers.
  const directPool = openPool(directDatabaseUrl ?? databaseUrl, options);
  const direct = kysely(directPool);
  return {
    write,
    read,
    direct,
    withClient: async (action) => {
      const client = await directPool.connect();
      let failed = true;
      try {
        const result = await action(client);
        failed = false;
        return result;
      } finally {
        client.release(failed);
      }
    },
    close: async () => {
      await Promise.all([...new Set([write, read, direct])].map((db) => db.destroy()));
    },
  };
}

function openPool(connectionString: string, options: DatabaseOptions): pg.Pool {
  // node-postgres writes a Date in the process's own zone, to the minute of its offset; in a zone that was once off
  // by seconds (Africa/Monrovia until 1972) that is another instant.
  pg.defaults.parseInputDatesAsUTC = true;
  const pool = new pg.Pool({
    connectionString,
    max: options.poolMax ?? 10,
    application_name: options.applicationName ?? 'quartermaster',
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    types: { getTypeParser },
  });
  // Without listeners the death of a connection would end the process: of an idle one, and of one in use, where the
  // statement under way fails, or the next.
  pool.on('error', (error) => options.onIdleError?.(error));
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

function kysely(pool: pg.Pool): Db {
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
}

const INT8 = 20;
const INT8_ARRAY = 1016;
const DATE = 1082;

/** Money must not pass through a float and a day is not an instant, so these types are not node-postgres' own. */
function getTypeParser(oid: number, format?: 'text' | 'binary') {
  if (format !== 'binary') {
    if (oid === INT8) return BigInt;
    if (oid === INT8_ARRAY)
      return (text: string) => (text === '{}' ? [] : text.slice(1, -1).split(',').map(BigInt));
    if (oid === DATE) return (text: string) => text;
  }
  return pg.types.getTypeParser(oid, format);
}
