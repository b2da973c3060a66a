import { sql } from 'kysely';
import type { Trx } from '../db/schema.ts';
import type { Days, Finding } from './close-findings.ts';
import { dayOf, partitionOf } from './close-partitions.ts';

interface Fault {
  readonly code: string;
  readonly found: bigint;
  readonly example: string;
}

/** The days of users, of kinds of accounts and of the whole ledger, held against the rows: nothing is missing, other or too much. */
export async function transactionSummaryFaults(trx: Trx, quarter: string, days: Days): Promise<Finding> {
  const faults = [
    ...(await dayFaults(trx, quarter, days)).map((fault) => ({ ...fault, rows: 'transactions' })),
    ...(await groupFaults(trx, quarter, days)).map((fault) => ({ ...fault, rows: 'entries' })),
  ];
  return {
    faults: faults.map(
      ({ code, found, example, rows }) =>
        `Rows of ledger.${code} that are not what the ${rows} come to: ${found}, for one of ${example}.`,
    ),
    fine: `The summaries of ${days.names.length} days equal the transactions.`,
  };
}

async function dayFaults(trx: Trx, quarter: string, days: Days): Promise<Fault[]> {
  const { rows } = await sql<Fault>`
    WITH counted AS MATERIALIZED (
      SELECT ledger_id, ${dayOf(days)} AS day, user_id, currency, status,
             count(*) AS transaction_count, sum(amount) AS total_amount
      FROM ${partitionOf('transactions', quarter)}
      GROUP BY 1, 2, 3, 4, 5
    ), users AS (
      SELECT coalesce(c.ledger_id, s.ledger_id) AS ledger_id, coalesce(c.day, s.day) AS day
      FROM counted AS c
      FULL JOIN (
        SELECT d.ledger_id, d.day, d.user_id, d.currency, d.status, d.transaction_count, d.total_amount
        FROM ledger.ledgers AS l JOIN ledger.daily_transaction_summary AS d ON d.ledger_id = l.id
        WHERE d.day BETWEEN ${days.first} AND ${days.last}
      ) AS s ON s.ledger_id = c.ledger_id AND s.day = c.day AND s.user_id = c.user_id
        AND s.currency = c.currency AND s.status = c.status
      WHERE (c.transaction_count, c.total_amount)
        IS DISTINCT FROM (s.transaction_count, s.total_amount::numeric)
    ), totals AS (
      SELECT coalesce(c.ledger_id, s.ledger_id) AS ledger_id, coalesce(c.day, s.day) AS day
      FROM (
        SELECT ledger_id, day, currency, status,
               sum(transaction_count) AS transaction_count, sum(total_amount) AS total_amount
        FROM counted GROUP BY ledger_id, day, currency, status
      ) AS c
      FULL JOIN (
        SELECT d.ledger_id, d.day, d.currency, d.status, d.transaction_count, d.total_amount
        FROM ledger.ledgers AS l JOIN ledger.daily_totals AS d ON d.ledger_id = l.id
        WHERE d.day BETWEEN ${days.first} AND ${days.last}
      ) AS s ON s.ledger_id = c.ledger_id AND s.day = c.day AND s.currency = c.currency AND s.status = c.status
      WHERE (c.transaction_count, c.total_amount)
        IS DISTINCT FROM (s.transaction_count::numeric, s.total_amount)
    )
    SELECT code, count(*) AS found, min(day || ' of ledger ' || ledger_id) AS example
    FROM (SELECT 'daily_transaction_summary' AS code, ledger_id, day FROM users
          UNION ALL SELECT 'daily_totals', ledger_id, day FROM totals) AS f
    GROUP BY code
    ORDER BY code DESC`.execute(trx);
  return rows;
}

/**
 * Entries are read once more for it, in no order: to make it of what `gatherBalances` sorts would need another sort by day. What has
 * no account is told by another check.
 */
async function groupFaults(trx: Trx, quarter: string, days: Days): Promise<Fault[]> {
  const { rows } = await sql<Fault>`
    SELECT 'daily_group_totals' AS code, count(*) AS found,
           min(coalesce(c.day, s.day) || ' of ledger ' || coalesce(c.ledger_id, s.ledger_id)) AS example
    FROM (
      SELECT e.ledger_id, e.day, a.group_type, a.currency, count(*) AS entry_count,
             coalesce(-sum(e.amount) FILTER (WHERE e.amount < 0), 0) AS debits,
             coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0) AS credits
      FROM (
        SELECT ledger_id, account_id, amount, ${dayOf(days)} AS day FROM ${partitionOf('entries', quarter)}
      ) AS e
      JOIN ledger.accounts AS a ON a.ledger_id = e.ledger_id AND a.id = e.account_id
      GROUP BY e.ledger_id, e.day, a.group_type, a.currency
    ) AS c
    FULL JOIN (
      SELECT d.ledger_id, d.day, d.group_type, d.currency, d.entry_count, d.debits, d.credits
      FROM ledger.ledgers AS l JOIN ledger.daily_group_totals AS d ON d.ledger_id = l.id
      WHERE d.day BETWEEN ${days.first} AND ${days.last}
    ) AS s ON s.ledger_id = c.ledger_id AND s.day = c.day AND s.group_type = c.group_type AND s.currency = c.currency
    WHERE (c.entry_count, c.debits, c.credits) IS DISTINCT FROM (s.entry_count, s.debits, s.credits)
    HAVING count(*) > 0`.execute(trx);
  return rows;
}

/** The closing balances of the days, compared when the entries were read; see `gatherBalances`. */
export async function balanceSummaryFaults(trx: Trx, days: Days): Promise<Finding> {
  const { rows } = await sql<{
    days: bigint;
    missing: bigint;
    differing: bigint;
    example: string | null;
    known: bigint;
  }>`
    SELECT m.days, m.missing, m.differing, m.example, k.known
    FROM (
      SELECT coalesce(sum(days), 0)::bigint AS days, coalesce(sum(days_missing), 0)::bigint AS missing,
             coalesce(sum(days_differing), 0)::bigint AS differing,
             min('account ' || account_id || ' of ledger ' || ledger_id)
               FILTER (WHERE days_missing > 0 OR days_differing > 0) AS example
      FROM pg_temp.quarter_moves
    ) AS m
    CROSS JOIN (
      SELECT count(*) AS known FROM ledger.daily_balances
      WHERE ledger_id IN (SELECT id FROM ledger.ledgers) AND snapshot_date BETWEEN ${days.first} AND ${days.last}
    ) AS k`.execute(trx);
  const [found] = rows;
  const faults: string[] = [];
  if (found !== undefined && found.missing + found.differing > 0n) {
    faults.push(
      `Days of accounts in ledger.daily_balances that are missing or another balance: ${found.missing + found.differing}, for one of ${found.example}.`,
    );
  }
  // Each day that an account moved on has one row at most, so what is left over belongs to no entry.
  const surplus = found === undefined ? 0n : found.known - (found.days - found.missing);
  if (surplus > 0n) {
    faults.push(
      `Rows of ledger.daily_balances for days on which their account did not move: ${surplus}. Delete them.`,
    );
  }
  return { faults, fine: `The ${found?.days ?? 0n} daily balances equal the entries.` };
}

/** What can be done about any of it, said once: nothing counts a day anew that is not marked. */
export const mendSummaries =
  '`quartermaster summaries reconcile --quarter QUARTER` says what differs, row by row, and repairs it. To have one day counted anew, insert its ledger_id and day into quartermaster.summary_marks and run `quartermaster run refresh-summaries`.';
