import { type Check, check } from './check.ts';
import type { Declared } from './contents.ts';
import { type Duck, literal } from './duckdb.ts';
import type { ManifestLedger } from './manifest.ts';

/** What the books of one ledger come to; its name is not in the files. */
export type LedgerTotals = Omit<ManifestLedger, 'name'>;

/**
 * Holds the tables of an archive against each other, as an auditor would: by the rows alone. The tables are those that
 * `readContents` found in order.
 */
export async function checkBooks(duck: Duck, declared: Declared): Promise<Check[]> {
  return [
    await checkBounds(duck, declared),
    await checkTransactions(duck),
    await checkTrialBalance(duck),
    await checkAccounts(duck),
  ];
}

/** Transactions, debits and credits of each ledger and currency, in the order of ledger and currency. */
export async function readTotals(duck: Duck): Promise<LedgerTotals[]> {
  const rows = await duck.rows<LedgerTotals['currencies'][number] & { id: number }>(`
    WITH booked AS (
      SELECT ledger_id, currency, count(*) AS transactions, count(*) FILTER (status = 'FAILED') AS failed,
             min(id) AS first_transaction, max(id) AS last_transaction
      FROM transactions GROUP BY ALL
    ), moved AS (
      SELECT e.ledger_id, a.currency, -sum(e.amount) FILTER (e.amount < 0) AS debits,
             sum(e.amount) FILTER (e.amount > 0) AS credits
      FROM entries AS e JOIN accounts AS a ON a.ledger_id = e.ledger_id AND a.id = e.account_id
      GROUP BY ALL
    )
    SELECT ledger_id AS id, currency, c.exponent, coalesce(transactions, 0)::DOUBLE AS transactions,
           coalesce(failed, 0)::DOUBLE AS failed, coalesce(debits, 0)::VARCHAR AS debits,
           coalesce(credits, 0)::VARCHAR AS credits, first_transaction, last_transaction
    FROM booked FULL JOIN moved USING (ledger_id, currency) LEFT JOIN currencies AS c ON c.code = currency
    ORDER BY ledger_id, currency`);
  const ledgers = new Map<number, LedgerTotals['currencies'][number][]>();
  for (const { id, ...currency } of rows) ledgers.set(id, [...(ledgers.get(id) ?? []), currency]);
  return [...ledgers].map(([id, currencies]) => ({ id, currencies }));
}

async function checkBounds(duck: Duck, { tables, quarter, starts_at, ends_at }: Declared): Promise<Check> {
  const faults: string[] = [];
  for (const { name } of tables.filter(({ kind }) => kind === 'quarter')) {
    const [row] = await duck.rows<{ outside: string }>(`
      SELECT count(*)::VARCHAR AS outside FROM "${name}"
      WHERE created_at < ${literal(starts_at)}::TIMESTAMPTZ OR created_at >= ${literal(ends_at)}::TIMESTAMPTZ`);
    if (row?.outside !== '0') faults.push(`${row?.outside} rows of ${name} are not of ${quarter}`);
  }
  return check('bounds', faults, `every row is of ${quarter}, from ${starts_at} to ${ends_at}`);
}

/** The entries of each transaction sum to zero per currency, and there are entries of booked transactions only. */
async function checkTransactions(duck: Duck): Promise<Check> {
  const [row] = await duck.rows<{ moved: string; booked: string; wrong: string; example: string | null }>(`
    SELECT (SELECT count(*) FROM transactions WHERE status = 'SUCCESS')::VARCHAR AS booked,
           (count(DISTINCT (ledger_id, id)))::VARCHAR AS moved, (count(*) FILTER (net <> 0))::VARCHAR AS wrong,
           (min(id) FILTER (net <> 0))::VARCHAR AS example
    FROM (
      SELECT e.ledger_id, e.transaction_id::UUID AS id, a.currency, sum(e.amount) AS net
      FROM entries AS e JOIN accounts AS a ON a.ledger_id = e.ledger_id AND a.id = e.account_id
      GROUP BY ALL
    )`);
  const faults: string[] = [];
  if (row?.wrong !== '0')
    faults.push(`the entries of ${row?.wrong} transactions, as ${row?.example}, do not sum to 0`);
  if (row?.moved !== row?.booked)
    faults.push(`${row?.booked} transactions are booked and ${row?.moved} have entries`);
  return check('transactions', faults, `the entries of each of ${row?.booked} sum to 0`);
}

/** The trial balance is what the entries of each account come to, from its first to its last. */
async function checkTrialBalance(duck: Duck): Promise<Check> {
  const [row] = await duck.rows<{ accounts: string; wrong: string; example: string | null }>(`
    SELECT count(*)::VARCHAR AS accounts, (count(*) FILTER (differs))::VARCHAR AS wrong,
           min('account ' || account_id || ' of ledger ' || ledger_id) FILTER (differs) AS example
    FROM (
      SELECT ledger_id, account_id,
             (e.opening, e.debits, e.credits, e.closing) IS DISTINCT FROM (b.opening, b.debits, b.credits, b.closing)
             OR e.closing <> e.opening + e.credits - e.debits OR e.versions <> e.entries AS differs
      FROM (
        SELECT ledger_id, account_id, arg_min(balance_after - amount, version) AS opening,
               coalesce(-sum(amount) FILTER (amount < 0), 0) AS debits, coalesce(sum(amount) FILTER (amount > 0), 0) AS credits,
               arg_max(balance_after, version) AS closing, max(version) - min(version) + 1 AS versions, count(*) AS entries
        FROM entries GROUP BY ALL
      ) AS e FULL JOIN quarter_balances AS b USING (ledger_id, account_id)
    )`);
  const faults =
    row?.wrong === '0' ? [] : [`${row?.wrong} accounts differ from their entries, as ${row?.example}`];
  return check('trial balance', faults, `of ${row?.accounts} accounts is what their entries come to`);
}

/** Whoever reads an entry finds its account, and the currency of that. */
async function checkAccounts(duck: Duck): Promise<Check> {
  const [row] = await duck.rows<{ accounts: string; currencies: string }>(`
    SELECT (SELECT count(*) FROM quarter_balances AS b
            ANTI JOIN accounts AS a ON a.ledger_id = b.ledger_id AND a.id = b.account_id)::VARCHAR AS accounts,
           (SELECT count(*) FROM (SELECT currency FROM transactions UNION SELECT currency FROM accounts) AS used
            ANTI JOIN currencies AS c ON c.code = used.currency)::VARCHAR AS currencies`);
  const faults: string[] = [];
  if (row?.accounts !== '0') faults.push(`${row?.accounts} accounts are missing`);
  if (row?.currencies !== '0') faults.push(`${row?.currencies} currencies are missing`);
  return check('accounts', faults, 'every account and currency that is named is there');
}
