import { sql } from 'kysely';
import type { Quarter } from '../core/quarter.ts';
import type { Db } from './schema.ts';

/** A quarter whose rows are not online, or that may leave at any moment. */
interface OfflineQuarter extends Quarter {
  readonly leaving: boolean;
}

/**
 * The quarters between two instants whose rows are not online, oldest first. One that is being detached or released has left before its
 * state says so; that is asked of the catalog, which, other than the tables, is always read as it is now. So ask
 * after reading: a quarter that left in between is named too often rather than not at all.
 */
export async function readOfflineQuarters(
  db: Db,
  from: Date | undefined,
  to: Date | undefined,
): Promise<Quarter[]> {
  const quarters = await readLeaving(db, from, to);
  return quarters.filter(({ leaving }) => !leaving);
}

/**
 * The same beside a read that takes no time to speak of: a quarter is archived, or restored, for some time before it leaves, so
 * only where one is it has to be asked again afterwards.
 */
export async function besideReading<T>(
  db: Db,
  range: { readonly from: Date | undefined; readonly to: Date | undefined },
  reading: () => Promise<T>,
): Promise<[T, Quarter[]]> {
  const { from, to } = range;
  if (db.isTransaction) return [await reading(), await readOfflineQuarters(db, from, to)];
  const [result, quarters] = await Promise.all([reading(), readLeaving(db, from, to)]);
  const isSure = quarters.every(({ leaving }) => !leaving);
  return [result, isSure ? quarters : await readOfflineQuarters(db, from, to)];
}

/** The same, and those that may leave. */
export async function readLeaving(
  db: Db,
  from: Date | undefined,
  to: Date | undefined,
): Promise<OfflineQuarter[]> {
  const { rows } = await sql<OfflineQuarter>`
    SELECT q.quarter AS name, q.starts_at AS start, q.ends_at AS "end",
           q.state IN ('archived', 'restored') AND pg_partition_root(to_regclass('ledger.transactions_' || q.quarter))
             IS NOT DISTINCT FROM 'ledger.transactions'::regclass AS leaving
    FROM quartermaster.quarters AS q
    WHERE q.ends_at > ${from?.toISOString() ?? '-infinity'}::timestamptz
      AND q.starts_at < ${to?.toISOString() ?? 'infinity'}::timestamptz
      AND q.state IN ('archived', 'detached', 'dropped', 'restored')
    ORDER BY q.quarter`.execute(db);
  return rows;
}
