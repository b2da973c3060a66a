import { AppError } from '../core/errors.ts';
import type { Db } from '../db/schema.ts';

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

/** The trial balance of a quarter as it was fixed at its last close. */
export async function* readTrialBalance(
  db: Db,
  quarter: string,
  options: TrialBalanceOptions = {},
): AsyncGenerator<TrialBalanceRow> {
  const totals = await trialBalanceTotals(db, quarter, options);
  yield* totals as unknown as TrialBalanceRow[];
}

/** What it comes to, by ledger and currency. */
export async function trialBalanceTotals(
  _db: Db,
  quarter: string,
  _options: TrialBalanceOptions = {},
): Promise<TrialBalanceTotal[]> {
  throw new AppError('internal', 'assertion_failed', `the trial balance of ${quarter} is not there yet.`);
}
