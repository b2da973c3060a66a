import {
  Kysely,
  PostgresAdapter,
  type PostgresDialectConfig,
  PostgresDriver,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely';
import type pg from 'pg';
import type { Db, Schema } from './schema.ts';
import { parsePosition } from './wal-position.ts';

/** What a server says of itself when a transaction begins. */
export interface ServerSide {
  readonly isStandby: boolean;
  /** Undefined where it has replayed nothing, or does not tell. */
  readonly replayed: bigint | undefined;
}

/**
 * Begins a read-only transaction and asks where its server stands, in one round trip.
 *
 * READ COMMITTED is the point: each statement takes a snapshot of its own, so what is read next is at least as new as the
 * position told here. REPEATABLE READ would keep the snapshot of this very question, which was taken before its
 * answer: between the two the standby may replay up to the position that is asked for and not show it.
 *
 * @param statementMs PostgreSQL's own limit for each statement, for this transaction only: a pooler may be in between
 */
export async function beginReadOnly(client: pg.ClientBase, statementMs: number): Promise<ServerSide> {
  const results = (await client.query(`
    START TRANSACTION ISOLATION LEVEL READ COMMITTED READ ONLY;
    SELECT pg_is_in_recovery() AS standby, pg_last_wal_replay_lsn()::text AS replayed,
           set_config('statement_timeout', '${Math.round(statementMs)}', true),
           (SELECT set_config('client_connection_check_interval', '1s', true) WHERE version() !~* '${WINDOWS}')
  `)) as unknown as pg.QueryResult[];
  const row = results.at(-1)?.rows[0] as { standby: boolean; replayed: string | null };
  return { isStandby: row.standby, replayed: parsePosition(row.replayed ?? '') };
}

/** Servers there refuse the setting by which others notice, in the middle of a query, that nobody listens any more. */
const WINDOWS = 'windows|mingw|visual';

/** Ends it. What outlives a transaction, a session's advisory locks, goes too: the next one here may be anybody's. */
export async function endReadOnly(client: pg.ClientBase): Promise<void> {
  await client.query('ROLLBACK; SELECT pg_advisory_unlock_all()');
}

/**
 * Gives the action the transaction that was begun on `client` as Kysely has it. Statements of the action that are sent
 * at once run one after another; a transaction of its own it cannot begin.
 */
export async function inTransactionOf<T>(client: pg.ClientBase, action: (db: Db) => Promise<T>): Promise<T> {
  const lent = { query: client.query.bind(client), release: () => {} };
  const pool = { connect: async () => lent, end: async () => {}, options: {} };
  const db = new Kysely<Schema>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new BegunTransaction({ pool: pool as unknown as PostgresDialectConfig['pool'] }),
      createIntrospector: (any) => new PostgresIntrospector(any),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  });
  return db.transaction().execute(action);
}

/** Whoever lent the connection has begun the transaction and ends it. */
class BegunTransaction extends PostgresDriver {
  override async beginTransaction(): Promise<void> {}
  override async commitTransaction(): Promise<void> {}
  override async rollbackTransaction(): Promise<void> {}
}
