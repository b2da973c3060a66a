import type { operations } from '../../../../clients/typescript/src/index.ts';
import type { ViewContext } from '../view.ts';
import type { ChartQuery } from './chart-query.ts';
import { shiftDay } from './days.ts';
import { answered } from './load.ts';
import type { SummaryLine } from './periods.ts';

type DailyQuery = operations['getDailySummary']['parameters']['query'];

export interface ChartData {
  readonly lines: readonly SummaryLine[];
  /** Days that are not all summed up. */
  readonly stale: readonly string[];
  /** Quarters of the range whose rows are not online: their days are in the summaries all the same. */
  readonly archived: readonly string[];
}

/** The summaries of the range, and which of it is archived. */
export async function readCharts(
  { api, signal }: Pick<ViewContext, 'api' | 'signal'>,
  ledger: string,
  query: ChartQuery,
): Promise<ChartData> {
  const path = { ledger };
  const daily = api.GET('/v1/ledgers/{ledger}/summaries/daily', {
    params: { path, query: query as DailyQuery },
    signal,
  });
  const { from, to } = query;
  const summaries = answered(await daily);
  // Asked when the days are known to be days. The list of transactions names what is archived to whoever may see the ledger.
  const list = { from, to: shiftDay(to, 1), limit: '1' };
  const { archived_quarters } = answered(
    await api.GET('/v1/ledgers/{ledger}/transactions', { params: { path, query: list }, signal }),
  );
  return { lines: summaries.summaries, stale: summaries.stale_days, archived: archived_quarters };
}
