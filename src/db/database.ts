import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { AppError } from '../core/errors.ts';
import { Connection, type ConnectionConfig } from './connection.ts';
import { withLease } from './lease.ts';
import type { PoolName, PoolObserver } from './pool-observer.ts';
import type { Db, Schema } from './schema.ts';
import { getTypeParser } from './type-parsers.ts';
import { WatchedPool } from './watched-pool.ts';

/** The connections to a replica. `reads` fails sooner than others, for the primary can answer instead. */
export interface ReplicaPools {
  readonly reads: pg.Pool;
  /** One connection to look how the replica is, however many reads wait for theirs. */
  readonly probes: pg.Pool;
}

/** The three ways to the database. `read` may lag behind; `direct` passes by any pooler. */
export interface Database {
  /** Short transactions. May be a transaction pooler: no session state of any kind. */
  readonly write: Db;
  /** The replica where there is one, however it is: who wants an answer whatever happens reads through a Router. */
  readonly read: Db;
  readonly replica?: ReplicaPools | undefined;
  /** Migrations, session locks, concurrent detach, long copies. */
  readonly direct: Db;
  /**
   * A connection of `direct` as node-postgres has it, for what Kysely cannot send: a COPY. It is thrown away when the
   * action fails, for nobody knows what it was in the middle of, and when `signal` fires.
   */
  withClient<T>(action: (client: pg.ClientBase) => Promise<T>, signal?: AbortSignal): Promise<T>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly databaseUrl: string | undefined;
  readonly directDatabaseUrl?: string | undefined;
  readonly replicaUrl?: string | undefined;
  readonly poolMax?: number;
  readonly applicationName?: string;
  /**
   * Sessions look for functions and operators in pg_catalog alone, whatever the role is set to: for statements with more rights than those
   * have who may make a schema in the database. Not behind a pooler.
   */
  readonly catalogOnly?: boolean;
  /** Told when an idle connection dies; the pool replaces it by itself. */
  readonly onIdleError?: (error: Error) => void;
  readonly observer?: PoolObserver | undefined;
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
  // Statements of a transaction may be sent before those before them are answered: transact.ts.
  const writes = openPool('write', databaseUrl, options, { pipeline: true });
  // A pool of its own even on the same URL: a verb that holds a session for an hour must not starve writers.
  const directs = openPool('direct', directDatabaseUrl ?? databaseUrl, options);
  const replica =
    replicaUrl === undefined
      ? undefined
      : {
          reads: openPool('replica', replicaUrl, options, forReplica),
          probes: openPool('probe', replicaUrl, { ...options, poolMax: 1 }, forReplica),
        };
  const write = kysely(writes);
  return {
    write,
    read: replica === undefined ? write : kysely(replica.reads),
    direct: kysely(directs),
    replica,
    withClient: (action, signal) => withLease(directs, { signal }, ({ client }) => action(client)),
    close: async () => {
      const pools = [writes, directs, ...(replica === undefined ? [] : [replica.reads, replica.probes])];
      await Promise.all(pools.filter((pool) => !pool.ending).map((pool) => pool.end()));
    },
  };
}

/**
 * A replica that hangs is given up soon, for the primary can answer, and does not keep the process from ending: the
 * farewell to it is never answered.
 */
const forReplica = { connectionTimeoutMillis: 1000, allowExitOnIdle: true };

function openPool(
  name: PoolName,
  connectionString: string,
  options: DatabaseOptions,
  more: pg.PoolConfig = {},
): pg.Pool {
  const { observer } = options;
  // node-postgres writes a Date in the process's own zone, to the minute of its offset; in a zone that was once off
  // by seconds (Africa/Monrovia until 1972) that is another instant.
  pg.defaults.parseInputDatesAsUTC = true;
  const config: pg.PoolConfig & ConnectionConfig = {
    connectionString,
    max: options.poolMax ?? 10,
    application_name: options.applicationName ?? 'quartermaster',
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    // A server that is gone without a word is noticed on connections that wait for nothing, or for an answer, in seconds and not
    // hours. One to which something is still to be sent is given up by the system, later.
    keepAliveInitialDelayMillis: 10_000,
    types: { getTypeParser },
    Client: Connection,
    onConnect: async (client) => {
      if (client instanceof Connection) await client.readyDates();
      if (options.catalogOnly) await client.query('SET search_path TO pg_catalog, pg_temp');
    },
    ...more,
  };
  if (observer !== undefined) config.onFailure = (error) => observer.onError(name, error);
  const pool = observer === undefined ? new pg.Pool(config) : new WatchedPool(config, name, observer);
  // Without listeners the death of a connection would end the process: of an idle one, and of one in use, where the
  // statement under way fails, or the next.
  pool.on('error', (error) => {
    // One that dies while it is being closed is missed by nobody.
    if (pool.ending) return;
    // The pool hangs the whole connection on it, with the key that cancels its statements: that is for no log.
    Reflect.deleteProperty(error, 'client');
    options.onIdleError?.(error);
  });
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

function kysely(pool: pg.Pool): Db {
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
}
