import { sql } from 'kysely';
import type { Db } from '../db/schema.ts';

/** How the archives stand by their last reading. */
export interface FixityAge {
  readonly archives: number;
  /** Of the sound ones, the one that was read longest ago, or was written then; null without any. */
  readonly oldest: { readonly quarter: string; readonly at: Date } | null;
  /** Those that were found damaged, and not found sound since. */
  readonly damaged: readonly string[];
}

/** What the last readings of all archives come to. A damaged one has no time of its own any more, and is named instead. */
export async function readFixityAge(db: Db): Promise<FixityAge> {
  const { rows } = await sql<{ quarter: string; at: Date; damaged: boolean }>`
    SELECT a.quarter, coalesce(a.verified_at, a.written_at) AS at,
           a.verified_at IS NULL AND EXISTS (
             SELECT FROM quartermaster.quarter_events AS e
             WHERE e.quarter = a.quarter AND e.event = 'verify_failed' AND e.at >= a.written_at) AS damaged
    FROM quartermaster.archives AS a
    ORDER BY at, a.quarter`.execute(db);
  const [oldest] = rows.filter(({ damaged }) => !damaged);
  return {
    archives: rows.length,
    oldest: oldest === undefined ? null : { quarter: oldest.quarter, at: oldest.at },
    damaged: rows.filter(({ damaged }) => damaged).map(({ quarter }) => quarter),
  };
}
