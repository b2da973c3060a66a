import type { JobHouse } from '../../jobs/house.ts';
import type { QuarterDesk } from '../../jobs/quarter-desk.ts';
import { AppError, isAppError } from '../core/errors.ts';
import { boundedRead } from '../db/bounded-read.ts';
import type { HttpHouse } from '../http/house.ts';
import { createTurns } from '../platform/turns.ts';
import { lastQuarterEvent } from '../quarters/events.ts';
import { listQuarters, type QuarterListing } from '../quarters/list.ts';
import { type QuarterDetail, showQuarter } from '../quarters/show.ts';
import { trialBalanceAccounts } from '../quarters/trial-balance-accounts.ts';
import { trialBalanceCsv } from '../quarters/trial-balance-csv.ts';
import { readTrialBalance, trialBalanceTotals } from '../quarters/trial-balance-report.ts';
import { createShared } from './shared.ts';

/** Rows that are counted for a request; who wants to know more exactly of a large open quarter asks the command line. */
const counting = { countedRows: 50_000, countedInAll: 500_000, limitMs: 3000 };

/** Milliseconds for which what was read of quarters is shown to all who ask, unless something was done to one. */
const FRESH_MS = 2000;

/** What the HTTP face is given of the quarters and of the jobs on them. */
export function createQuarterApi(
  { quarters, queue }: Pick<JobHouse, 'quarters' | 'queue'>,
  { preview, ask, next, nexts, retry }: QuarterDesk,
): HttpHouse['quarters'] {
  const { direct, write } = quarters.database;
  const shareList = createShared<QuarterListing[]>(FRESH_MS);
  const shareDetail = createShared<QuarterDetail>(FRESH_MS);
  // Both look at all accounts of a ledger, for seconds; never on the connections by which postings come.
  const balanceTurns = createTurns({ most: 2, waitMs: 2000, refusal: balancesBusy });
  const newest = () => boundedRead(direct, lastQuarterEvent, counting.limitMs);
  return {
    preview,
    ask,
    next,
    nexts,
    retry,
    list: async () => {
      const last = await newest().catch(notRead);
      return shareList(`${last}`, () => listQuarters(quarters, counting).catch(notRead));
    },
    show: async (quarter) => {
      const last = await newest().catch(notRead);
      return shareDetail(`${quarter} ${last}`, () => showQuarter(quarters, quarter, counting).catch(notRead));
    },
    trialBalance: (quarter, options, signal) =>
      balanceTurns(() => trialBalanceTotals(direct, quarter, options, signal), signal),
    trialBalanceCsv: (quarter, options) => trialBalanceCsv(readTrialBalance(write, quarter, options)),
    trialBalanceAccounts: (quarter, query, signal) =>
      balanceTurns(() => trialBalanceAccounts(direct, quarter, query, { signal }), signal),
    jobs: (filter) => queue.quarters.jobs(filter),
    job: (id) => queue.quarters.job(id),
  };
}

/** For a catch: there is nothing that could be narrowed. */
function notRead(error: unknown): never {
  if (!isAppError(error, 'read_too_slow')) throw error;
  const detail = `PostgreSQL has not told within ${counting.limitMs / 1000} seconds how the quarters stand. Somebody may have locked a table of theirs, or it has too much to do. Try again.`;
  throw new AppError('busy', 'read_too_slow', detail);
}

function balancesBusy(): AppError {
  const detail =
    'Two trial balances are read in this process already, and neither was done soon. Try again when one of them is.';
  return new AppError('busy', 'balances_busy', detail);
}
