import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import { throwIfAborted } from '../platform/retry.ts';
import type { Db } from './schema.ts';
import { sqlState } from './sqlstate.ts';

/** Below the limit a replica is given for a read, so that a slow question is answered as such and not laid at its door. */
const LIMIT_MS = 4000;

/**
 * Runs statements whose work nothing else bounds, each for a few seconds at most: in a read-only transaction, for the limit must
 * be the transaction's own where a pooler is in between; in the caller's where it has one. When the signal fires the statement
 * under way is ended: PostgreSQL does not notice by itself that nobody waits for it.
 *
 * @param signal in a transaction of its own only
 * @throws AppError busy/read_too_slow, aborted/aborted
 */
export async function boundedRead<T>(
  db: Db,
  action: (db: Db) => Promise<T>,
  limitMs = LIMIT_MS,
  signal?: AbortSignal,
): Promise<T> {
  const limited = async (trx: Db) => {
    const { rows } = await sql<{ pid: number }>`
      SELECT pg_backend_pid() AS pid, set_config('statement_timeout', ${String(limitMs)}, true)`.execute(trx);
    return endingWith(signal, db, rows[0]?.pid, () => action(trx));
  };
  throwIfAborted(signal);
  try {
    if (db.isTransaction) return await limited(db);
    return await db.transaction().setAccessMode('read only').execute(limited);
  } catch (error) {
    if (sqlState(error) !== '57014') throw error;
    throwIfAborted(signal);
    // Without the cause, by which it would be taken for a failure of the server: another would be no faster.
    const detail = `To find this took longer than ${limitMs / 1000} seconds. Narrow it: a shorter range of time, a longer prefix, a user or an account.`;
    throw new AppError('busy', 'read_too_slow', detail);
  }
}

/** Over another connection, for the one it runs on listens to nobody meanwhile. */
async function endingWith<T>(
  signal: AbortSignal | undefined,
  db: Db,
  pid: number | undefined,
  action: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return action();
  let cancelling: Promise<unknown> | undefined;
  const cancel = () => {
    cancelling = sql`SELECT pg_cancel_backend(${pid})`.execute(db).catch(() => undefined);
  };
  throwIfAborted(signal);
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return await action();
  } finally {
    signal.removeEventListener('abort', cancel);
    // Before the connection is somebody else's, whose statement it would end.
    await cancelling;
  }
}
