import { sql } from 'kysely';
import { formatAddress } from '../core/account.ts';
import { AppError, isAppError } from '../core/errors.ts';
import { boundedRead } from '../db/bounded-read.ts';
import type { Db } from '../db/schema.ts';
import { type QuarterRow, readQuarter } from './registry.ts';

/** One account in a trial balance. Amounts are minor units as strings of digits, with a minus where they are below zero. */
export interface TrialBalanceRow {
  readonly ledger: string;
  /** `user-123:WALLET`, and its parts. */
  readonly account: string;
  readonly groupType: string;
  readonly name: string;
  readonly currency: string;
  readonly exponent: number;
  readonly opening: string;
  readonly debits: string;
  readonly credits: string;
  readonly closing: string;
  /** False when the account had no entry in the quarter and carries its balance over. */
  readonly moved: boolean;
}

/** What the rows of a ledger and currency come to. `closing` is 0 where nothing is left out. */
export interface TrialBalanceTotal {
  readonly ledger: string;
  readonly currency: string;
  readonly exponent: number;
  readonly accounts: bigint;
  readonly opening: string;
  readonly debits: string;
  readonly credits: string;
  readonly closing: string;
}

export interface TrialBalanceOptions {
  /** One ledger; all of them when it is left out. */
  readonly ledgerId?: number | undefined;
  /**
   * With the accounts that did not move in the quarter and did before. They have no row of their own in it, so that
   * without this only what moved is shown, and openings and closings sum to 0 only together with the others.
   */
  readonly carried?: boolean | undefined;
}

/** Accounts that one statement looks at. */
const PAGE = 5000;

/**
 * The trial balance of a quarter as it was fixed at its last close, by ledger and account id. Read page by page, so that
 * millions of accounts take no more memory than a few thousand, and no transaction is held open while a slow reader reads. Accounts
 * have the names they had then, where those were kept.
 *
 * @throws AppError not_found/no_such_quarter, conflict/quarter_state while it is open
 * @throws AppError conflict/trial_balance_changed at the end, when it was reopened or closed anew meanwhile
 */
export async function* readTrialBalance(
  db: Db,
  quarter: string,
  options: TrialBalanceOptions = {},
): AsyncGenerator<TrialBalanceRow> {
  const begun = await requireFixed(db, quarter);
  const quarters = await quartersOf(db, quarter, options);
  for (const ledger of await ledgersOf(db, options)) {
    for (let after = 0n; ; ) {
      const last = await endOfPage(db, ledger.id, after);
      if (last === null) break;
      yield* await readPage(db, quarter, quarters, ledger, after, last);
      after = last;
    }
  }
  if ((await requireFixed(db, quarter)) !== begun) throw changed(quarter);
}

/** The sums of all accounts may take so long; who wants those of many millions takes the file. */
const TOTALS_MS = 30_000;

/**
 * What it comes to, by ledger and currency.
 *
 * @throws AppError not_found/no_such_quarter, conflict/quarter_state while it is open, busy/read_too_slow
 */
export async function trialBalanceTotals(
  db: Db,
  quarter: string,
  options: TrialBalanceOptions = {},
  signal?: AbortSignal,
): Promise<TrialBalanceTotal[]> {
  await requireFixed(db, quarter);
  const quarters = await quartersOf(db, quarter, options);
  const ledgers = (await ledgersOf(db, options)).map(({ id }) => id);
  const statement = sql<TrialBalanceTotal>`
    SELECT l.name AS ledger, a.currency, c.exponent, count(*) AS accounts,
           sum(CASE b.quarter WHEN ${quarter} THEN b.opening ELSE b.closing END)::text AS opening,
           coalesce(sum(b.debits) FILTER (WHERE b.quarter = ${quarter}), 0)::text AS debits,
           coalesce(sum(b.credits) FILTER (WHERE b.quarter = ${quarter}), 0)::text AS credits,
           sum(b.closing)::text AS closing
    FROM (
      SELECT DISTINCT ON (ledger_id, account_id) ledger_id, account_id, quarter, opening, debits, credits, closing
      FROM ledger.quarter_balances
      WHERE ledger_id = ANY (${ledgers}) AND quarter = ANY (${quarters})
      ORDER BY ledger_id, account_id, quarter DESC
    ) AS b
    JOIN ledger.ledgers AS l ON l.id = b.ledger_id
    JOIN ledger.accounts AS a ON a.ledger_id = b.ledger_id AND a.id = b.account_id
    JOIN ledger.currencies AS c ON c.code = a.currency
    GROUP BY l.name, a.currency, c.exponent
    ORDER BY l.name, a.currency`;
  const { rows } = await boundedRead(db, (bounded) => statement.execute(bounded), TOTALS_MS, signal).catch(
    (error: unknown) => {
      throw isAppError(error, 'read_too_slow') ? tooSlow(quarter, 'To sum up', TOTALS_MS) : error;
    },
  );
  return rows;
}

