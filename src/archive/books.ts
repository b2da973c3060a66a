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

/** What some of the rows of a ledger and currency come to. Sums are exact, whatever their size. */
export interface PartTotals {
  readonly id: number;
  readonly currency: string;
  readonly transactions: bigint;
  readonly failed: bigint;
  readonly debits: bigint;
  readonly credits: bigint;
  readonly first: string | null;
  readonly last: string | null;
}

/** Transactions, debits and credits of each ledger and currency, in the order of ledger and currency. */
export async function readTotals(duck: Duck): Promise<LedgerTotals[]> {
  const totals = [
    ...(await readBooked(duck, 'transactions')),
    ...(await readMoved(duck, 'entries', 'accounts')),
  ];
  return ledgersOf(totals, await readExponents(duck, 'currencies'));
}

/** Of transactions, how many there are. `source` is what stands after FROM. */
export async function readBooked(duck: Duck, source: string): Promise<PartTotals[]> {
  const rows = await duck.rows<Texts<'transactions' | 'failed'> & Pick<PartTotals, 'first' | 'last'>>(`
    SELECT ledger_id AS id, currency, count(*)::VARCHAR AS transactions,
           (count(*) FILTER (status = 'FAILED'))::VARCHAR AS failed, min(id) AS first, max(id) AS last
    FROM ${source} GROUP BY ledger_id, currency`);
  return rows.map(({ transactions, failed, ...row }) => ({
    ...row,
    transactions: BigInt(transactions),
    failed: BigInt(failed),
    debits: 0n,
    credits: 0n,
  }));
}

/** Of entries, how much they moved. Their currency is that of their accounts. */
export async function readMoved(duck: Duck, source: string, accounts: string): Promise<PartTotals[]> {
  const rows = await duck.rows<Texts<'debits' | 'credits'>>(`
    SELECT e.ledger_id AS id, a.currency, coalesce(-sum(e.debits), 0)::VARCHAR AS debits,
           coalesce(sum(e.credits), 0)::VARCHAR AS credits
    FROM (
      SELECT ledger_id, account_id, sum(amount) FILTER (amount < 0) AS debits, sum(amount) FILTER (amount > 0) AS credits
      FROM ${source} GROUP BY ledger_id, account_id
    ) AS e JOIN ${accounts} AS a ON a.ledger_id = e.ledger_id AND a.id = e.account_id
    GROUP BY e.ledger_id, a.currency`);
  return rows.map(({ debits, credits, ...row }) => ({
    ...row,
    transactions: 0n,
    failed: 0n,
    debits: BigInt(debits),
    credits: BigInt(credits),
    first: null,
    last: null,
  }));
}

/** The decimals of each currency. */
export async function readExponents(duck: Duck, source: string): Promise<ReadonlyMap<string, number>> {
  const rows = await duck.rows<{ code: string; exponent: number }>(`SELECT code, exponent FROM ${source}`);
  return new Map(rows.map(({ code, exponent }) => [code, exponent]));
}

/** One total for each ledger and currency. */
export function mergeTotals(totals: readonly PartTotals[]): PartTotals[] {
  const merged = new Map<string, PartTotals>();
  for (const one of totals) {
    const key = `${one.id} ${one.currency}`;
    const other = merged.get(key);
    const ids = [one.first, one.last, other?.first, other?.last]
      .filter((id) => typeof id === 'string')
      .sort();
    merged.set(key, {
      ...one,
      transactions: one.transactions + (other?.transactions ?? 0n),
      failed: one.failed + (other?.failed ?? 0n),
      debits: one.debits + (other?.debits ?? 0n),
      credits: one.credits + (other?.credits ?? 0n),
      first: ids[0] ?? null,
      last: ids.at(-1) ?? null,
    });
  }
  return [...merged.values()];
}

/** The totals as a manifest has them: ledgers in order of id, currencies in order of code. */
export function ledgersOf(
  totals: readonly PartTotals[],
  exponents: ReadonlyMap<string, number>,
): LedgerTotals[] {
  const ledgers = new Map<number, LedgerTotals['currencies'][number][]>();
  const sorted = mergeTotals(totals).sort((a, b) => a.id - b.id || (a.currency < b.currency ? -1 : 1));
  for (const { id, currency, first, last, ...sums } of sorted) {
    const one = {
      currency,
      // A currency that is not there is found by another check; here it has to be comparable.
      exponent: exponents.get(currency) ?? null,
      transactions: Number(sums.transactions),
      failed: Number(sums.failed),
      debits: String(sums.debits),
      credits: String(sums.credits),
      first_transaction: first,
      last_transaction: last,
    } as LedgerTotals['currencies'][number];
    ledgers.set(id, [...(ledgers.get(id) ?? []), one]);
  }
  return [...ledgers].map(([id, currencies]) => ({ id, currencies }));
}

/** How many rows of a table of the quarter are outside its bounds. */
export async function countOutside(
  duck: Duck,
  source: string,
  { starts_at, ends_at }: Pick<Declared, 'starts_at' | 'ends_at'>,
): Promise<bigint> {
  const [row] = await duck.rows<{ outside: string }>(`
    SELECT count(*)::VARCHAR AS outside FROM ${source}
    WHERE created_at < ${literal(starts_at)}::TIMESTAMPTZ OR created_at >= ${literal(ends_at)}::TIMESTAMPTZ`);
  return BigInt(row?.outside ?? 0);
}

type Texts<K extends string> = { readonly [name in K]: string } & Pick<PartTotals, 'id' | 'currency'>;

async function checkBounds(duck: Duck, { tables, quarter, starts_at, ends_at }: Declared): Promise<Check> {
  const faults: string[] = [];
  for (const { name } of tables.filter(({ kind }) => kind === 'quarter')) {
    const outside = await countOutside(duck, `"${name}"`, { starts_at, ends_at });
    if (outside !== 0n) faults.push(`${outside} rows of ${name} are not of ${quarter}`);
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
