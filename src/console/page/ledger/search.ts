import type { operations } from '../../../../clients/typescript/src/index.ts';
import type { ViewContext } from '../view.ts';
import { type Filters, toApiQuery } from './filters.ts';
import { answered } from './load.ts';
import type { Transaction } from './transaction-table.ts';

export interface SearchPage {
  readonly transactions: readonly Transaction[];
  readonly next: string | null;
  /** Quarters of the range that are not in the list. */
  readonly archived: readonly string[];
}

export interface Total {
  readonly count: number;
  readonly exact: boolean;
  /** Some of them are in archived quarters, and so in no page of the list. */
  readonly archived: boolean;
}

type ListQuery = NonNullable<operations['listTransactions']['parameters']['query']>;
type ArchiveQuery = operations['listQuarterTransactions']['parameters']['query'];
type Asking = Pick<ViewContext, 'api' | 'signal'>;

/** One page, of what is online or of one archive. */
export async function searchPage(
  { api, signal }: Asking,
  ledger: string,
  filters: Filters,
): Promise<SearchPage> {
  const { quarter } = filters;
  // What the address has is sent as it is: the server knows what is right, and says so.
  const wanted = toApiQuery(filters) as Partial<ListQuery>;
  if (quarter === undefined) {
    const page = answered(
      await api.GET('/v1/ledgers/{ledger}/transactions', {
        params: { path: { ledger }, query: wanted },
        signal,
      }),
    );
    return { transactions: page.transactions, next: page.next_cursor, archived: page.archived_quarters };
  }
  const page = answered(
    await api.GET('/v1/quarters/{quarter}/transactions', {
      params: { path: { quarter }, query: { ...wanted, ledger } as ArchiveQuery },
      signal,
    }),
  );
  return { transactions: page.transactions, next: page.next_cursor, archived: [] };
}

/** How many there are on all pages; undefined of an archive, which is not counted. */
export async function readTotal(
  { api, signal }: Asking,
  ledger: string,
  filters: Filters,
): Promise<Total | undefined> {
  if (filters.quarter !== undefined) return undefined;
  const wanted = {
    ...(toApiQuery(filters) as Partial<ListQuery>),
    limit: '1',
    include_total: 'true',
  } as const;
  const { total, archived_quarters } = answered(
    await api.GET('/v1/ledgers/{ledger}/transactions', {
      params: { path: { ledger }, query: wanted },
      signal,
    }),
  );
  return total && { ...total, archived: archived_quarters.length > 0 && total.exact };
}
