import type { JobHouse } from '../../jobs/house.ts';
import type { QuarterDesk } from '../../jobs/quarter-desk.ts';
import type { HttpHouse } from '../http/house.ts';
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
  return {
    preview,
    ask,
    next,
    nexts,
    retry,
    list: () => listQuarters(quarters, counting),
    show: (quarter) => showQuarter(quarters, quarter, counting),
    trialBalance: (quarter, options) => trialBalanceTotals(quarters.database.write, quarter, options),
    trialBalanceCsv: (quarter, options) =>
      trialBalanceCsv(readTrialBalance(quarters.database.write, quarter, options)),
    trialBalanceAccounts: (quarter, query) => trialBalanceAccounts(quarters.database.write, quarter, query),
    jobs: (filter) => queue.quarters.jobs(filter),
    job: (id) => queue.quarters.job(id),
  };
}
