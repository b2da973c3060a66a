import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import type { Db } from './schema.ts';
import { sqlState } from './sqlstate.ts';

/** Below the limit a replica is given for a read, so that a slow question is answered as such and not laid at its door. */
const LIMIT_MS = 4000;

/**
 * Runs statements whose work nothing else bounds, each for a few seconds at most: in a read-only transaction, for the limit must
 * be the transaction's own where a pooler is in between; in the caller's where it has one.
 *
 * @throws AppError busy/read_too_slow
 */
export async function boundedRead<T>(db: Db, action: (db: Db) => Promise<T>, limitMs = LIMIT_MS): Promise<T> {
  const limited = async (trx: Db) => {
    await sql`SELECT set_config('statement_timeout', ${String(limitMs)}, true)`.execute(trx);
    return action(trx);
  };
  try {
    if (db.isTransaction) return await limited(db);
    return await db.transaction().setAccessMode('read only').execute(limited);
  } catch (error) {
    if (sqlState(error) !== '57014') throw error;
    // Without the cause, by which it would be taken for a failure of the server: another would be no faster.
    const detail = `To find this took longer than ${limitMs / 1000} seconds. Narrow it: a shorter range of time, a longer prefix, a user or an account.`;
    throw new AppError('busy', 'read_too_slow', detail);
  }
}
