import { sql } from 'kysely';
import { assert } from '../core/errors.ts';
import { nextName } from '../core/quarter.ts';
import { quarterTables } from '../core/tables.ts';
import { partitionSql } from '../db/partition.ts';
import type { Trx } from '../db/schema.ts';
import type { Obstacle } from './outlook.ts';

/**
 * Reads the quarter's entries once and keeps what they come to, one row an account that moved, in a temporary table
 * of this transaction: the checks and the trial balance are made from it. Nobody may be writing to the quarter.
 *
 * The partition is read by its own name, so that no lock on the whole table is held meanwhile.
 */
export async function gatherBalances(trx: Trx, quarter: string): Promise<void> {
  // For sorts and hashes of this transaction alone; what needs more goes through files.
  await sql`SELECT set_config('work_mem', '64MB', true)`.execute(trx);
  // An account's entries in order of time must be in order of version too, without a gap, each going on from the
  // balance the one before it left. `previous` is how the account ended the quarter in which it last moved.
  await sql`
    CREATE TEMPORARY TABLE quarter_moves ON COMMIT DROP AS
    SELECT m.ledger_id, m.account_id, a.currency, m.opening, m.debits, m.credits, m.first_version, m.breaks,
           CASE m.first_version WHEN 1 THEN 0 ELSE p.closing END AS previous
    FROM (
      SELECT ledger_id, account_id, min(version) AS first_version,
             (sum(balance_after - amount) FILTER (WHERE last_version IS NULL))::bigint AS opening,
             coalesce(-sum(amount) FILTER (WHERE amount < 0), 0)::bigint AS debits,
             coalesce(sum(amount) FILTER (WHERE amount > 0), 0)::bigint AS credits,
             count(*) FILTER (WHERE version <> last_version + 1 OR balance_after - amount <> last_balance) AS breaks
      FROM (
        SELECT ledger_id, account_id, version, amount, balance_after,
               lag(version) OVER account AS last_version, lag(balance_after) OVER account AS last_balance
        FROM ${entriesOf(quarter)}
        WINDOW account AS (PARTITION BY ledger_id, account_id ORDER BY created_at, version)
      ) AS e
      GROUP BY ledger_id, account_id
    ) AS m
    LEFT JOIN ledger.accounts AS a ON a.ledger_id = m.ledger_id AND a.id = m.account_id
    LEFT JOIN ledger.quarter_balances AS p
      ON p.ledger_id = m.ledger_id AND p.account_id = m.account_id AND p.quarter = ${nextName(quarter, -1)}`.execute(
    trx,
  );
  await sql`ANALYZE pg_temp.quarter_moves`.execute(trx);
  await findPrevious(trx, quarter);
}

/** What must never be, in the entries, the accounts and the transactions of the quarter; all of it is looked for. */
export async function ledgerFaults(trx: Trx, quarter: string): Promise<Obstacle[]> {
  return [...(await accountFaults(trx)), ...(await transactionFaults(trx, quarter))];
}

/** Fixes the trial balance. Accounts that did not move carry their balance over and get no row. */
export async function writeTrialBalance(trx: Trx, quarter: string): Promise<bigint> {
  await sql`
    DELETE FROM ledger.quarter_balances
    WHERE ledger_id IN (SELECT id FROM ledger.ledgers) AND quarter = ${quarter}`.execute(trx);
  const written = await sql`
    INSERT INTO ledger.quarter_balances (ledger_id, quarter, account_id, opening, debits, credits, closing)
    SELECT ledger_id, ${quarter}, account_id, opening, debits, credits, opening + credits - debits
    FROM pg_temp.quarter_moves
    ORDER BY ledger_id, account_id`.execute(trx);
  return written.numAffectedRows ?? 0n;
}

/** Most accounts moved in the quarter before; for the others it is looked for further and further back. */
async function findPrevious(trx: Trx, quarter: string): Promise<void> {
  const earlier = await trx
    .selectFrom('quartermaster.quarters')
    .select('quarter')
    .where('quarter', '<', nextName(quarter, -1))
    .orderBy('quarter', 'desc')
    .execute();
  for (const { quarter: before } of earlier) {
    const { rows } = await sql<{ left: boolean }>`
      SELECT EXISTS (SELECT FROM pg_temp.quarter_moves WHERE previous IS NULL) AS left`.execute(trx);
    if (!rows[0]?.left) return;
    await sql`
      UPDATE pg_temp.quarter_moves AS m SET previous = p.closing
      FROM ledger.quarter_balances AS p
      WHERE m.previous IS NULL AND p.ledger_id = m.ledger_id AND p.quarter = ${before}
        AND p.account_id = m.account_id`.execute(trx);
  }
}

