import type { JobHouse } from '../../jobs/house.ts';
import type { QuarterDesk } from '../../jobs/quarter-desk.ts';
import { AppError } from '../core/errors.ts';
import type { HttpHouse } from '../http/house.ts';
import { createTurns } from '../platform/turns.ts';
import { listQuarters } from '../quarters/list.ts';
import { showQuarter } from '../quarters/show.ts';
import { trialBalanceAccounts } from '../quarters/trial-balance-accounts.ts';
import { trialBalanceCsv } from '../quarters/trial-balance-csv.ts';
import { readTrialBalance, trialBalanceTotals } from '../quarters/trial-balance-report.ts';

/** Rows that are counted for a request; who wants to know more exactly of a large open quarter asks the command line. */
const counting = { countedRows: 50_000, countedInAll: 500_000 };

/** What the HTTP face is given of the quarters and of the jobs on them. */
export function createQuarterApi(
  { quarters, queue }: Pick<JobHouse, 'quarters' | 'queue'>,
  { preview, ask, next, nexts, retry }: QuarterDesk,
): HttpHouse['quarters'] {
  const { direct } = quarters.database;
  // Both look at all accounts of a ledger, for seconds; never on the connections by which postings come.
  const balanceTurns = createTurns({ most: 2, waitMs: 2000, refusal: balancesBusy });
  return {
    preview,
    ask,
    next,
    nexts,
    retry,
    list: () => listQuarters(quarters, counting),
    show: (quarter) => showQuarter(quarters, quarter, counting),
    trialBalance: (quarter, options, signal) =>
      balanceTurns(() => trialBalanceTotals(direct, quarter, options, signal), signal),
    trialBalanceCsv: (quarter, options) =>
      trialBalanceCsv(readTrialBalance(quarters.database.write, quarter, options)),
    trialBalanceAccounts: (quarter, query, signal) =>
      balanceTurns(() => trialBalanceAccounts(direct, quarter, query, { signal }), signal),
    jobs: (filter) => queue.quarters.jobs(filter),
    job: (id) => queue.quarters.job(id),
  };
}

function balancesBusy(): AppError {
  const detail =
    'Two trial balances are read in this process already, and neither was done soon. Try again when one of them is.';
  return new AppError('busy', 'balances_busy', detail);
}
