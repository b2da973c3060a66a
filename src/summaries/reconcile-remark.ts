import { sql } from 'kysely';
import { dayAfter } from '../core/days.ts';
import type { Calendar } from '../core/quarter.ts';
import type { Db } from '../db/schema.ts';
import { attachedQuarters } from './reconcile-sample.ts';

/** The migration that made ledger.daily_group_totals, and marked the days that were online then. */
const MIGRATION = '0018_upkeep';

/**
 * Marks days once more whose totals by kind of account were never made, and says how many. There are two ways to such a day: its mark of
 * the migration was worked off by a worker that still ran the version before, which knows three tables; or its quarter was
 * not online then, and was restored since. Days after the upgrade are left alone: what they lack is a difference.
 *
 * Only days are read that are attached and as old as that, of the two tables with a few rows a day.
 */
export async function remarkDays(at: {
  readonly db: Db;
  readonly calendar: Calendar;
  readonly now: Date;
}): Promise<number> {
  const { db, calendar, now } = at;
  const { rows } = await sql<{ at: Date }>`
    SELECT timestamp::timestamptz AS at FROM quartermaster.migrations WHERE name = ${MIGRATION}`.execute(db);
  const upgraded = rows[0]?.at;
  if (upgraded === undefined) return 0;
  const end = dayAfter(calendar.dayOf(upgraded));
  const quarters = (await attachedQuarters(db, calendar, now)).filter(({ start }) => start <= upgraded);
  if (quarters.length === 0) return 0;
  const firsts = quarters.map(({ start }) => calendar.dayOf(start));
  const ends = quarters.map((quarter) => calendar.dayOf(quarter.end));
  // Of a day on which nothing was booked there are no such totals, so it is those with success that are asked for.
  const { numAffectedRows = 0n } = await sql`
    INSERT INTO quartermaster.summary_marks (ledger_id, day)
    SELECT DISTINCT d.ledger_id, d.day
    FROM unnest(${firsts}::date[], ${ends}::date[]) AS q (first_day, end_day)
    JOIN ledger.daily_totals AS d ON d.day >= q.first_day AND d.day < q.end_day
    WHERE d.ledger_id IN (SELECT id FROM ledger.ledgers) AND d.day < ${end}::date AND d.status = 'SUCCESS'
      AND NOT EXISTS (SELECT FROM ledger.daily_group_totals AS g WHERE g.ledger_id = d.ledger_id AND g.day = d.day)
      AND NOT EXISTS (SELECT FROM quartermaster.summary_marks AS m WHERE m.ledger_id = d.ledger_id AND m.day = d.day)`.execute(
    db,
  );
  return Number(numAffectedRows);
}