async function accountFaults(trx: Trx): Promise<Obstacle[]> {
  const { rows } = await sql<{ code: string; accounts: bigint; example: string }>`
    SELECT f.code, count(*) AS accounts, min('account ' || m.account_id || ' of ledger ' || m.ledger_id) AS example
    FROM pg_temp.quarter_moves AS m
    CROSS JOIN LATERAL (VALUES
      ('entries_broken', m.breaks > 0),
      ('account_unknown', m.currency IS NULL),
      ('opening_differs', m.opening IS DISTINCT FROM m.previous)
    ) AS f (code, found)
    WHERE f.found
    GROUP BY f.code
    ORDER BY f.code`.execute(trx);
  const sums = await sql<{ ledger: string; currency: string; off: string }>`
    SELECT l.name AS ledger, m.currency, sum(m.credits) - sum(m.debits) AS off
    FROM pg_temp.quarter_moves AS m JOIN ledger.ledgers AS l ON l.id = m.ledger_id
    GROUP BY l.name, m.currency
    HAVING sum(m.credits) <> sum(m.debits)
    ORDER BY l.name, m.currency`.execute(trx);
  return [
    ...rows.map(({ code, accounts, example }) => ({
      code,
      detail: `${accountFault[code]}: ${accounts}, for one ${example}.`,
    })),
    ...sums.rows.map(({ ledger, currency, off }) => ({
      code: 'ledger_unbalanced',
      detail: `The entries of ledger ${ledger} in ${currency ?? 'no known currency'} sum to ${off} minor units, not to 0.`,
    })),
  ];
}

const accountFault: Readonly<Record<string, string>> = {
  entries_broken:
    'Accounts with a gap in their versions, or an entry that does not go on from the balance before it',
  account_unknown: 'Accounts that have entries and do not exist',
  opening_differs:
    'Accounts that do not begin with the balance they ended the quarter with in which they last moved',
};

/** Each booked transaction has entries that sum to zero in every currency, and no entry is without one. */
async function transactionFaults(trx: Trx, quarter: string): Promise<Obstacle[]> {
  // The entries are summed before the join: half the rows to join, and one row a transaction and currency after it.
  const { rows } = await sql<{ code: string; found: bigint; example: string }>`
    SELECT f.code, count(*) AS found, min(f.id::text) AS example
    FROM (SELECT ledger_id, created_at, id, currency, amount
          FROM ${transactionsOf(quarter)} WHERE status = 'SUCCESS') AS t
    FULL JOIN (
      SELECT x.ledger_id, x.created_at, x.transaction_id AS id, m.currency,
             sum(x.amount) AS net, sum(x.amount) FILTER (WHERE x.amount > 0) AS moved
      FROM ${entriesOf(quarter)} AS x
      JOIN pg_temp.quarter_moves AS m ON m.ledger_id = x.ledger_id AND m.account_id = x.account_id
      GROUP BY x.ledger_id, x.created_at, x.transaction_id, m.currency
    ) AS e ON e.ledger_id = t.ledger_id AND e.created_at = t.created_at AND e.id = t.id
    CROSS JOIN LATERAL (SELECT coalesce(t.id, e.id) AS id, CASE
      WHEN e.id IS NULL THEN 'transaction_without_entries'
      WHEN t.id IS NULL THEN 'entries_without_transaction'
      WHEN e.net <> 0 THEN 'transaction_unbalanced'
      WHEN e.currency = t.currency AND e.moved <> t.amount THEN 'amount_differs'
    END AS code) AS f
    WHERE f.code IS NOT NULL
    GROUP BY f.code
    ORDER BY f.code`.execute(trx);
  return rows.map(({ code, found, example }) => ({
    code,
    detail: `${transactionFault[code]}: ${found}, for one ${example}.`,
  }));
}

const transactionFault: Readonly<Record<string, string>> = {
  transaction_without_entries: 'Transactions that are booked and have no entries',
  entries_without_transaction: 'Transactions that entries name and that are not booked at that time',
  transaction_unbalanced: 'Transactions whose entries do not sum to 0 in a currency',
  amount_differs: 'Transactions with another amount than their entries',
};

function entriesOf(quarter: string) {
  return partitionOf('entries', quarter);
}

function transactionsOf(quarter: string) {
  return partitionOf('transactions', quarter);
}

function partitionOf(name: string, quarter: string) {
  const table = quarterTables.find((one) => one.name === name);
  assert(table, `${name} is not kept in quarters`);
  return sql.raw(partitionSql(table, quarter));
}
