import { sql } from 'kysely';
import type { Db } from '../db/schema.ts';

/** What a ledger's books come to in one currency, in minor units, archived quarters included. */
export interface CurrencyTotals {
  readonly currency: string;
  /** Rows, booked and refused ones. */
  readonly transactions: bigint;
  readonly debits: bigint;
  readonly credits: bigint;
  /** credits - debits; anything but 0 means that the books are broken. */
  readonly imbalance: bigint;
}

export interface LedgerTotals {
  readonly name: string;
  readonly currencies: readonly CurrencyTotals[];
}

/**
 * The trial balance of every ledger. Closed quarters come from their fixed trial balances and finished days from the
 * summaries, so only the quarters still open are read row by row.
 */
export async function readTotals(db: Db): Promise<LedgerTotals[]> {
  const ledgers = await db.selectFrom('ledger.ledgers').select(['id', 'name']).orderBy('name').execute();
  const { openFrom } = await db
    .selectFrom('quartermaster.quarters')
    .select((eb) => eb.fn.min('starts_at').as('openFrom'))
    .where('state', 'in', ['planned', 'open'])
    .executeTakeFirstOrThrow();
  const online = openFrom === null ? sql`'infinity'::timestamptz` : sql`${openFrom}::timestamptz`;
  const totals: LedgerTotals[] = [];
  for (const ledger of ledgers) {
    const { rows } = await sql<{ currency: string; debits: string; credits: string }>`
      SELECT a.currency, coalesce(sum(m.debits), 0) AS debits, coalesce(sum(m.credits), 0) AS credits
      FROM (
        SELECT q.account_id, q.debits, q.credits
        FROM ledger.quarter_balances AS q
        WHERE q.ledger_id = ${ledger.id}
        UNION ALL
        SELECT e.account_id, -least(e.amount, 0), greatest(e.amount, 0)
        FROM ledger.entries AS e
        WHERE e.ledger_id = ${ledger.id} AND e.created_at >= ${online}
      ) AS m
      JOIN ledger.accounts AS a ON a.ledger_id = ${ledger.id} AND a.id = m.account_id
      GROUP BY a.currency
      ORDER BY a.currency`.execute(db);
    const counts = await db
      .selectFrom('ledger.daily_transaction_summary')
      .select(['currency', (eb) => eb.fn.sum<string>('transaction_count').as('transactions')])
      .where('ledger_id', '=', ledger.id)
      .groupBy('currency')
      .execute();
    const transactions = new Map(counts.map((row) => [row.currency, BigInt(row.transactions)]));
    totals.push({
      name: ledger.name,
      currencies: rows.map((row) => ({
        currency: row.currency,
        transactions: transactions.get(row.currency) ?? 0n,
        debits: BigInt(row.debits),
        credits: BigInt(row.credits),
        imbalance: BigInt(row.credits) - BigInt(row.debits),
      })),
    });
  }
  return totals;
}
