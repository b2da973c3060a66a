import { sql } from 'kysely';
import { withoutLoops } from '../db/planner.ts';
import type { Trx } from '../db/schema.ts';

/**
 * Keeps the hundred entities of each ledger and currency whose accounts moved most in the quarter, by the trial balance that was just
 * fixed: they are never computed again. The trial balance and the accounts of the quarter come first. May run again.
 */
export async function fixCounterparties(trx: Trx, quarter: string): Promise<void> {
  await deleteCounterparties(trx, quarter);
  await withoutLoops(trx, () =>
    sql`
    INSERT INTO ledger.quarter_counterparties
      (ledger_id, quarter, currency, rank, entity_id, debits, credits, turnover)
    SELECT ledger_id, ${quarter}, currency, rank, entity_id, debits, credits, debits + credits
    FROM (
      SELECT b.ledger_id, k.currency, k.entity_id, sum(b.debits) AS debits, sum(b.credits) AS credits,
             row_number() OVER (PARTITION BY b.ledger_id, k.currency
                                ORDER BY sum(b.debits) + sum(b.credits) DESC, k.entity_id) AS rank
      FROM ledger.quarter_balances AS b
      JOIN ledger.quarter_accounts AS k
        ON k.ledger_id = b.ledger_id AND k.quarter = b.quarter AND k.account_id = b.account_id
      WHERE b.ledger_id IN (SELECT id FROM ledger.ledgers) AND b.quarter = ${quarter}
      GROUP BY b.ledger_id, k.currency, k.entity_id
    ) AS ranked
    WHERE rank <= 100
    ORDER BY ledger_id, currency, rank`.execute(trx),
  );
}

/** Nothing is fixed of a quarter that is open. */
export async function deleteCounterparties(trx: Trx, quarter: string): Promise<void> {
  await sql`
    DELETE FROM ledger.quarter_counterparties
    WHERE ledger_id IN (SELECT id FROM ledger.ledgers) AND quarter = ${quarter}`.execute(trx);
}
