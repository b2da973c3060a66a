import { sql } from 'kysely';
import { dayAfter } from '../core/days.ts';
import { type Calendar, nextName } from '../core/quarter.ts';
import { DAY } from '../core/timestamp.ts';
import type { Db } from './schema.ts';

/** A day that begins at one instant for PostgreSQL, and at another for the calendar or for the bounds of a quarter. */
export interface ZoneFault {
  readonly day: string;
  readonly expected: Date;
  readonly postgres: Date;
}

/** A year, whichever. */
const YEAR_DAYS = 366;

/**
 * Compares PostgreSQL's data of time zones with what this process goes by: for the bounds of all quarters there are, as they are
 * stored, and for each day of the last year and of the next. The views of `reports` take the bounds of a day from PostgreSQL, and
 * everything else from the calendar; where one of the two has older data, they are not the same. Oldest first.
 */
export async function findZoneFaults(db: Db, calendar: Calendar, now: Date): Promise<ZoneFault[]> {
  const quarters = await db
    .selectFrom('quartermaster.quarters')
    .select(['quarter', 'starts_at', 'ends_at'])
    .execute();
  const known = quarters.flatMap(({ quarter, starts_at, ends_at }) => [
    { day: firstDayOf(quarter), start: starts_at },
    { day: firstDayOf(nextName(quarter)), start: ends_at },
  ]);
  let day = calendar.dayOf(new Date(now.getTime() - YEAR_DAYS * DAY));
  for (let count = 0; count <= 2 * YEAR_DAYS; count++) {
    known.push({ day, start: calendar.startOfDay(day) });
    day = dayAfter(day);
  }
  const { rows } = await sql<ZoneFault>`
    SELECT DISTINCT to_char(d.day::timestamp, 'YYYY-MM-DD') AS day, d.expected, p.start AS postgres
    FROM unnest(${known.map((one) => one.day)}::date[], ${known.map(({ start }) => start)}::timestamptz[]) AS d (day, expected)
    CROSS JOIN LATERAL (SELECT quartermaster.start_of_day(d.day, ${calendar.zone}) AS start) AS p
    WHERE p.start <> d.expected
    ORDER BY 1`.execute(db);
  return rows;
}

function firstDayOf(quarter: string): string {
  return `${quarter.slice(0, 4)}-${String(Number(quarter.slice(5)) * 3 - 2).padStart(2, '0')}-01`;
}
