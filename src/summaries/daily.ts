import { sql } from 'kysely';
import type { Quarter } from '../core/quarter.ts';
import type { Trx } from '../db/schema.ts';

/** A day of a ledger, and the instants it goes from and to. */
export interface LedgerDay {
  readonly ledgerId: number;
  readonly day: string;
  readonly start: Date;
  readonly end: Date;
}

/** The days as rows (ledger_id, day, starts_at, ends_at). */
function asRows(days: readonly LedgerDay[]) {
  return sql`unnest(
    ${days.map(({ ledgerId }) => ledgerId)}::integer[], ${days.map(({ day }) => day)}::date[],
    ${days.map(({ start }) => start)}::timestamptz[], ${days.map(({ end }) => end)}::timestamptz[]
  ) AS d (ledger_id, day, starts_at, ends_at)`;
}

/**
 * Counts the transactions of each day and writes what is new or different; returns how many rows that were. The caller
 * sees to it that nobody else writes the same days.
 *
 * LATERAL makes it one range of the key for each day, however much else the quarter holds; the quarter's own bounds
 * let the planner leave out all other partitions. Rows are only ever added to a day, so nothing has to be deleted
 * from its summary; what did not change is left alone, for even an upsert that changes nothing locks its row.
 */
export async function countTransactions(
  trx: Trx,
  quarter: Quarter,
  days: readonly LedgerDay[],
): Promise<number> {
  const { numAffectedRows } = await sql`
    INSERT INTO ledger.daily_transaction_summary
      (ledger_id, day, user_id, currency, status, transaction_count, total_amount)
    SELECT d.ledger_id, d.day, t.user_id, t.currency, t.status, t.transaction_count, t.total_amount
    FROM ${asRows(days)}
    CROSS JOIN LATERAL (
      SELECT user_id, currency, status, count(*) AS transaction_count, sum(amount)::bigint AS total_amount
      FROM ledger.transactions
      WHERE ledger_id = d.ledger_id AND created_at >= d.starts_at AND created_at < d.ends_at
        AND created_at >= ${quarter.start} AND created_at < ${quarter.end}
      GROUP BY user_id, currency, status
    ) AS t
    WHERE NOT EXISTS (
      SELECT FROM ledger.daily_transaction_summary AS known
      WHERE known.ledger_id = d.ledger_id AND known.day = d.day AND known.user_id = t.user_id
        AND known.currency = t.currency AND known.status = t.status
        AND known.transaction_count = t.transaction_count AND known.total_amount = t.total_amount
    )
    ON CONFLICT (ledger_id, day, user_id, currency, status) DO UPDATE
    SET transaction_count = excluded.transaction_count, total_amount = excluded.total_amount`.execute(trx);
  return Number(numAffectedRows ?? 0n);
}

/**
 * Brings the days of the whole ledger up to what has just been written of its users, in the same transaction. Sums are numeric,
 * for those of all users may pass what a bigint holds.
 */
export async function totalDays(trx: Trx, days: readonly LedgerDay[]): Promise<void> {
  await sql`
    INSERT INTO ledger.daily_totals (ledger_id, day, currency, status, transaction_count, total_amount)
    SELECT d.ledger_id, d.day, s.currency, s.status, s.transaction_count, s.total_amount
    FROM ${asRows(days)}
    CROSS JOIN LATERAL (
      SELECT currency, status, sum(transaction_count)::bigint AS transaction_count, sum(total_amount) AS total_amount
      FROM ledger.daily_transaction_summary
      WHERE ledger_id = d.ledger_id AND day = d.day
      GROUP BY currency, status
    ) AS s
    WHERE NOT EXISTS (
      SELECT FROM ledger.daily_totals AS known
      WHERE known.ledger_id = d.ledger_id AND known.day = d.day
        AND known.currency = s.currency AND known.status = s.status
        AND known.transaction_count = s.transaction_count AND known.total_amount = s.total_amount
    )
    ON CONFLICT (ledger_id, day, currency, status) DO UPDATE
    SET transaction_count = excluded.transaction_count, total_amount = excluded.total_amount`.execute(trx);
}

/**
 * Writes the balance after the last entry of the day of each account that moved, where that is new or different;
 * returns how many rows that were. entries has no index by day: the day's transactions name the
 * accounts, and each is then one probe of the key, read backwards. Written in the order of the key, which after a load
 * of years takes half the time.
 */
export async function closeBalances(trx: Trx, quarter: Quarter, days: readonly LedgerDay[]): Promise<number> {
  const { numAffectedRows } = await sql`
    INSERT INTO ledger.daily_balances (ledger_id, account_id, snapshot_date, closing_balance)
    SELECT d.ledger_id, a.account_id, d.day, e.balance_after
    FROM ${asRows(days)}
    CROSS JOIN LATERAL (
      SELECT DISTINCT moved.account_id
      FROM ledger.transactions AS t CROSS JOIN unnest(t.account_ids) AS moved (account_id)
      WHERE t.ledger_id = d.ledger_id AND t.created_at >= d.starts_at AND t.created_at < d.ends_at
        AND t.created_at >= ${quarter.start} AND t.created_at < ${quarter.end}
    ) AS a
    CROSS JOIN LATERAL (
      SELECT balance_after
      FROM ledger.entries
      WHERE ledger_id = d.ledger_id AND account_id = a.account_id
        AND created_at >= d.starts_at AND created_at < d.ends_at
        AND created_at >= ${quarter.start} AND created_at < ${quarter.end}
      ORDER BY created_at DESC, version DESC
      LIMIT 1
    ) AS e
    WHERE NOT EXISTS (
      SELECT FROM ledger.daily_balances AS known
      WHERE known.ledger_id = d.ledger_id AND known.account_id = a.account_id AND known.snapshot_date = d.day
        AND known.closing_balance = e.balance_after
    )
    ORDER BY d.ledger_id, a.account_id, d.day
    ON CONFLICT (ledger_id, account_id, snapshot_date) DO UPDATE
    SET closing_balance = excluded.closing_balance`.execute(trx);
  return Number(numAffectedRows ?? 0n);
}