/** Which close it is of. @throws AppError not_found/no_such_quarter, conflict/quarter_state while it is open */
export async function requireFixed(db: Db, quarter: string): Promise<bigint | undefined> {
  const { state } = await readQuarter(db, quarter);
  if (state === 'planned' || state === 'open') {
    const detail = `${quarter} is ${state}; a trial balance is fixed when a quarter is closed.`;
    throw new AppError('conflict', 'quarter_state', detail);
  }
  const last = await db
    .selectFrom('quartermaster.quarter_events')
    .select('id')
    .where('quarter', '=', quarter)
    .where('event', 'in', ['close', 'reopen'])
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return last?.id;
}

/** There is a way that takes as long as it takes. */
export function tooSlow(quarter: string, what: string, limitMs: number): AppError {
  const detail = `${what} the accounts of ${quarter} took longer than ${limitMs / 1000} seconds. Narrow it by a ledger or moved=true, or take the whole of it as a file: GET /v1/quarters/${quarter}/trial-balance.csv has no limit.`;
  return new AppError('busy', 'read_too_slow', detail);
}

/** It was closed anew between the first and the last reading of it. */
export function changed(quarter: string): AppError {
  const detail = `${quarter} was closed anew while its trial balance was read, so what was read is not one of a piece. Read it again.`;
  return new AppError('conflict', 'trial_balance_changed', detail);
}

interface Ledger {
  readonly id: number;
  readonly name: string;
}

export async function ledgersOf(db: Db, { ledgerId }: TrialBalanceOptions): Promise<Ledger[]> {
  return db
    .selectFrom('ledger.ledgers')
    .select(['id', 'name'])
    .$if(ledgerId !== undefined, (query) => query.where('id', '=', ledgerId ?? 0))
    .orderBy('id')
    .execute();
}

/** The quarters in which an account's last row may be. */
export async function quartersOf(
  db: Db,
  quarter: string,
  { carried }: TrialBalanceOptions,
): Promise<string[]> {
  if (!carried) return [quarter];
  const rows = await db
    .selectFrom('quartermaster.quarters')
    .select('quarter')
    .where('quarter', '<=', quarter)
    .execute();
  return rows.map((row: Pick<QuarterRow, 'quarter'>) => row.quarter);
}

async function endOfPage(db: Db, ledgerId: number, after: bigint): Promise<bigint | null> {
  const { rows } = await sql<{ last: bigint | null }>`
    SELECT max(id) AS last
    FROM (SELECT id FROM ledger.accounts WHERE ledger_id = ${ledgerId} AND id > ${after} ORDER BY id LIMIT ${PAGE}) AS page`.execute(
    db,
  );
  return rows[0]?.last ?? null;
}

async function readPage(
  db: Db,
  quarter: string,
  quarters: readonly string[],
  { id: ledgerId, name: ledger }: Ledger,
  after: bigint,
  last: bigint,
): Promise<TrialBalanceRow[]> {
  const { rows } = await sql<
    Omit<TrialBalanceRow, 'ledger' | 'account' | 'moved'> & { entity: string; at: string }
  >`
    SELECT DISTINCT ON (b.account_id)
           b.quarter AS at, coalesce(k.entity_id, a.entity_id) AS entity, coalesce(k.group_type, a.group_type) AS "groupType",
           coalesce(k.name, a.name) AS name, a.currency, c.exponent, b.opening::text AS opening,
           b.debits::text AS debits, b.credits::text AS credits, b.closing::text AS closing
    FROM ledger.quarter_balances AS b
    JOIN ledger.accounts AS a ON a.ledger_id = b.ledger_id AND a.id = b.account_id
    JOIN ledger.currencies AS c ON c.code = a.currency
    LEFT JOIN ledger.quarter_accounts AS k
      ON k.ledger_id = b.ledger_id AND k.quarter = b.quarter AND k.account_id = b.account_id
    WHERE b.ledger_id = ${ledgerId} AND b.quarter = ANY (${quarters})
      AND b.account_id > ${after} AND b.account_id <= ${last}
    ORDER BY b.account_id, b.quarter DESC`.execute(db);
  return rows.map(({ entity, at, ...row }) => {
    const account = formatAddress({ entityId: entity, groupType: row.groupType });
    const moved = at === quarter;
    const resting = { opening: row.closing, debits: '0', credits: '0' };
    return { ledger, account, ...row, ...(moved ? {} : resting), moved };
  });
}
