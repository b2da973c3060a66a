import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import { throwIfAborted } from '../platform/retry.ts';
import { identifier } from './identifier.ts';
import type { Relation } from './index-build.ts';
import { lockHolders } from './locks.ts';
import { type LongStatementOptions, withLongStatements } from './long-statement.ts';
import type { Db } from './schema.ts';
import { isConnectionLoss, sqlState } from './sqlstate.ts';

/** Pages of a table and of what it stores out of line, as the last VACUUM or ANALYZE counted them. */
export interface FrozenPages {
  readonly oid: number;
  readonly pages: number;
  /** Of them those that no vacuum has to read any more, were it for wraparound. Before version 18, those all may see. */
  readonly frozen: number;
}

export interface FreezeOptions extends Omit<LongStatementOptions, 'relations' | 'pollMs'> {
  /** Told in pages of the table, the toast table by itself. */
  readonly onPages?: (done: number, total: number) => void;
}

/** Milliseconds between two looks whether somebody waits. One that takes a short lock waits for 200 at a time, again and again. */
const LOOK_EVERY = 250;
/** How long a lock is waited for; nobody but other maintenance stands behind us meanwhile. */
const LOCK_TIMEOUT = '5s';

const NOBODY =
  'a session that is gone now, or that this role is not shown, or commits that were not on the disk yet';

/** May be asked within a transaction. */
export async function readFrozenPages(db: Db, oids: readonly number[]): Promise<FrozenPages[]> {
  const { rows } = await sql<FrozenPages>`
    SELECT c.oid::int8::float8 AS oid, (c.relpages + coalesce(t.relpages, 0))::float8 AS pages,
           -- relallfrozen came with version 18; what VACUUM (FREEZE) finds all to see, it freezes.
           (least(c.relallvisible, (to_jsonb(c) ->> 'relallfrozen')::integer)
             + coalesce(least(t.relallvisible, (to_jsonb(t) ->> 'relallfrozen')::integer), 0))::float8 AS frozen
    FROM pg_catalog.pg_class AS c LEFT JOIN pg_catalog.pg_class AS t ON t.oid = c.reltoastrelid
    WHERE c.oid = ANY (${oids}::bigint[]::oid[])`.execute(db);
  return rows;
}

/**
 * Vacuums, freezes and analyzes a table once, as gently as autovacuum, and like that gives way: whoever waits for it, be it
 * to detach it or to let rows in again, has it within a moment. What was frozen by then stays frozen, and the next run
 * passes over it.
 *
 * @param session a direct connection outside any transaction
 * @returns the sessions to which it gave way; none when it came to its end
 * @throws AppError config/insufficient_privilege, aborted/aborted
 */
export async function freezeTable(
  session: Db,
  relation: Relation,
  options: FreezeOptions,
): Promise<readonly number[]> {
  const target = identifier(...relation);
  const before = await lastVacuum(session, target);
  const watcher = watchWaiters(options.pool, before.pid, options.onPages);
  const signals = options.signal === undefined ? [watcher.signal] : [options.signal, watcher.signal];
  try {
    await withLongStatements(
      session,
      { ...options, signal: AbortSignal.any(signals), relations: [relation] },
      () => vacuum(session, target),
    );
  } catch (error) {
    throwIfAborted(options.signal);
    if (watcher.signal.aborted) return watcher.waiting();
    const cause = error instanceof AppError ? error.cause : error;
    // Without its session nothing more can be done by it.
    if (isConnectionLoss(cause)) throw cause;
    if (sqlState(cause) !== '55P03') throw error;
    return (await lockHolders(session, [relation])).map(({ pid }) => pid);
  } finally {
    await watcher.stop();
  }
  // Who may not vacuum a table gets a warning and no error, so whether it was done is looked up.
  const after = await lastVacuum(session, target);
  if (after.counted && after.at?.getTime() === before.at?.getTime()) {
    const detail = `${relation.join('.')} was not vacuumed: the role of the worker must own it, or have MAINTAIN on it.`;
    throw new AppError('config', 'insufficient_privilege', detail);
  }
  return [];
}

