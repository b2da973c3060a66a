import { sql } from 'kysely';
import type { Db } from '../../src/db/schema.ts';

/**
 * Sums up the ledger's days from `start` to `end`, as the refresh would; by other statements than its own, and all of a
 * day each time.
 */
export async function sumUp(db: Db, ledger: number, start: Date, end: Date): Promise<void> {
  const zone = sql`(SELECT value FROM quartermaster.settings WHERE name = 'timezone')`;
  const day = sql`(created_at AT TIME ZONE ${zone})::date`;
  const between = sql`ledger_id = ${ledger} AND created_at >= ${start}::timestamptz - interval '3 days'
    AND created_at < ${end}::timestamptz + interval '3 days'
    AND ${day} BETWEEN (${start}::timestamptz AT TIME ZONE ${zone})::date
                   AND (${end}::timestamptz AT TIME ZONE ${zone})::date`;
  await sql`
    INSERT INTO ledger.daily_transaction_summary
      (ledger_id, day, user_id, currency, status, transaction_count, total_amount)
    SELECT ledger_id, ${day}, user_id, currency, status, count(*), sum(amount)
    FROM ledger.transactions WHERE ${between}
    GROUP BY 1, 2, 3, 4, 5
    ON CONFLICT (ledger_id, day, user_id, currency, status) DO UPDATE
    SET transaction_count = excluded.transaction_count, total_amount = excluded.total_amount`.execute(db);
  await sql`
    INSERT INTO ledger.daily_totals (ledger_id, day, currency, status, transaction_count, total_amount)
    SELECT ledger_id, ${day}, currency, status, count(*), sum(amount)
    FROM ledger.transactions WHERE ${between}
    GROUP BY 1, 2, 3, 4
    ON CONFLICT (ledger_id, day, currency, status) DO UPDATE
    SET transaction_count = excluded.transaction_count, total_amount = excluded.total_amount`.execute(db);
  await sql`
    INSERT INTO ledger.daily_balances (ledger_id, account_id, snapshot_date, closing_balance)
    SELECT DISTINCT ON (ledger_id, account_id, ${day}) ledger_id, account_id, ${day}, balance_after
    FROM ledger.entries WHERE ${between}
    ORDER BY ledger_id, account_id, ${day}, created_at DESC, version DESC
    ON CONFLICT (ledger_id, account_id, snapshot_date) DO UPDATE
    SET closing_balance = excluded.closing_balance`.execute(db);
  await sql`
    INSERT INTO ledger.daily_group_totals (ledger_id, day, group_type, currency, entry_count, debits, credits)
    SELECT e.ledger_id, e.day, a.group_type, a.currency, count(*),
           sum(greatest(-e.amount, 0)), sum(greatest(e.amount, 0))
    FROM (SELECT ledger_id, ${day} AS day, account_id, amount FROM ledger.entries WHERE ${between}) AS e
    JOIN ledger.accounts AS a ON a.ledger_id = e.ledger_id AND a.id = e.account_id
    GROUP BY 1, 2, 3, 4
    ON CONFLICT (ledger_id, day, group_type, currency) DO UPDATE
    SET entry_count = excluded.entry_count, debits = excluded.debits, credits = excluded.credits`.execute(db);
}
