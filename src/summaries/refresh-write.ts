import { sql } from 'kysely';
import { withoutLoops } from '../db/planner.ts';
import type { Trx } from '../db/schema.ts';
import { type LedgerDay, storedOf } from './daily.ts';

/** Rows that were written because they were new or different. */
export interface Written {
  readonly summaries: number;
  readonly balances: number;
}

/**
 * Brings the summaries of the days to what was counted of them (`countDays`). Nobody else may be writing the same days.
 *
 * Rows are only ever added to a day, so nothing has to be deleted. What is as it was is left alone, for even an update that
 * changes nothing writes its row anew.
 */
export async function writeDays(trx: Trx, days: readonly LedgerDay[]): Promise<Written> {
  const summaries = await writeUsers(trx, days);
  await writeTotals(trx, days);
  const balances = await writeBalances(trx);
  await writeGroups(trx, days);
  return { summaries, balances };
}

async function writeUsers(trx: Trx, days: readonly LedgerDay[]): Promise<number> {
  const changed = await withoutLoops(trx, () =>
    sql`
    UPDATE ledger.daily_transaction_summary AS s
    SET transaction_count = c.transaction_count, total_amount = c.total_amount
    FROM pg_temp.counted_transactions AS c
    WHERE s.ledger_id = c.ledger_id AND s.day = c.day AND s.user_id = c.user_id AND s.currency = c.currency
      AND s.status = c.status AND ${storedOf(days, 's', 'day')}
      AND (c.stored_count <> c.transaction_count OR c.stored_amount <> c.total_amount)`.execute(trx),
  );
  const added = await sql`
    INSERT INTO ledger.daily_transaction_summary
      (ledger_id, day, user_id, currency, status, transaction_count, total_amount)
    SELECT ledger_id, day, user_id, currency, status, transaction_count, total_amount
    FROM pg_temp.counted_transactions
    WHERE stored_count IS NULL
    ORDER BY ledger_id, day, user_id, currency, status`.execute(trx);
  return Number(changed.numAffectedRows ?? 0n) + Number(added.numAffectedRows ?? 0n);
}

/**
 * Of these rows there are a few a day. They are added up first, by hashes: beside the comparison PostgreSQL would sort what they are made of.
 */
async function writeTotals(trx: Trx, days: readonly LedgerDay[]): Promise<void> {
  await sql`
    WITH counted AS MATERIALIZED (${countedTotals})
    INSERT INTO ledger.daily_totals (ledger_id, day, currency, status, transaction_count, total_amount)
    SELECT c.ledger_id, c.day, c.currency, c.status, c.transaction_count, c.total_amount
    FROM counted AS c
    WHERE NOT EXISTS (
      SELECT FROM ledger.daily_totals AS s
      WHERE s.ledger_id = c.ledger_id AND s.day = c.day AND s.currency = c.currency AND s.status = c.status
        AND s.transaction_count = c.transaction_count AND s.total_amount = c.total_amount AND ${storedOf(days, 's', 'day')}
    )
    ORDER BY c.ledger_id, c.day, c.currency, c.status
    ON CONFLICT (ledger_id, day, currency, status) DO UPDATE
    SET transaction_count = excluded.transaction_count, total_amount = excluded.total_amount`.execute(trx);
}

/** In the order of the key, which after a load of years takes half the time. */
async function writeBalances(trx: Trx): Promise<number> {
  const { numAffectedRows } = await sql`
    INSERT INTO ledger.daily_balances (ledger_id, account_id, snapshot_date, closing_balance)
    SELECT ledger_id, account_id, day, closing_balance
    FROM pg_temp.counted_accounts
    WHERE stored_balance IS DISTINCT FROM closing_balance
    ORDER BY ledger_id, account_id, day
    ON CONFLICT (ledger_id, account_id, snapshot_date) DO UPDATE
    SET closing_balance = excluded.closing_balance`.execute(trx);
  return Number(numAffectedRows ?? 0n);
}

/** What went out of and into the accounts of each kind; an account that does not exist has none. */
async function writeGroups(trx: Trx, days: readonly LedgerDay[]): Promise<void> {
  await sql`
    WITH counted AS MATERIALIZED (${countedGroups})
    INSERT INTO ledger.daily_group_totals (ledger_id, day, group_type, currency, entry_count, debits, credits)
    SELECT c.ledger_id, c.day, c.group_type, c.currency, c.entry_count, c.debits, c.credits
    FROM counted AS c
    WHERE c.group_type IS NOT NULL AND NOT EXISTS (
      SELECT FROM ledger.daily_group_totals AS s
      WHERE s.ledger_id = c.ledger_id AND s.day = c.day AND s.group_type = c.group_type AND s.currency = c.currency
        AND s.entry_count = c.entry_count AND s.debits = c.debits AND s.credits = c.credits AND ${storedOf(days, 's', 'day')}
    )
    ORDER BY c.ledger_id, c.day, c.group_type, c.currency
    ON CONFLICT (ledger_id, day, group_type, currency) DO UPDATE
    SET entry_count = excluded.entry_count, debits = excluded.debits, credits = excluded.credits`.execute(
    trx,
  );
}

/** `counted_transactions` of all users. Sums are numeric, for they may pass what a bigint holds. */
export const countedTotals = sql`
  SELECT ledger_id, day, currency, status,
         sum(transaction_count)::bigint AS transaction_count, sum(total_amount) AS total_amount
  FROM pg_temp.counted_transactions
  GROUP BY ledger_id, day, currency, status`;

/**
 * `counted_accounts` by kind of account; of accounts that do not exist the kind is null. An inner join would leave them out by itself, but
 * PostgreSQL takes it to have hardly any rows, and sorts them.
 */
export const countedGroups = sql`
  SELECT m.ledger_id, m.day, a.group_type, a.currency,
         sum(m.entry_count)::bigint AS entry_count, sum(m.debits) AS debits, sum(m.credits) AS credits
  FROM pg_temp.counted_accounts AS m
  LEFT JOIN ledger.accounts AS a ON a.ledger_id = m.ledger_id AND a.id = m.account_id
  GROUP BY m.ledger_id, m.day, a.group_type, a.currency`;