/** Empty pages at the end stay: to give them back would lock out readers, those of a standby for as long as it replays it. */
async function vacuum(session: Db, target: string): Promise<void> {
  try {
    await sql`
      SELECT set_config('lock_timeout', ${LOCK_TIMEOUT}, false),
             set_config('vacuum_cost_delay',
                        CASE WHEN current_setting('autovacuum_vacuum_cost_delay') LIKE '-1%' THEN current_setting('vacuum_cost_delay')
                             ELSE current_setting('autovacuum_vacuum_cost_delay') END, false)`.execute(
      session,
    );
    await sql.raw(`VACUUM (FREEZE, ANALYZE, TRUNCATE FALSE) ${target}`).execute(session);
  } finally {
    // A session that is dead takes its settings with it.
    await sql`
      SELECT set_config(name, reset_val || unit, false) FROM pg_catalog.pg_settings WHERE name = 'vacuum_cost_delay'`
      .execute(session)
      .catch(() => {});
  }
}

async function lastVacuum(
  session: Db,
  target: string,
): Promise<{ readonly pid: number; readonly at: Date | null; readonly counted: boolean }> {
  const { rows } = await sql<{ pid: number; at: Date | null; counted: boolean }>`
    SELECT pg_backend_pid() AS pid, current_setting('track_counts')::boolean AS counted,
           pg_catalog.pg_stat_get_last_vacuum_time(to_regclass(${target})) AS at`.execute(session);
  return rows[0] ?? { pid: 0, at: null, counted: false };
}

/** Looks, on other connections, whether anybody waits for what the backend holds, and how far it is. */
function watchWaiters(pool: Db, pid: number, onPages: FreezeOptions['onPages']) {
  const [done, giveWay] = [new AbortController(), new AbortController()];
  let waiting: readonly number[] = [];
  const look = async () => {
    const { rows } = await sql<{ waiting: number[]; scanned: number | null; total: number | null }>`
      SELECT ARRAY(SELECT DISTINCT l.pid FROM pg_catalog.pg_locks AS l
                   WHERE NOT l.granted AND ${pid}::integer = ANY (pg_catalog.pg_blocking_pids(l.pid))) AS waiting,
             p.heap_blks_scanned::float8 AS scanned, p.heap_blks_total::float8 AS total
      FROM (VALUES (1)) AS one LEFT JOIN pg_catalog.pg_stat_progress_vacuum AS p ON p.pid = ${pid}::integer`.execute(
      pool,
    );
    const [found] = rows;
    if (found === undefined) return;
    if (found.scanned !== null && found.total !== null) onPages?.(found.scanned, found.total);
    waiting = found.waiting;
    if (waiting.length > 0) giveWay.abort();
  };
  const poll = async () => {
    while (!giveWay.signal.aborted) {
      await delay(LOOK_EVERY, undefined, { signal: done.signal, ref: false });
      // For want of a connection to look with nothing fails; the next look may have one.
      await look().catch(() => {});
    }
  };
  const polling = poll().catch(() => {});
  return {
    signal: giveWay.signal,
    waiting: () => waiting,
    async stop() {
      done.abort();
      await polling;
    },
  };
}

/**
 * What keeps rows from being frozen: the oldest snapshot that might not see them yet, as a sentence. Of the sessions of other
 * roles PostgreSQL tells that only to members of pg_read_all_stats.
 */
export async function oldestSnapshot(db: Db): Promise<{ readonly pid: number | null; readonly by: string }> {
  const { rows } = await sql<{ pid: number | null; by: string }>`
    SELECT pid, by FROM (
      SELECT a.pid, greatest(age(a.backend_xmin), age(a.backend_xid)) AS age,
             format('pid %s (%s, %s), whose transaction is %s s old', a.pid, coalesce(nullif(a.application_name, ''), 'unnamed'),
                    coalesce(a.state, a.backend_type), round(extract(epoch FROM clock_timestamp() - a.xact_start))) AS by
      FROM pg_catalog.pg_stat_activity AS a
      WHERE a.pid <> pg_backend_pid() AND (a.datname = current_database() OR a.backend_type = 'walsender')
        AND (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL)
      UNION ALL
      SELECT NULL, age(s.xmin), format('the replication slot %s', s.slot_name)
      FROM pg_catalog.pg_replication_slots AS s WHERE s.xmin IS NOT NULL
      UNION ALL
      SELECT NULL, age(p.transaction), format('the prepared transaction %s', p.gid)
      FROM pg_catalog.pg_prepared_xacts AS p WHERE p.database = current_database()
    ) AS snapshots
    ORDER BY age DESC LIMIT 1`.execute(db);
  return rows[0] ?? { pid: null, by: NOBODY };
}
