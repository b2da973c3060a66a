import { sql } from 'kysely';
import type { Calendar } from '../core/quarter.ts';
import { readOfflineQuarters } from '../db/offline-quarters.ts';
import type { Db } from '../db/schema.ts';

/** How far the summaries of a ledger are behind its rows. */
export interface LedgerLag {
  readonly ledger: string;
  /** Days on which something was posted since they were summed up, that is online. */
  readonly days: number;
  /** Everything before this day is summed up; null: everything is. */
  readonly summedUpBefore: string | null;
  /** When the first posting was made that is not summed up, and how many seconds ago that was; null and 0 without one. */
  readonly since: Date | null;
  readonly seconds: number;
}

export interface SummaryLag {
  /** When the last run that succeeded ended, whether or not there was anything to do, and how long it took; null before the first. */
  readonly refreshed: { readonly at: Date; readonly seconds: number } | null;
  /** All ledgers, by name. */
  readonly ledgers: readonly LedgerLag[];
}

/**
 * The watermark of the summaries. Every mark is read once: of a million of them that takes about a tenth of a second. Days whose
 * quarter is not online are not behind, for nothing can be counted there.
 */
export async function readSummaryLag({ db, calendar }: { db: Db; calendar: Calendar }): Promise<SummaryLag> {
  const offline = await readOfflineQuarters(db, undefined, undefined);
  const firsts = offline.map(({ start }) => calendar.dayOf(start));
  const ends = offline.map(({ end }) => calendar.dayOf(end));
  const { rows: ledgers } = await sql<LedgerLag>`
    SELECT l.name AS ledger, coalesce(m.days, 0)::integer AS days, to_char(m.first_day, 'YYYY-MM-DD') AS "summedUpBefore",
           m.since, coalesce(greatest(extract(epoch FROM clock_timestamp() - m.since), 0), 0)::float8 AS seconds
    FROM ledger.ledgers AS l
    LEFT JOIN (
      SELECT d.ledger_id, count(*) AS days, min(d.day) AS first_day, min(d.since) AS since
      FROM (
        SELECT ledger_id, day, min(marked_at) AS since FROM quartermaster.summary_marks GROUP BY ledger_id, day
      ) AS d
      WHERE NOT EXISTS (
        SELECT FROM unnest(${firsts}::date[], ${ends}::date[]) AS q (first_day, end_day)
        WHERE d.day >= q.first_day AND d.day < q.end_day
      )
      GROUP BY d.ledger_id
    ) AS m ON m.ledger_id = l.id
    ORDER BY l.name`.execute(db);
  const refreshed = await db
    .selectFrom('quartermaster.refreshes')
    .select(['refreshed_at as at', 'seconds'])
    .where('name', '=', 'daily summaries')
    .executeTakeFirst();
  return { refreshed: refreshed ?? null, ledgers };
}

/** A lag of more seconds than this is nothing that the next run makes up for. */
export const LAG_LIMIT = 600;

/** What is wrong with a lag, for a person; undefined where nothing is. */
export function lagFault({ refreshed, ledgers }: SummaryLag): string | undefined {
  const behind = ledgers.filter(({ seconds }) => seconds > LAG_LIMIT);
  const [worst] = [...behind].sort((a, b) => b.seconds - a.seconds);
  if (worst === undefined) return undefined;
  const others = behind.length === 1 ? '' : ` and ${behind.length - 1} other ledgers`;
  const last = refreshed === null ? 'never' : `last at ${refreshed.at.toISOString()}`;
  return `The summaries of ${worst.ledger}${others} are ${Math.floor(worst.seconds / 60)} minutes behind, with ${worst.days} days to count; a refresh ended ${last}. See that a worker runs and what its job refresh-summaries logs, or run \`quartermaster run refresh-summaries\`.`;
}
