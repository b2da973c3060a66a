import { sql } from 'kysely';
import type { Trx } from '../db/schema.ts';
import type { Finding } from './close-findings.ts';
import { partitionOf } from './close-partitions.ts';

/**
 * Each booked transaction has entries that sum to zero in every currency and move its amount, on accounts that it names, and no
 * entry is without one.
 */
export async function transactionFaults(trx: Trx, quarter: string): Promise<Finding> {
  // The entries are summed before the join: half the rows to join, and one row a transaction and currency after it.
  const { rows } = await sql<{ code: string; found: bigint; example: string }>`
    SELECT f.code, count(*) AS found, min(f.id::text) AS example
    FROM (SELECT ledger_id, created_at, id, currency, amount, account_ids
          FROM ${partitionOf('transactions', quarter)} WHERE status = 'SUCCESS') AS t
    FULL JOIN (
      SELECT x.ledger_id, x.created_at, x.transaction_id AS id, a.currency,
             sum(x.amount) AS net, sum(x.amount) FILTER (WHERE x.amount > 0) AS moved,
             min(x.account_id) AS one_account, max(x.account_id) AS other_account
      FROM ${partitionOf('entries', quarter)} AS x
      LEFT JOIN ledger.accounts AS a ON a.ledger_id = x.ledger_id AND a.id = x.account_id
      GROUP BY x.ledger_id, x.created_at, x.transaction_id, a.currency
    ) AS e ON e.ledger_id = t.ledger_id AND e.created_at = t.created_at AND e.id = t.id
    CROSS JOIN LATERAL (SELECT coalesce(t.id, e.id) AS id, CASE
      WHEN e.id IS NULL THEN 'without_entries'
      WHEN t.id IS NULL THEN 'without_transaction'
      WHEN e.net <> 0 THEN 'unbalanced'
      WHEN e.currency = t.currency AND e.moved IS DISTINCT FROM t.amount THEN 'amount_differs'
      WHEN NOT (e.one_account = ANY (t.account_ids) AND e.other_account = ANY (t.account_ids)) THEN 'unnamed'
    END AS code) AS f
    WHERE f.code IS NOT NULL
    GROUP BY f.code
    ORDER BY f.code`.execute(trx);
  return {
    faults: rows.map(({ code, found, example }) => `${said[code]}: ${found}, for one ${example}.`),
    fine: 'Every booked transaction has its entries, and every entry its transaction; their amounts agree.',
  };
}

const said: Readonly<Record<string, string>> = {
  without_entries: 'Transactions that are booked and have no entries',
  without_transaction: 'Transactions that entries name and that are not booked at that time',
  unbalanced: 'Transactions whose entries do not sum to 0 in a currency',
  amount_differs: 'Transactions with another amount than their entries',
  unnamed: 'Transactions that do not name the accounts of their entries',
};
