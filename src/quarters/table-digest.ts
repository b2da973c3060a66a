import { sql } from 'kysely';
import { digestSelect, lanesOf, tableDigest } from '../core/digest.ts';
import { assert } from '../core/errors.ts';
import type { Db } from '../db/schema.ts';

/**
 * The rows of a table as PostgreSQL counts them, and their digest over these columns. It reads all of it, at about 2 µs a
 * row: on a session whose statements may take so long.
 *
 * @param name of the table, quoted
 */
export async function digestOfTable(
  db: Db,
  columns: Parameters<typeof digestSelect>[0]['columns'],
  name: string,
): Promise<{ readonly rows: bigint; readonly digest: string }> {
  const select = digestSelect({ columns }, 'postgres', name);
  const { rows } = await sql.raw<Parameters<typeof lanesOf>[0]>(select).execute(db);
  assert(rows[0], 'an aggregate has one row');
  const lanes = lanesOf(rows[0]);
  return { rows: lanes.rows, digest: tableDigest(lanes) };
}
