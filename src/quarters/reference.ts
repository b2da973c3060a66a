import { sql } from 'kysely';
import type { Trx } from '../db/schema.ts';
import { partitionOf } from './close-partitions.ts';

/**
 * Keeps the accounts that the quarter's transactions and trial balance name, and the currencies of both, as they are now:
 * a year later an account may have another name or be closed, and the archive has to show it as it was. May run again.
 */
export async function fixReference(trx: Trx, quarter: string): Promise<void> {
  await deleteReference(trx, quarter);
  await sql`
    INSERT INTO ledger.quarter_accounts
      (ledger_id, quarter, account_id, entity_id, group_type, currency, name, status, created_at)
    SELECT a.ledger_id, ${quarter}, a.id, a.entity_id, a.group_type, a.currency, a.name, a.status, a.created_at
    FROM (
      SELECT ledger_id, account_id FROM ledger.quarter_balances
      WHERE ledger_id IN (SELECT id FROM ledger.ledgers) AND quarter = ${quarter}
      UNION
      SELECT t.ledger_id, named.account_id
      FROM ${partitionOf('transactions', quarter)} AS t CROSS JOIN unnest(t.account_ids) AS named (account_id)
    ) AS named
    JOIN ledger.accounts AS a ON a.ledger_id = named.ledger_id AND a.id = named.account_id
    ORDER BY a.ledger_id, a.id`.execute(trx);
  await sql`
    INSERT INTO quartermaster.quarter_currencies (quarter, code, exponent)
    SELECT ${quarter}, c.code, c.exponent
    FROM ledger.currencies AS c
    WHERE c.code IN (
      SELECT currency FROM ledger.quarter_accounts
      WHERE ledger_id IN (SELECT id FROM ledger.ledgers) AND quarter = ${quarter}
      UNION
      SELECT currency FROM ${partitionOf('transactions', quarter)}
    )`.execute(trx);
}

/** Nothing is kept of a quarter that is open. */
export async function deleteReference(trx: Trx, quarter: string): Promise<void> {
  await sql`
    DELETE FROM ledger.quarter_accounts
    WHERE ledger_id IN (SELECT id FROM ledger.ledgers) AND quarter = ${quarter}`.execute(trx);
  await trx.deleteFrom('quartermaster.quarter_currencies').where('quarter', '=', quarter).execute();
}
