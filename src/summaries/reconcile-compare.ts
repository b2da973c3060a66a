import { sql } from 'kysely';
import type { Trx } from '../db/schema.ts';
import { type LedgerDay, storedOf } from './daily.ts';
import { countedGroups, countedTotals } from './refresh-write.ts';

/** A row of the summaries that is not what the rows of the ledger come to. Figures are as text, by their names. */
export interface Difference {
  readonly ledgerId: number;
  readonly day: string;
  readonly table: 'daily_transaction_summary' | 'daily_totals' | 'daily_balances' | 'daily_group_totals';
  /** What the row is of, beside ledger and day. */
  readonly key: Readonly<Record<string, string>>;
  /** Null where the row is missing. */
  readonly stored: Readonly<Record<string, string>> | null;
  /** Null where there should be none. */
  readonly counted: Readonly<Record<string, string>> | null;
}

export interface Comparison {
  readonly count: number;
  /** The days that differ. */
  readonly days: readonly { readonly ledgerId: number; readonly day: string }[];
  /** The first of them, as many as were asked for. */
  readonly differences: readonly Difference[];
}

/** Holds all that is stored of the days against what was counted of them in this transaction (`countDays`). */
export async function compareDays(trx: Trx, days: readonly LedgerDay[], most: number): Promise<Comparison> {
  await sql`CREATE TEMPORARY TABLE differing ON COMMIT DROP AS ${differing(days)}`.execute(trx);
  const { rows: counts } = await sql<{ ledgerId: number; day: string; found: number }>`
    SELECT ledger_id AS "ledgerId", day, count(*)::integer AS found FROM pg_temp.differing
    GROUP BY ledger_id, day ORDER BY day, ledger_id`.execute(trx);
  const { rows: differences } = await sql<Difference>`
    SELECT ledger_id AS "ledgerId", day, name AS table, key, stored, counted FROM pg_temp.differing
    ORDER BY day, ledger_id, name, key::text LIMIT ${most}`.execute(trx);
  return {
    count: counts.reduce((sum, { found }) => sum + found, 0),
    days: counts.map(({ ledgerId, day }) => ({ ledgerId, day })),
    differences,
  };
}

/** Rows of these days, and not of those that lie between them. */
function within(days: readonly LedgerDay[], day: 'day' | 'snapshot_date') {
  return sql`${storedOf(days, 's', day)} AND (s.ledger_id, ${sql.ref(`s.${day}`)}) IN (
    SELECT w.ledger_id, w.day
    FROM unnest(${days.map(({ ledgerId }) => ledgerId)}::integer[], ${days.map((one) => one.day)}::date[]) AS w (ledger_id, day))`;
}

/** Null where the side of the join has no row, else its figures. */
function figures(side: 's' | 'c', columns: readonly string[]) {
  const pairs = columns.map((name) => sql`${sql.lit(name)}, ${sql.ref(`${side}.${name}`)}::text`);
  return sql`CASE WHEN ${sql.ref(`${side}.ledger_id`)} IS NOT NULL THEN jsonb_build_object(${sql.join(pairs)}) END`;
}

