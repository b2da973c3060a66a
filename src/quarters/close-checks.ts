import { sql } from 'kysely';
import type { Trx } from '../db/schema.ts';
import { sqlState } from '../db/sqlstate.ts';
import { type AccountCheck, accountChecks, lookAtAccounts } from './close-accounts.ts';
import { type Days, type Finding, joined } from './close-findings.ts';
import { balanceSummaryFaults, mendSummaries, transactionSummaryFaults } from './close-summaries.ts';
import { transactionFaults } from './close-transactions.ts';
import type { QuarterRow } from './registry.ts';
import { gatherBalances } from './trial-balance.ts';

/** The checks of a close, in the order in which they are reported. */
export const checkNames = [
  'sums',
  'transactions',
  'balances',
  'versions',
  'summaries',
  'openings',
  'accounts',
] as const;
export type CheckName = (typeof checkNames)[number];

/** What became of one check. `detail` is for people: numbers and, where something is wrong, an example. */
export interface CloseCheck {
  readonly name: CheckName;
  readonly ok: boolean;
  readonly detail: string;
}

/**
 * Carries out every check of a quarter that nobody can write to, whatever the others say, and leaves the temporary table of
 * `gatherBalances` for the trial balance. Each has a savepoint of its own, so that data which a statement cannot even add up
 * fail the checks made with it and no other.
 *
 * Entries are read three times for it and transactions twice; everything else is as long as there are accounts and days.
 */
export async function runChecks(
  trx: Trx,
  row: QuarterRow,
  days: Days,
  begin: (name: CheckName) => void,
): Promise<CloseCheck[]> {
  const found = new Map<CheckName, Finding>();
  begin('sums');
  const gathered = await attempt(trx, async () => {
    await gatherBalances(trx, row.quarter, days);
    return lookAtAccounts(trx, row);
  });
  for (const name of Object.keys(accountChecks) as AccountCheck[])
    found.set(name, 'failed' in gathered ? gathered.failed : gathered.found[name]);
  begin('transactions');
  const transactions = await attempt(trx, () => transactionFaults(trx, row.quarter));
  found.set('transactions', 'failed' in transactions ? transactions.failed : transactions.found);
  begin('summaries');
  const summed = await attempt(trx, () => transactionSummaryFaults(trx, row.quarter, days));
  const balances =
    'failed' in gathered ? gathered : await attempt(trx, () => balanceSummaryFaults(trx, days));
  const { faults, fine } = joined(
    [summed, balances].map((one) => ('failed' in one ? one.failed : one.found)),
  );
  found.set('summaries', { faults: faults.length > 0 ? [...faults, mendSummaries] : [], fine });
  return checkNames.map((name) => {
    const { faults = [], fine = '' } = found.get(name) ?? {};
    return { name, ok: faults.length === 0, detail: faults.length === 0 ? fine : faults.join(' ') };
  });
}

/** The outcome, or the finding that there can be none because of what the data are. Any other failure is the caller's. */
async function attempt<T>(
  trx: Trx,
  look: () => Promise<T>,
): Promise<{ readonly found: T } | { readonly failed: Finding }> {
  await sql`SAVEPOINT close_check`.execute(trx);
  try {
    const found = await look();
    await sql`RELEASE SAVEPOINT close_check`.execute(trx);
    return { found };
  } catch (error) {
    // Data exceptions, and pages or indexes that PostgreSQL finds damaged.
    if (!/^(2[123]...|XX00[12])$/.test(sqlState(error) ?? '')) throw error;
    await sql`ROLLBACK TO SAVEPOINT close_check`.execute(trx);
    const message = error instanceof Error ? error.message : String(error);
    return { failed: { faults: [`It could not be carried out: ${message}.`], fine: '' } };
  }
}
