import { sql } from 'kysely';
import { nextName } from '../core/quarter.ts';
import type { Trx } from '../db/schema.ts';
import type { Days } from './close-findings.ts';
import { dayOf, partitionOf } from './close-partitions.ts';

/**
 * Reads the quarter's entries once and keeps what they come to, one row an account that moved, in a temporary table
 * of this transaction: the checks and the trial balance are made from it. Nobody may be writing to the quarter.
 *
 * Everything that needs an account's entries in order is looked at on the way, for to sort them is most of the work:
 * `breaks` counts those that do not go on from the one before, in version or in balance, and the last entry of each
 * day is held against the daily balances. Sums are numeric: entries that are not right may add up to anything.
 */
export async function gatherBalances(trx: Trx, quarter: string, days: Days): Promise<void> {
  // For sorts and hashes of this transaction alone; what needs more goes through files.
  await sql`SELECT set_config('work_mem', '64MB', true)`.execute(trx);
  // `previous` is how the account ended the quarter in which it last moved.
  await sql`
    CREATE TEMPORARY TABLE quarter_moves ON COMMIT DROP AS
    SELECT m.ledger_id, m.account_id, a.currency, m.opening, m.debits, m.credits, m.final, m.first_version,
           m.last_version, m.last_at, m.breaks, m.days, m.days_missing, m.days_differing,
           CASE m.first_version WHEN 1 THEN 0 ELSE p.closing END AS previous,
           CASE m.first_version WHEN 1 THEN 0 ELSE p.version END AS previous_version
    FROM (
      SELECT e.ledger_id, e.account_id, min(e.version) AS first_version, max(e.version) AS last_version,
             max(e.created_at) AS last_at,
             sum(e.balance_after::numeric - e.amount) FILTER (WHERE e.last_version IS NULL) AS opening,
             sum(e.balance_after) FILTER (WHERE e.next_day IS NULL) AS final,
             coalesce(-sum(e.amount) FILTER (WHERE e.amount < 0), 0) AS debits,
             coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0) AS credits,
             count(*) FILTER (WHERE e.version <> e.last_version + 1
                                 OR e.balance_after <> e.last_balance::numeric + e.amount) AS breaks,
             count(*) FILTER (WHERE e.closes) AS days,
             count(*) FILTER (WHERE e.closes AND s.closing_balance IS NULL) AS days_missing,
             count(*) FILTER (WHERE e.closes AND s.closing_balance <> e.balance_after) AS days_differing
      FROM (
        SELECT ledger_id, account_id, created_at, version, amount, balance_after, last_version, last_balance, next_day,
               next_day IS DISTINCT FROM day AS closes, CASE WHEN next_day IS DISTINCT FROM day THEN day END AS closed
        FROM (
          SELECT ledger_id, account_id, created_at, version, amount, balance_after, day,
                 lag(version) OVER account AS last_version, lag(balance_after) OVER account AS last_balance,
                 lead(day) OVER account AS next_day
          FROM (
            SELECT ledger_id, account_id, created_at, version, amount, balance_after, ${dayOf(days)} AS day
            FROM ${partitionOf('entries', quarter)}
          ) AS dated
          WINDOW account AS (PARTITION BY ledger_id, account_id ORDER BY created_at, version)
        ) AS ordered
      ) AS e
      LEFT JOIN ledger.daily_balances AS s
        ON s.ledger_id = e.ledger_id AND s.account_id = e.account_id AND s.snapshot_date = e.closed
        AND s.snapshot_date BETWEEN ${days.first} AND ${days.last}
      GROUP BY e.ledger_id, e.account_id
    ) AS m
    LEFT JOIN ledger.accounts AS a ON a.ledger_id = m.ledger_id AND a.id = m.account_id
    LEFT JOIN ledger.quarter_balances AS p
      ON p.ledger_id = m.ledger_id AND p.account_id = m.account_id AND p.quarter = ${nextName(quarter, -1)}`.execute(
    trx,
  );
  await sql`ANALYZE pg_temp.quarter_moves`.execute(trx);
  await findPrevious(trx, quarter);
}

/** Fixes the trial balance. Accounts that did not move carry their balance over and get no row. */
export async function writeTrialBalance(trx: Trx, quarter: string): Promise<bigint> {
  await deleteTrialBalance(trx, quarter);
  const written = await sql`
    INSERT INTO ledger.quarter_balances (ledger_id, quarter, account_id, opening, debits, credits, closing, version)
    SELECT ledger_id, ${quarter}, account_id, opening, debits, credits, opening + credits - debits, last_version
    FROM pg_temp.quarter_moves
    ORDER BY ledger_id, account_id`.execute(trx);
  return written.numAffectedRows ?? 0n;
}

export async function deleteTrialBalance(trx: Trx, quarter: string): Promise<void> {
  await sql`
    DELETE FROM ledger.quarter_balances
    WHERE ledger_id IN (SELECT id FROM ledger.ledgers) AND quarter = ${quarter}`.execute(trx);
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
      UPDATE pg_temp.quarter_moves AS m SET previous = p.closing, previous_version = p.version
      FROM ledger.quarter_balances AS p
      WHERE m.previous IS NULL AND p.ledger_id = m.ledger_id AND p.quarter = ${before}
        AND p.account_id = m.account_id`.execute(trx);
  }
}
