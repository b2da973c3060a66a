import { sql } from 'kysely';
import type { Db } from '../db/schema.ts';
import { throwIfAborted } from '../platform/retry.ts';

/** Something in the data that must never be. */
export interface Violation {
  readonly ledger: string;
  readonly what: string;
}

/** More than anybody reads. */
const ENOUGH = 100;

/**
 * Checks the invariants that live in the balances: they sum to zero per currency, and each equals what its account's
 * last entry says. Accounts whose last entry left with its quarter are compared at close, not here.
 *
 * @param options.pages how many pages of accounts of each ledger are compared with their entries; all unless given
 * @param options.pageSize accounts that are compared in one statement
 */
export async function findViolations(
  db: Db,
  options: { pages?: number; pageSize?: number; signal?: AbortSignal } = {},
): Promise<Violation[]> {
  const { pages = Number.POSITIVE_INFINITY, pageSize = 20_000, signal } = options;
  const violations: Violation[] = [];
  const ledgers = await db.selectFrom('ledger.ledgers').select(['id', 'name']).orderBy('name').execute();
  for (const ledger of ledgers) {
    const sums = await sql<{ currency: string; total: string }>`
      SELECT a.currency, sum(b.posted) AS total
      FROM ledger.balances AS b
      JOIN ledger.accounts AS a ON a.ledger_id = b.ledger_id AND a.id = b.account_id
      WHERE b.ledger_id = ${ledger.id}
      GROUP BY a.currency
      HAVING sum(b.posted) <> 0`.execute(db);
    for (const row of sums.rows) {
      violations.push({
        ledger: ledger.name,
        what: `balances in ${row.currency} sum to ${row.total}, not 0`,
      });
    }
    const held = await sql<{ account: string; pending_out: bigint; held: string }>`
      SELECT a.entity_id || ':' || a.group_type AS account, b.pending_out, coalesce(h.held, 0) AS held
      FROM ledger.balances AS b
      JOIN ledger.accounts AS a ON a.ledger_id = b.ledger_id AND a.id = b.account_id
      LEFT JOIN (
        SELECT p ->> 'from' AS address, p ->> 'currency' AS currency, sum((p ->> 'amount')::bigint) AS held
        FROM ledger.reservations AS r CROSS JOIN jsonb_array_elements(r.postings) AS p
        WHERE r.ledger_id = ${ledger.id} AND r.state = 'PENDING'
        GROUP BY 1, 2
      ) AS h ON h.address = a.entity_id || ':' || a.group_type AND h.currency = a.currency
      WHERE b.ledger_id = ${ledger.id} AND b.pending_out <> coalesce(h.held, 0)
      LIMIT 20`.execute(db);
    for (const row of held.rows) {
      const what = `${row.account} holds ${row.pending_out} back, its pending reservations ${row.held}`;
      violations.push({ ledger: ledger.name, what });
    }
    let after = 0n;
    for (let page = 0; page < pages && violations.length < ENOUGH; page++) {
      throwIfAborted(signal);
      const last = await endOfPage(db, ledger.id, after, pageSize);
      for (const row of await findStrays(db, ledger.id, after, last)) {
        const what = `the balance of ${row.account} is ${row.posted}, its last entry says ${row.balance_after}`;
        violations.push({ ledger: ledger.name, what });
      }
      if (last === undefined) break;
      after = last;
    }
  }
  return violations;
}

/** The last account of the page that begins behind another; undefined when it is the last page. */
async function endOfPage(
  db: Db,
  ledgerId: number,
  after: bigint,
  pageSize: number,
): Promise<bigint | undefined> {
  const { rows } = await sql<{ last: bigint | null; accounts: bigint }>`
    SELECT max(page.account_id) AS last, count(*) AS accounts
    FROM (
      SELECT account_id FROM ledger.balances
      WHERE ledger_id = ${ledgerId} AND account_id > ${after}
      ORDER BY account_id
      LIMIT ${pageSize}
    ) AS page`.execute(db);
  const [page] = rows;
  return page?.accounts === BigInt(pageSize) ? (page.last ?? undefined) : undefined;
}

interface Stray {
  readonly account: string;
  readonly posted: bigint;
  readonly balance_after: bigint;
}

/** last_entry_at names the quarter, so each probe touches one partition by its key. */
async function findStrays(
  db: Db,
  ledgerId: number,
  after: bigint,
  last: bigint | undefined,
): Promise<readonly Stray[]> {
  const { rows } = await sql<Stray>`
    SELECT a.entity_id || ':' || a.group_type AS account, b.posted, e.balance_after
    FROM ledger.balances AS b
    JOIN ledger.accounts AS a ON a.ledger_id = b.ledger_id AND a.id = b.account_id
    CROSS JOIN LATERAL (
      SELECT balance_after, version
      FROM ledger.entries
      WHERE ledger_id = b.ledger_id AND account_id = b.account_id AND created_at = b.last_entry_at
      ORDER BY version DESC
      LIMIT 1
    ) AS e
    WHERE b.ledger_id = ${ledgerId} AND b.last_entry_at IS NOT NULL
      AND b.account_id > ${after} AND (${last ?? null}::bigint IS NULL OR b.account_id <= ${last ?? null}::bigint)
      AND (e.balance_after, e.version) IS DISTINCT FROM (b.posted, b.version)
    LIMIT 20`.execute(db);
  return rows;
}
