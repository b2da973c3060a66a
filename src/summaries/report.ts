import { sql } from 'kysely';
import { daysBetween, type Period, periodName } from '../core/days.ts';
import type { Calendar } from '../core/quarter.ts';
import { type LiveDays, missedDays } from '../db/live-days.ts';
import type { Db } from '../db/schema.ts';
import { liveSpans, readLiveReport } from './live-report.ts';

export interface DailyQuery {
  readonly userId?: string | undefined;
  readonly status?: 'SUCCESS' | 'FAILED' | undefined;
  readonly currency?: string | undefined;
  /** Days of the ledger's zone, both included, as 2026-03-31. */
  readonly from: string;
  readonly to: string;
  readonly groupBy: Period;
}

export interface DailyLine {
  /** 2026-03-31, 2026-W14, 2026-03 or 2026q1. */
  readonly period: string;
  /** Its first day, which may be before the first of the report. */
  readonly start: string;
  readonly currency: string;
  readonly status: 'SUCCESS' | 'FAILED';
  readonly transactionCount: bigint;
  /** Minor units. */
  readonly totalAmount: bigint;
}

export interface DailyReport {
  /** Oldest first. Exact: days that are not summed up yet are counted from the rows. */
  readonly lines: readonly DailyLine[];
  readonly zone: string;
  /** Days for which that were too much, so that what was posted since they were last summed up is missing; usually none. */
  readonly staleDays: readonly string[];
}

interface ReportRow {
  /** [start, currency, status, count, total], all as text, for JSON's numbers do not hold them. */
  readonly lines: readonly (readonly [string, string, DailyLine['status'], string, string])[];
  readonly missed: readonly string[];
}

/**
 * The days of a ledger, or of one of its users, archived ones included, summed up by period.
 *
 * @throws AppError invalid/invalid_day, busy/read_too_slow
 */
export async function readDaily(
  house: { readonly db: Db; readonly calendar: Calendar },
  ledgerId: number,
  query: DailyQuery,
): Promise<DailyReport> {
  const { calendar } = house;
  for (const day of [query.from, query.to]) calendar.startOfDay(day);
  const { result, stale } = await readLiveReport<ReportRow>(house, (days) =>
    dailyStatement(ledgerId, query, days),
  );
  const lines = result.lines.map(([start, currency, status, count, total]) => ({
    period: periodName(start, query.groupBy),
    start,
    currency,
    status,
    transactionCount: BigInt(count),
    totalAmount: BigInt(total),
  }));
  return {
    lines: lines.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
    zone: calendar.zone,
    staleDays: stale,
  };
}

/**
 * One statement: what is summed up already, of the ledger a few rows a day and of a user from an index alone, and what is
 * counted from the rows of marked days. Sums are numeric, which has no end.
 */
export function dailyStatement(ledgerId: number, query: DailyQuery, { live, stale }: LiveDays) {
  const { userId, status, currency } = query;
  const liveDays = live.map(({ day }) => day);
  const known = [...liveDays, ...stale];
  const range = daysBetween(query.from, query.to);
  const stored =
    userId === undefined
      ? sql`ledger.daily_totals AS d WHERE`
      : sql`ledger.daily_transaction_summary AS d WHERE d.user_id = ${userId} AND`;
  const user =
    userId === undefined
      ? sql``
      : sql`AND t.user_id = ${userId} AND t.status = ANY (${[status ?? ['SUCCESS', 'FAILED']].flat()}::text[])`;
  const where = (table: 'd' | 't') => sql`
    ${status === undefined ? sql`` : sql`AND ${sql.ref(table)}.status = ${status}`}
    ${currency === undefined ? sql`` : sql`AND ${sql.ref(table)}.currency = ${currency}`}`;
  // Left out where it has nothing to count, for all partitions are planned with it.
  const rows =
    live.length === 0
      ? sql``
      : sql`
          UNION ALL
          SELECT span.day, counted.currency, counted.status, counted.found, counted.total
          FROM ${liveSpans(live)} AS span (day, starts_at, ends_at)
          CROSS JOIN LATERAL (
            SELECT t.currency, t.status, count(*) AS found, sum(t.amount) AS total
            FROM ledger.transactions AS t
            WHERE t.ledger_id = ${ledgerId}::integer
              AND t.created_at >= span.starts_at AND t.created_at < span.ends_at ${user} ${where('t')}
            GROUP BY t.currency, t.status
          ) AS counted`;
  return sql<ReportRow>`
    SELECT coalesce((
      SELECT json_agg(json_build_array(to_char(p.start, 'YYYY-MM-DD'), p.currency, p.status, p.found::text, p.total::text))
      FROM (
        SELECT date_trunc(${query.groupBy}, day.day::timestamp)::date AS start, day.currency, day.status,
               sum(day.found) AS found, sum(day.total) AS total
        FROM (
          SELECT d.day, d.currency, d.status, d.transaction_count AS found, d.total_amount::numeric AS total
          FROM ${stored} d.ledger_id = ${ledgerId}::integer
            AND d.day >= ${range.first}::date AND d.day < ${range.before ?? 'infinity'}::date AND d.day <> ALL (${liveDays}::date[])
            ${where('d')}
          ${rows}
        ) AS day
        GROUP BY 1, 2, 3
      ) AS p
    ), '[]') AS lines,
    ${missedDays(ledgerId, range, known)} AS missed`;
}

function keyOf({ start, currency, status }: DailyLine): string {
  return `${start} ${currency} ${status}`;
}
