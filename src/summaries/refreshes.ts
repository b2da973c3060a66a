import { sql } from 'kysely';
import type { Db } from '../db/schema.ts';

/** What may lag behind the rows, and is brought up to date by a job. */
export type Refreshed = 'daily summaries' | 'top_counterparties_quarterly' | 'index audit';

/**
 * Keeps when something was last brought up to date, how many seconds that took, and what it did.
 *
 * @param db where it belongs to a change, the transaction that makes it
 */
export async function recordRefresh(
  db: Db,
  name: Refreshed,
  seconds: number,
  detail: Record<string, unknown> = {},
): Promise<void> {
  await sql`
    INSERT INTO quartermaster.refreshes (name, refreshed_at, seconds, detail)
    VALUES (${name}, clock_timestamp(), ${seconds}, ${JSON.stringify(detail)}::jsonb)
    ON CONFLICT (name) DO UPDATE
    SET refreshed_at = excluded.refreshed_at, seconds = excluded.seconds, detail = excluded.detail`.execute(
    db,
  );
}

/** When that was; null before the first time. */
export async function readRefreshed(db: Db, name: Refreshed): Promise<Date | null> {
  const row = await db
    .selectFrom('quartermaster.refreshes')
    .select('refreshed_at')
    .where('name', '=', name)
    .executeTakeFirst();
  return row?.refreshed_at ?? null;
}
