import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { throwIfAborted } from '../platform/retry.ts';
import { type Blocker, createBlockerAges, type OnBlocked } from './locks.ts';
import type { Db } from './schema.ts';
import { sqlState, toAppError } from './sqlstate.ts';

export interface LongStatementOptions {
  /** Other connections to the same database: they look at the session while it waits, and cancel it. */
  readonly pool: Db;
  /** What the statements work on, as [schema, name]: for the report of who is in the way. */
  readonly relations: readonly (readonly [string, string])[];
  readonly signal?: AbortSignal | undefined;
  readonly onBlocked?: OnBlocked | undefined;
  /** How often to look who is in the way. */
  readonly pollMs?: number;
}

/**
 * Runs statements that may take hours, on a direct session: no timeout of the role ends them, whoever blocks them is
 * reported while they wait, and `signal` cancels them. Should this process die, PostgreSQL notices within a second
 * and ends them too; otherwise the session would keep the quarter's lock until they are done.
 *
 * @throws AppError aborted/aborted
 */
export async function withLongStatements<T>(
  session: Db,
  options: LongStatementOptions,
  action: () => Promise<T>,
): Promise<T> {
  throwIfAborted(options.signal);
  // Settings of the session and not of a transaction, for DETACH … CONCURRENTLY runs in none. This connection is ours
  // alone, and they are taken back below.
  await sql`
    SELECT set_config(name, '0', false) FROM pg_catalog.pg_settings WHERE name = ANY (${TIMEOUTS})`.execute(
    session,
  );
  // Refused by servers on Windows, where a dead client is noticed when the statement ends.
  await sql`SELECT set_config('client_connection_check_interval', '1s', false)`
    .execute(session)
    .catch(() => {});
  const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(session);
  const watcher = watch(rows[0]?.pid ?? 0, options);
  try {
    return await action();
  } catch (error) {
    if (sqlState(error) === '57014') throwIfAborted(options.signal);
    throw toAppError(error);
  } finally {
    await watcher.stop();
    // A session that is dead takes its settings with it.
    await sql`
      SELECT set_config(name, reset_val, false) FROM pg_catalog.pg_settings
      WHERE name = ANY (${[...TIMEOUTS, 'client_connection_check_interval']})`
      .execute(session)
      .catch(() => {});
  }
}

const TIMEOUTS = ['statement_timeout', 'lock_timeout', 'transaction_timeout'];

/** Cancels the backend when asked to stop, and tells who blocks it as long as somebody does. */
function watch(pid: number, options: LongStatementOptions): { stop(): Promise<void> } {
  const { pool, signal, onBlocked } = options;
  const names = options.relations.map((parts) => parts.join('.'));
  const done = new AbortController();
  let pending: Promise<unknown> = Promise.resolve();
  // What is only watched must not fail for want of a connection to watch with; the next look may have one.
  const look = (work: () => Promise<unknown>) => {
    pending = pending.then(work).catch(() => {});
    return pending;
  };
  const cancel = () => look(() => sql`SELECT pg_cancel_backend(${pid})`.execute(pool));
  signal?.addEventListener('abort', cancel, { once: true });
  const aged = createBlockerAges();
  const poll = async () => {
    for (let attempt = 1; ; attempt++) {
      await delay(options.pollMs ?? 1000, undefined, { signal: done.signal, ref: false });
      // Between two statements a cancel is lost, so it is sent again until the work has stopped.
      if (signal?.aborted) await cancel();
      else if (onBlocked !== undefined) {
        await look(async () => {
          const blockers = aged(await blockersOf(pool, pid));
          if (blockers.length > 0) onBlocked(names, blockers, attempt, 'long');
        });
      }
    }
  };
  const polling = poll().catch(() => {});
  return {
    // A cancel under way is awaited: one that came late would hit the next statement of the session.
    async stop() {
      done.abort();
      signal?.removeEventListener('abort', cancel);
      await polling;
      await pending;
    },
  };
}

/** The sessions that the backend waits for, the oldest transaction first. */
async function blockersOf(db: Db, pid: number): Promise<Blocker[]> {
  const { rows } = await sql<Blocker>`
    SELECT pid, coalesce(application_name, '') AS application, coalesce(state, '') AS state,
           coalesce(extract(epoch FROM clock_timestamp() - xact_start), 0)::float8 AS "transactionAge"
    FROM pg_catalog.pg_stat_activity
    WHERE pid = ANY (pg_blocking_pids(${pid}))
    ORDER BY "transactionAge" DESC`.execute(db);
  return rows;
}
