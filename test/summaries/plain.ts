import { sql } from 'kysely';
import type { Db } from '../../src/db/schema.ts';

/**
 * Holds the summaries against a plain GROUP BY of all rows, in one statement, hence one snapshot, and says what differs. Days by
 * PostgreSQL's own time zones. A day that is marked in the snapshot need not be right, but even it must be of one piece:
 * the days of the users are those of the ledger, and what went out of some accounts went into others.
 */
export async function differing(db: Db, zone: string): Promise<string[]> {
  const day = (at: string) => sql`(${sql.ref(at)} AT TIME ZONE ${sql.lit(zone)})::date`;
  const { rows } = await sql<{ line: string }>`
    WITH stored AS (
      SELECT 'user' AS what, ledger_id, day, concat_ws(' ', user_id, currency, status) AS key,
             concat_ws(' ', transaction_count, total_amount) AS figures
      FROM ledger.daily_transaction_summary
      UNION ALL SELECT 'total', ledger_id, day, concat_ws(' ', currency, status), concat_ws(' ', transaction_count, total_amount)
      FROM ledger.daily_totals
      UNION ALL SELECT 'balance', ledger_id, snapshot_date, account_id::text, closing_balance::text FROM ledger.daily_balances
      UNION ALL SELECT 'group', ledger_id, day, concat_ws(' ', group_type, currency), concat_ws(' ', entry_count, debits, credits)
      FROM ledger.daily_group_totals
    ), counted AS (
      SELECT 'user' AS what, ledger_id, ${day('created_at')} AS day, concat_ws(' ', user_id, currency, status) AS key,
             concat_ws(' ', count(*), sum(amount)) AS figures
      FROM ledger.transactions GROUP BY ledger_id, ${day('created_at')}, user_id, currency, status
      UNION ALL SELECT 'total', ledger_id, ${day('created_at')}, concat_ws(' ', currency, status), concat_ws(' ', count(*), sum(amount))
      FROM ledger.transactions GROUP BY ledger_id, ${day('created_at')}, currency, status
      UNION ALL (
        SELECT DISTINCT ON (ledger_id, account_id, ${day('created_at')}) 'balance', ledger_id, ${day('created_at')},
               account_id::text, balance_after::text
        FROM ledger.entries ORDER BY ledger_id, account_id, ${day('created_at')}, created_at DESC, version DESC
      )
      UNION ALL SELECT 'group', e.ledger_id, ${day('e.created_at')}, concat_ws(' ', a.group_type, a.currency),
                       concat_ws(' ', count(*), sum(greatest(-e.amount, 0)), sum(greatest(e.amount, 0)))
      FROM ledger.entries AS e JOIN ledger.accounts AS a ON a.ledger_id = e.ledger_id AND a.id = e.account_id
      GROUP BY e.ledger_id, ${day('e.created_at')}, a.group_type, a.currency
    ), marked AS (
      SELECT DISTINCT ledger_id, day FROM quartermaster.summary_marks
    ), wrong AS (
      SELECT 'stored' AS side, x.* FROM (SELECT * FROM stored EXCEPT ALL SELECT * FROM counted) AS x
      UNION ALL SELECT 'counted', x.* FROM (SELECT * FROM counted EXCEPT ALL SELECT * FROM stored) AS x
    ), halves AS (
      SELECT 'users are not the total' AS side, 'day' AS what, ledger_id, day, currency AS key, '' AS figures
      FROM (
        SELECT ledger_id, day, currency, status, sum(transaction_count) AS n, sum(total_amount) AS total
        FROM ledger.daily_transaction_summary GROUP BY 1, 2, 3, 4
        EXCEPT ALL SELECT ledger_id, day, currency, status, transaction_count, total_amount FROM ledger.daily_totals
      ) AS x
      UNION ALL SELECT 'debits are not credits', 'day', ledger_id, day, currency, ''
      FROM ledger.daily_group_totals GROUP BY ledger_id, day, currency HAVING sum(debits) <> sum(credits)
    )
    SELECT concat_ws(' | ', side, what, ledger_id, day, key, figures) AS line FROM (
      SELECT w.* FROM wrong AS w
      WHERE NOT EXISTS (SELECT FROM marked AS m WHERE m.ledger_id = w.ledger_id AND m.day = w.day)
      UNION ALL SELECT * FROM halves
    ) AS f
    ORDER BY 1 LIMIT 20`.execute(db);
  return rows.map(({ line }) => line);
}

/** A linear congruential generator (Numerical Recipes): the same seed gives the same numbers in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
