import type { Db } from '../db/schema.ts';
import type { TrialBalanceOptions, TrialBalanceRow } from './trial-balance-report.ts';

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

/** The first accounts of a trial balance in some order. */
export async function trialBalanceAccounts(
  _db: Db,
  _quarter: string,
  _query: AccountsQuery,
): Promise<TrialBalanceAccounts> {
  return { accounts: [], more: false };
}
