import { sql } from 'kysely';
import { stopwatch } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { retry } from '../platform/retry.ts';
import { identifier } from './identifier.ts';
import type { Db, Trx } from './schema.ts';
import { sqlState, toAppError } from './sqlstate.ts';

/**
 * Who stands in the way of a lock. Of the session of another role PostgreSQL tells application, state and age only to
 * members of pg_read_all_stats; to others the first two are empty, and the age is how long it has been in our way.
 */
export interface Blocker {
  readonly pid: number;
  readonly application: string;
  readonly state: string;
  /** Of its transaction, in seconds. */
  readonly transactionAge: number;
  /** Which transaction that is, told of every role; the same session's next one is another. Only of holders of a lock. */
  readonly transaction?: string;
}

/**
 * How we wait: `short`, a try was given up after a moment and will be repeated; `long`, we stand in line and nobody
 * stands behind us.
 */
export type Waiting = 'short' | 'long';

/** Told each time a lock was not had: the relations, who holds them, which try or look it was, and how we wait. */
export type OnBlocked = (
  relations: readonly string[],
  blockers: readonly Blocker[],
  attempt: number,
  waiting: Waiting,
) => void;

export interface ShortLockOptions {
  /** Qualified names, as [schema, name], of what the action locks: to find out who holds them. */
  readonly relations: readonly (readonly [string, string])[];
  readonly signal?: AbortSignal | undefined;
  readonly onBlocked?: OnBlocked | undefined;
  readonly lockTimeoutMs?: number;
  readonly attempts?: number;
}

/** 'QM' and one more: the classes of our advisory locks, so that they meet no other program's. */
const QUARTER_LOCKS = 0x514d;
const NAMED_LOCKS = 0x514e;

/**
 * Runs `action` in a transaction that gives up waiting for a lock after a moment and tries again later: a waiting
 * ACCESS EXCLUSIVE request makes every later reader and writer queue behind it, so a long wait of ours would be a
 * stall of theirs.
 *
 * @throws AppError busy/lock_timeout which names the blocking sessions
 */
export async function withShortLock<T>(
  db: Db,
  action: (trx: Trx) => Promise<T>,
  options: ShortLockOptions,
): Promise<T> {
  const names = options.relations.map((parts) => parts.join('.'));
  let blockers: readonly Blocker[] = [];
  const aged = createBlockerAges();
  try {
    return await retry(
      () =>
        db.transaction().execute(async (trx) => {
          await sql`SELECT set_config('lock_timeout', ${`${options.lockTimeoutMs ?? 200}ms`}, true)`.execute(
            trx,
          );
          return action(trx);
        }),
      {
        retryable: (error) => sqlState(error) === '55P03' || sqlState(error) === '40P01',
        attempts: options.attempts ?? 60,
        baseMs: 50,
        capMs: 2000,
        signal: options.signal,
        onRetry: async (_error, attempt) => {
          blockers = aged(await lockHolders(db, options.relations));
          options.onBlocked?.(names, blockers, attempt, 'short');
        },
      },
    );
  } catch (error) {
    if (sqlState(error) !== '55P03') throw toAppError(error);
    const who = blockers.map(
      (b) =>
        `pid ${b.pid} (${b.application || 'unnamed'}, ${b.state || 'of another role'}, ${b.transactionAge} s)`,
    );
    const detail = `${names.join(', ')} stayed locked by ${who.join(', ') || 'a session that is gone now'}. End it or try later.`;
    throw new AppError('busy', 'lock_timeout', detail, { cause: error });
  }
}

/** Gives each blocker, look after look, at least the age for which it has been seen. */
export function createBlockerAges(): (blockers: readonly Blocker[]) => Blocker[] {
  const seen = new Map<string, () => number>();
  return (blockers) =>
    blockers.map((blocker) => {
      const who = `${blocker.pid} ${blocker.transaction ?? ''}`;
      const since = seen.get(who) ?? stopwatch();
      seen.set(who, since);
      return { ...blocker, transactionAge: Math.max(blocker.transactionAge, since()) };
    });
}

/** The sessions that hold or await any lock on these relations, this one left out; the oldest transaction first. */
export async function lockHolders(
  db: Db,
  relations: readonly (readonly [string, string])[],
): Promise<Blocker[]> {
  const names = relations.map(([schema, name]) => identifier(schema, name));
  const { rows } = await sql<Blocker>`
    SELECT a.pid, coalesce(a.application_name, '') AS application, coalesce(a.state, '') AS state,
           coalesce(extract(epoch FROM clock_timestamp() - min(a.xact_start)), 0)::float8 AS "transactionAge",
           min(l.virtualtransaction) AS transaction
    FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
    WHERE l.relation = ANY (SELECT to_regclass(name) FROM unnest(${names}::text[]) AS name)
      AND l.granted AND l.pid <> pg_backend_pid()
    GROUP BY a.pid, a.application_name, a.state
    ORDER BY "transactionAge" DESC`.execute(db);
  return rows;
}

/**
 * Runs `action` on one session that holds the quarter's advisory lock: of two pods that want the same quarter one
 * works and the other is told so. PostgreSQL lets go of the lock when the session dies, so a killed pod blocks
 * nobody; write the state through `session`, so that what lost its lock cannot write either.
 *
 * @param direct the direct connection: behind a transaction pooler a session lock would belong to nobody
 * @throws AppError busy/quarter_busy
 */
export async function withQuarterLock<T>(
  direct: Db,
  quarter: string,
  action: (session: Db) => Promise<T>,
): Promise<T> {
  const detail = `Another process works on ${quarter} now. Try again when it is done.`;
  const key = Number(quarter.slice(0, 4)) * 4 + Number(quarter.slice(5)) - 1;
  return withSessionLock(direct, QUARTER_LOCKS, key, new AppError('busy', 'quarter_busy', detail), action);
}

/** The same for a piece of work that only one process may do at a time, such as the reconcile. */
export async function withNamedLock<T>(
  direct: Db,
  name: string,
  action: (session: Db) => Promise<T>,
): Promise<T> {
  const busy = new AppError(
    'busy',
    'already_running',
    `Another process runs ${name} now. Try again when it is done.`,
  );
  const { rows } = await sql<{ key: number }>`SELECT hashtext(${name}) AS key`.execute(direct);
  return withSessionLock(direct, NAMED_LOCKS, rows[0]?.key ?? 0, busy, action);
}

/** SQL: the sessions of this database that hold the named lock of that name, which is a constant. */
export function namedLockSql(name: string): string {
  // PostgreSQL shows the two numbers without their signs.
  return `SELECT k.pid FROM pg_catalog.pg_locks AS k
    WHERE k.locktype = 'advisory' AND k.objsubid = 2 AND k.granted AND k.classid = ${NAMED_LOCKS}
      AND k.objid::bigint = pg_catalog.hashtext('${name}')::bigint & 4294967295
      AND k.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())`;
}

async function withSessionLock<T>(
  direct: Db,
  space: number,
  key: number,
  busy: AppError,
  action: (session: Db) => Promise<T>,
): Promise<T> {
  return direct.connection().execute(async (session) => {
    const { rows } = await sql<{ taken: boolean }>`
      SELECT pg_try_advisory_lock(${space}::int, ${key}::int) AS taken`.execute(session);
    if (!rows[0]?.taken) throw busy;
    try {
      return await action(session);
    } finally {
      // When the session is dead the lock is gone with it, and the failure that matters is already on its way.
      await sql`SELECT pg_advisory_unlock(${space}::int, ${key}::int)`
        .execute(session)
        .catch(() => undefined);
    }
  });
}
