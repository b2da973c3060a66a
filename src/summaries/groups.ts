import { sql } from 'kysely';
import { daysBetween, type Period, periodName } from '../core/days.ts';
import type { Calendar } from '../core/quarter.ts';
import { type LiveDays, missedDays } from '../db/live-days.ts';
import type { Db } from '../db/schema.ts';
import { liveSpans, readLiveReport } from './live-report.ts';

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
  /** Days for which that were too much, so that what was posted since they were last summed up is missing; usually none. */
  readonly staleDays: readonly string[];
}

interface ReportRow {
  /** [start, kind, currency, count, debits, credits], all as text, for JSON's numbers do not hold them. */
  readonly lines: readonly (readonly [string, string, string, string, string, string])[];
  readonly missed: readonly string[];
}

/**
 * Debits and credits by kind of account, archived days included: what the view `reports.daily_by_group` has, summed up by period,
 * but that of the marked days only so many are counted as for the summary of transactions.
 *
 * @throws AppError invalid/invalid_day, busy/read_too_slow
 */
export async function readGroups(
  house: { readonly db: Db; readonly calendar: Calendar },
  ledgerId: number,
  query: GroupQuery,
): Promise<GroupReport> {
  const { calendar } = house;
  for (const day of [query.from, query.to]) calendar.startOfDay(day);
  const { result, stale } = await readLiveReport<ReportRow>(house, (days) =>
    groupStatement(ledgerId, query, days),
  );
  const lines = result.lines.map(([start, groupType, currency, count, debits, credits]) => ({
    period: periodName(start, query.groupBy),
    start,
    groupType,
    currency,
    entryCount: BigInt(count),
    debits: BigInt(debits),
    credits: BigInt(credits),
  }));
  return { lines, zone: calendar.zone, staleDays: stale };
}

/**
 * One statement: of days that are summed up a row each, and of marked ones the entries: the day's transactions name the accounts, and
 * each is then a range of the key. The index of entries by time is for whole quarters' days and all ledgers, not for one reader.
 */
export function groupStatement(ledgerId: number, query: GroupQuery, { live, stale }: LiveDays) {
  const { groupType, currency } = query;
  const liveDays = live.map(({ day }) => day);
  const range = daysBetween(query.from, query.to);
  const where = (table: 'd' | 'a') => sql`
    ${groupType === undefined ? sql`` : sql`AND ${sql.ref(table)}.group_type = ${groupType}`}
    ${currency === undefined ? sql`` : sql`AND ${sql.ref(table)}.currency = ${currency}`}`;
  // Left out where it has nothing to count, for all partitions are planned with it.
  const rows =
    live.length === 0
      ? sql``
      : sql`
          UNION ALL
          SELECT span.day, counted.group_type, counted.currency, counted.found, counted.debits, counted.credits
          FROM ${liveSpans(live)} AS span (day, starts_at, ends_at)
          CROSS JOIN LATERAL (
            SELECT a.group_type, a.currency, sum(e.found) AS found, sum(e.debits) AS debits, sum(e.credits) AS credits
            FROM (
              SELECT DISTINCT named.account_id
              FROM ledger.transactions AS t CROSS JOIN unnest(t.account_ids) AS named (account_id)
              WHERE t.ledger_id = ${ledgerId}::integer AND t.created_at >= span.starts_at AND t.created_at < span.ends_at
                AND t.status = 'SUCCESS'
            ) AS moved
            JOIN ledger.accounts AS a ON a.ledger_id = ${ledgerId}::integer AND a.id = moved.account_id ${where('a')}
            CROSS JOIN LATERAL (
              SELECT count(*) AS found, coalesce(-sum(e.amount) FILTER (WHERE e.amount < 0), 0) AS debits,
                     coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0) AS credits
              FROM ledger.entries AS e
              WHERE e.ledger_id = ${ledgerId}::integer AND e.account_id = moved.account_id
                AND e.created_at >= span.starts_at AND e.created_at < span.ends_at
            ) AS e
            WHERE e.found > 0
            GROUP BY a.group_type, a.currency
          ) AS counted`;
  return sql<ReportRow>`
    SELECT coalesce((
      SELECT json_agg(json_build_array(to_char(p.start, 'YYYY-MM-DD'), p.group_type, p.currency, p.found::text, p.debits::text, p.credits::text)
                      ORDER BY p.start, p.group_type, p.currency)
      FROM (
        SELECT date_trunc(${query.groupBy}, day.day::timestamp)::date AS start, day.group_type, day.currency,
               sum(day.found) AS found, sum(day.debits) AS debits, sum(day.credits) AS credits
        FROM (
          SELECT d.day, d.group_type, d.currency, d.entry_count AS found, d.debits, d.credits
          FROM ledger.daily_group_totals AS d
          WHERE d.ledger_id = ${ledgerId}::integer AND d.day >= ${range.first}::date AND d.day < ${range.before ?? 'infinity'}::date
            AND d.day <> ALL (${liveDays}::date[]) ${where('d')}
          ${rows}
        ) AS day
        GROUP BY 1, 2, 3
      ) AS p
    ), '[]') AS lines,
    ${missedDays(ledgerId, range, [...liveDays, ...stale])} AS missed`;
}
