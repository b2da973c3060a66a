import { sql } from 'kysely';
import { spanOfDay } from '../core/days.ts';
import type { Calendar, Quarter } from '../core/quarter.ts';
import type { Db, Trx } from '../db/schema.ts';
import type { LedgerDay } from './daily.ts';

/** A day with marks, and where in their table the first and the last of them stand, as [block, line]. */
export interface MarkedDay extends LedgerDay {
  readonly first: Place;
  readonly last: Place;
}

type Place = readonly [block: number, line: number];

/**
 * The marked days by quarter. Reads every mark, once a run: after a day without a worker there may be millions of them, which takes
 * a second or so.
 */
export async function readMarkedDays(
  db: Db,
  calendar: Calendar,
): Promise<{ readonly quarter: Quarter; readonly days: MarkedDay[] }[]> {
  const { rows } = await sql<{ ledger_id: number; day: string; first: string; last: string }>`
    SELECT ledger_id, day, min(ctid)::text AS first, max(ctid)::text AS last
    FROM quartermaster.summary_marks
    GROUP BY ledger_id, day
    ORDER BY day, ledger_id`.execute(db);
  const quarters = new Map<string, { quarter: Quarter; days: MarkedDay[] }>();
  for (const { ledger_id: ledgerId, day, first, last } of rows) {
    // The bounds come from the calendar that gave the mark its day, so that no session's time zone can shift them.
    const quarter = calendar.quarterOf(calendar.startOfDay(day));
    const found = quarters.get(quarter.name) ?? { quarter, days: [] };
    found.days.push({
      ledgerId,
      day,
      ...spanOfDay(calendar, day),
      first: placeOf(first),
      last: placeOf(last),
    });
    quarters.set(quarter.name, found);
  }
  return [...quarters.values()];
}

/**
 * Deletes the marks of these days and says which days had any. Only the pages on which the marks were seen are read, so that a
 * run of many chunks does not read all marks for each; a mark that stands elsewhere is newer, and is the next run's.
 */
export async function takeMarks(trx: Trx, days: readonly MarkedDay[]): Promise<LedgerDay[]> {
  const first = days.map((day) => day.first).reduce((a, b) => (isBefore(b, a) ? b : a), [2 ** 32 - 1, 1]);
  const last = days.map((day) => day.last).reduce((a, b) => (isBefore(a, b) ? b : a), [0, 0]);
  const { rows } = await sql<{ ledger_id: number; day: string }>`
    WITH taken AS (
      DELETE FROM quartermaster.summary_marks AS m
      USING unnest(${days.map(({ ledgerId }) => ledgerId)}::integer[], ${days.map(({ day }) => day)}::date[]) AS d (ledger_id, day)
      WHERE m.ledger_id = d.ledger_id AND m.day = d.day AND m.ctid >= ${tid(first)}::tid AND m.ctid <= ${tid(last)}::tid
      RETURNING m.ledger_id, m.day
    )
    SELECT DISTINCT ledger_id, day FROM taken`.execute(trx);
  const marked = new Set(rows.map((row) => `${row.ledger_id} ${row.day}`));
  return days.filter(({ ledgerId, day }) => marked.has(`${ledgerId} ${day}`));
}

/** `(3,12)`, as PostgreSQL writes it. */
function placeOf(text: string): Place {
  const [block = 0, line = 0] = text.slice(1, -1).split(',').map(Number);
  return [block, line];
}

function tid([block, line]: Place): string {
  return `(${block},${line})`;
}

function isBefore(a: Place, b: Place): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
}
