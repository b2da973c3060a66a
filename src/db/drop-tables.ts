import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import type { Trx } from './schema.ts';
import { sqlState } from './sqlstate.ts';

/**
 * Drops tables in the caller's transaction. Never CASCADE: what somebody has built upon one is theirs to take away.
 *
 * @param names quoted
 * @throws AppError conflict/table_in_use, which names what depends on them
 */
export async function dropTables(trx: Trx, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  try {
    await sql.raw(`DROP TABLE ${names.join(', ')}`).execute(trx);
  } catch (error) {
    if (sqlState(error) !== '2BP01') throw error;
    const why = (error as { detail?: string }).detail ?? (error as Error).message;
    const detail = `${names.join(', ').replaceAll('"', '')} cannot be dropped: ${why.replaceAll('\n', '; ')}. Drop that first.`;
    throw new AppError('conflict', 'table_in_use', detail, { cause: error });
  }
}
