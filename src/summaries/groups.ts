import { sql } from 'kysely';
import { daysBetween, type Period, periodName } from '../core/days.ts';
import type { Calendar } from '../core/quarter.ts';
import { boundedRead } from '../db/bounded-read.ts';
import type { Db } from '../db/schema.ts';

export interface GroupQuery {
  /** As WALLET; all kinds when it is left out. */
  readonly groupType?: string | undefined;
  readonly currency?: string | undefined;
  /** Days of the ledger's zone, both included, as 2026-03-31. */
  readonly from: string;
  readonly to: string;
  readonly groupBy: Period;
}

export interface GroupLine {
  /** 2026-03-31, 2026-W14, 2026-03 or 2026q1. */
  readonly period: string;
  /** Its first day, which may be before the first of the report. */
  readonly start: string;
  readonly groupType: string;
  readonly currency: string;
  readonly entryCount: bigint;
  /** What went out of the accounts and what came into them, in minor units. */
  readonly debits: bigint;
  readonly credits: bigint;
}

export interface GroupReport {
  /** Oldest first. Exact: days that are not summed up yet are counted from the rows. */
  readonly lines: readonly GroupLine[];
  readonly zone: string;
}

/**
 * Debits and credits by kind of account, archived days included: what the view `reports.daily_by_group` has, summed up by period.
 *
 * @throws AppError invalid/invalid_day, busy/read_too_slow
 */
export async function readGroups(
  { db, calendar }: { readonly db: Db; readonly calendar: Calendar },
  ledgerId: number,
  query: GroupQuery,
): Promise<GroupReport> {
  const { from, to, groupBy, groupType, currency } = query;
  for (const day of [from, to]) calendar.startOfDay(day);
  const range = daysBetween(from, to);
  // A day may have any number of rows, and any number of days may be marked.
  const { rows } = await boundedRead(db, (on) =>
    sql<Omit<GroupLine, 'period' | 'debits' | 'credits'> & { debits: string; credits: string }>`
      SELECT to_char(date_trunc(${groupBy}, g.day::timestamp), 'YYYY-MM-DD') AS start, g.group_type AS "groupType", g.currency,
             sum(g.entry_count)::bigint AS "entryCount", sum(g.debits_minor)::text AS debits, sum(g.credits_minor)::text AS credits
      FROM reports.daily_by_group AS g
      WHERE g.ledger_id = ${ledgerId}::integer AND g.day >= ${range.first}::date AND g.day < ${range.before ?? 'infinity'}::date
        ${groupType === undefined ? sql`` : sql`AND g.group_type = ${groupType}`}
        ${currency === undefined ? sql`` : sql`AND g.currency = ${currency}`}
      GROUP BY 1, 2, 3
      ORDER BY 1, 2, 3`.execute(on),
  );
  const lines = rows.map(({ debits, credits, ...row }) => ({
    ...row,
    period: periodName(row.start, groupBy),
    debits: BigInt(debits),
    credits: BigInt(credits),
  }));
  return { lines, zone: calendar.zone };
}