function differing(days: readonly LedgerDay[]) {
  const counts = ['transaction_count', 'total_amount'];
  const groups = ['entry_count', 'debits', 'credits'];
  return sql`
    SELECT coalesce(s.ledger_id, c.ledger_id) AS ledger_id, coalesce(s.day, c.day) AS day,
           'daily_transaction_summary' AS name,
           jsonb_build_object('user_id', coalesce(s.user_id, c.user_id), 'currency', coalesce(s.currency, c.currency),
                              'status', coalesce(s.status, c.status)) AS key,
           ${figures('s', counts)} AS stored, ${figures('c', counts)} AS counted
    FROM (SELECT s.ledger_id, s.day, s.user_id, s.currency, s.status, s.transaction_count, s.total_amount
          FROM ledger.daily_transaction_summary AS s WHERE ${within(days, 'day')}) AS s
    FULL JOIN pg_temp.counted_transactions AS c
      ON c.ledger_id = s.ledger_id AND c.day = s.day AND c.user_id = s.user_id AND c.currency = s.currency
      AND c.status = s.status
    WHERE (s.transaction_count, s.total_amount) IS DISTINCT FROM (c.transaction_count, c.total_amount)
    UNION ALL
    SELECT coalesce(s.ledger_id, c.ledger_id), coalesce(s.day, c.day), 'daily_totals',
           jsonb_build_object('currency', coalesce(s.currency, c.currency), 'status', coalesce(s.status, c.status)),
           ${figures('s', counts)}, ${figures('c', counts)}
    FROM (SELECT s.ledger_id, s.day, s.currency, s.status, s.transaction_count, s.total_amount
          FROM ledger.daily_totals AS s WHERE ${within(days, 'day')}) AS s
    FULL JOIN (${countedTotals}) AS c ON c.ledger_id = s.ledger_id AND c.day = s.day AND c.currency = s.currency AND c.status = s.status
    WHERE (s.transaction_count, s.total_amount) IS DISTINCT FROM (c.transaction_count, c.total_amount)
    UNION ALL
    SELECT coalesce(s.ledger_id, c.ledger_id), coalesce(s.snapshot_date, c.day), 'daily_balances',
           jsonb_build_object('account_id', coalesce(s.account_id, c.account_id)::text),
           ${figures('s', ['closing_balance'])}, ${figures('c', ['closing_balance'])}
    FROM (SELECT s.ledger_id, s.snapshot_date, s.account_id, s.closing_balance
          FROM ledger.daily_balances AS s WHERE ${within(days, 'snapshot_date')}) AS s
    FULL JOIN pg_temp.counted_accounts AS c
      ON c.ledger_id = s.ledger_id AND c.day = s.snapshot_date AND c.account_id = s.account_id
    WHERE s.closing_balance IS DISTINCT FROM c.closing_balance
    UNION ALL
    SELECT coalesce(s.ledger_id, c.ledger_id), coalesce(s.day, c.day), 'daily_group_totals',
           jsonb_build_object('group_type', coalesce(s.group_type, c.group_type),
                              'currency', coalesce(s.currency, c.currency)),
           ${figures('s', groups)}, ${figures('c', groups)}
    FROM (SELECT s.ledger_id, s.day, s.group_type, s.currency, s.entry_count, s.debits, s.credits
          FROM ledger.daily_group_totals AS s WHERE ${within(days, 'day')}) AS s
    FULL JOIN (
      SELECT g.ledger_id, g.day, g.group_type, g.currency, g.entry_count, g.debits, g.credits
      FROM (${countedGroups}) AS g WHERE g.group_type IS NOT NULL
    ) AS c
      ON c.ledger_id = s.ledger_id AND c.day = s.day AND c.group_type = s.group_type AND c.currency = s.currency
    WHERE (s.entry_count, s.debits, s.credits) IS DISTINCT FROM (c.entry_count, c.debits, c.credits)`;
}

/** Deletes the rows that were found stored and should not be there (`compareDays`). */
export async function deleteSurplus(trx: Trx): Promise<void> {
  await sql`
    DELETE FROM ledger.daily_transaction_summary AS s USING pg_temp.differing AS x
    WHERE x.name = 'daily_transaction_summary' AND x.counted IS NULL AND s.ledger_id = x.ledger_id AND s.day = x.day
      AND s.user_id = x.key ->> 'user_id' AND s.currency = x.key ->> 'currency'
      AND s.status = x.key ->> 'status'`.execute(trx);
  await sql`
    DELETE FROM ledger.daily_totals AS s USING pg_temp.differing AS x
    WHERE x.name = 'daily_totals' AND x.counted IS NULL AND s.ledger_id = x.ledger_id AND s.day = x.day
      AND s.currency = x.key ->> 'currency' AND s.status = x.key ->> 'status'`.execute(trx);
  await sql`
    DELETE FROM ledger.daily_balances AS s USING pg_temp.differing AS x
    WHERE x.name = 'daily_balances' AND x.counted IS NULL AND s.ledger_id = x.ledger_id
      AND s.snapshot_date = x.day AND s.account_id = (x.key ->> 'account_id')::bigint`.execute(trx);
  await sql`
    DELETE FROM ledger.daily_group_totals AS s USING pg_temp.differing AS x
    WHERE x.name = 'daily_group_totals' AND x.counted IS NULL AND s.ledger_id = x.ledger_id AND s.day = x.day
      AND s.group_type = x.key ->> 'group_type' AND s.currency = x.key ->> 'currency'`.execute(trx);
}
