import { type RawBuilder, sql } from 'kysely';
import { isAppError } from '../core/errors.ts';
import { boundedRead } from '../db/bounded-read.ts';
import type { Db } from '../db/schema.ts';
import {
  changed,
  ledgersOf,
  quartersOf,
  requireFixed,
  type TrialBalanceOptions,
  type TrialBalanceRow,
  tooSlow,
} from './trial-balance-report.ts';

/** By what the accounts of a trial balance can be put in order. */
export const sortColumns = ['account', 'opening', 'debits', 'credits', 'closing'] as const;
export type SortColumn = (typeof sortColumns)[number];

export interface AccountsQuery extends TrialBalanceOptions {
  readonly currency?: string | undefined;
  /** How the address of the account begins. */
  readonly prefix?: string | undefined;
  readonly sort: SortColumn;
  readonly order: 'asc' | 'desc';
  /** 1 to 1000. */
  readonly limit: number;
}

export interface TrialBalanceAccounts {
  readonly accounts: readonly TrialBalanceRow[];
  /** There are others behind these. */
  readonly more: boolean;
}

/** A page is waited for so long; who wants a trial balance of millions takes the file. */
const LIMIT_MS = 8000;

/**
 * The first accounts of a trial balance in an order, with the same numbers as the whole of it; those alike in the order of their
 * ledgers and ids. All accounts have to be looked at to know which come first, so it is given up after a few seconds.
 *
 * @throws AppError not_found/no_such_quarter, conflict/quarter_state while it is open
 * @throws AppError conflict/trial_balance_changed when it was closed anew meanwhile, busy/read_too_slow
 */
export async function trialBalanceAccounts(
  db: Db,
  quarter: string,
  query: AccountsQuery,
  { limitMs = LIMIT_MS, signal }: { readonly limitMs?: number; readonly signal?: AbortSignal } = {},
): Promise<TrialBalanceAccounts> {
  const begun = await requireFixed(db, quarter);
  const quarters = await quartersOf(db, quarter, query);
  const ledgers = (await ledgersOf(db, query)).map(({ id }) => id);
  const rows = await boundedRead(
    db,
    async (bounded) => {
      const statement = firstAccounts(quarter, quarters, ledgers, query);
      return (await statement.execute(bounded)).rows;
    },
    limitMs,
    signal,
  ).catch((error: unknown) => {
    throw isAppError(error, 'read_too_slow') ? tooSlow(quarter, 'To put in order', limitMs) : error;
  });
  if ((await requireFixed(db, quarter)) !== begun) throw changed(quarter);
  return { accounts: rows.slice(0, query.limit), more: rows.length > query.limit };
}

/** An account keeps its address for ever, so the one it has now is the one it had then. */
const ACCOUNTS = sql`
      JOIN ledger.accounts AS a ON a.ledger_id = b.ledger_id AND a.id = b.account_id
      CROSS JOIN LATERAL (SELECT a.entity_id || ':' || a.group_type AS account) AS n`;

/**
 * One more than the limit. The names are looked up only of the accounts that are shown, unless the order or a filter needs
 * those of all.
 */
function firstAccounts(
  quarter: string,
  quarters: readonly string[],
  ledgers: readonly number[],
  { currency, prefix, sort, order, limit }: AccountsQuery,
): RawBuilder<TrialBalanceRow> {
  const direction = order === 'asc' ? sql`ASC` : sql`DESC`;
  const named = sort === 'account' || currency !== undefined || prefix !== undefined;
  const key = sort === 'account' ? sql`n.account COLLATE "C"` : sql`b.${sql.ref(sort)}`;
  const inOrder = sql`ORDER BY ${key} ${direction}, b.ledger_id, b.account_id`;
  const filters = [
    ...(currency === undefined ? [] : [sql`a.currency = ${currency}`]),
    ...(prefix === undefined ? [] : [sql`n.account ^@ ${prefix}`]),
  ];
  return sql<TrialBalanceRow>`
    SELECT l.name AS ledger, n.account, a.group_type AS "groupType", coalesce(k.name, a.name) AS name, a.currency,
           c.exponent, b.opening::text AS opening, b.debits::text AS debits, b.credits::text AS credits,
           b.closing::text AS closing, b.moved
    FROM (
      SELECT b.ledger_id, b.account_id, b.at, b.moved, b.opening, b.debits, b.credits, b.closing
      FROM (${balancesOf(quarter, quarters, ledgers)}) AS b
      ${named ? ACCOUNTS : sql``}
      ${filters.length > 0 ? sql`WHERE ${sql.join(filters, sql` AND `)}` : sql``}
      ${inOrder} LIMIT ${limit + 1}
    ) AS b
    ${ACCOUNTS}
    LEFT JOIN ledger.quarter_accounts AS k
      ON k.ledger_id = b.ledger_id AND k.quarter = b.at AND k.account_id = b.account_id
    JOIN ledger.ledgers AS l ON l.id = b.ledger_id
    JOIN ledger.currencies AS c ON c.code = a.currency
    ${inOrder}`;
}

/** Of each account its last row; one of an earlier quarter is a balance that is carried over. */
function balancesOf(quarter: string, quarters: readonly string[], ledgers: readonly number[]) {
  if (quarters.length === 1 && quarters[0] === quarter) {
    return sql`
        SELECT ledger_id, account_id, quarter AS at, true AS moved, opening, debits, credits, closing
        FROM ledger.quarter_balances WHERE ledger_id = ANY (${ledgers}) AND quarter = ${quarter}`;
  }
  return sql`
        SELECT ledger_id, account_id, quarter AS at, quarter = ${quarter} AS moved,
               CASE quarter WHEN ${quarter} THEN opening ELSE closing END AS opening,
               CASE quarter WHEN ${quarter} THEN debits ELSE 0 END AS debits,
               CASE quarter WHEN ${quarter} THEN credits ELSE 0 END AS credits, closing
        FROM (
          SELECT DISTINCT ON (ledger_id, account_id)
                 ledger_id, account_id, quarter, opening, debits, credits, closing
          FROM ledger.quarter_balances
          WHERE ledger_id = ANY (${ledgers}) AND quarter = ANY (${quarters})
          ORDER BY ledger_id, account_id, quarter DESC
        ) AS last`;
}
