import { sql } from 'kysely';
import { boundedRead } from './bounded-read.ts';
import type { Db } from './schema.ts';
import { sqlState } from './sqlstate.ts';

/**
 * Runs statements that all see the database as the first of them did, so that what they find is of one moment.
 *
 * @param limitMs for each of them; without it they take as long as they take
 * @throws AppError busy/read_too_slow
 */
export function inSnapshot<T>(
  db: Db,
  read: (trx: Db) => Promise<T>,
  limitMs: number | undefined,
): Promise<T> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute((trx) => (limitMs === undefined ? read(trx) : boundedRead(trx, read, limitMs)));
}

/** How long a statement that one can do without waits for who has locked a table. */
const LOCK_MS = 300;

/**
 * What statements find that one can do without: undefined when they take too long, wait for who has locked a table, or miss one
 * that was dropped meanwhile. The transaction goes on in any case.
 */
export async function tryWithin<T>(
  trx: Db,
  read: (trx: Db) => Promise<T>,
  limitMs: number,
): Promise<T | undefined> {
  await sql`SAVEPOINT tried`.execute(trx);
  // Takes the limits back as well, and the locks.
  const goBack = () => sql`ROLLBACK TO SAVEPOINT tried`.execute(trx);
  try {
    await sql`
      SELECT set_config('lock_timeout', ${String(LOCK_MS)}, true),
             set_config('statement_timeout', ${String(limitMs)}, true)`.execute(trx);
    const found = await read(trx);
    await goBack();
    return found;
  } catch (error) {
    if (!['57014', '55P03', '42P01'].includes(sqlState(error) ?? '')) throw error;
    await goBack();
    return undefined;
  }
}
