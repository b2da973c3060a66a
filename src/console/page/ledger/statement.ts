import type { operations } from '../../../../clients/typescript/src/index.ts';
import type { ViewContext } from '../view.ts';
import { shiftDay } from './days.ts';
import { answered } from './load.ts';

export type StatementLine =
  operations['getStatement']['responses']['200']['content']['application/json']['entries'][number];

/** What a statement is narrowed to, as it stands in the address. Both days are included. */
export interface StatementRange {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly cursor?: string | undefined;
}

export interface StatementPage {
  /** Newest first. */
  readonly lines: readonly StatementLine[];
  readonly next: string | null;
  /** Quarters of the range whose entries are not online. */
  readonly archived: readonly string[];
}

/** Transactions a page. */
const PAGE = '50';

/**
 * One page of what moved an account, newest first. The API's statement begins with the oldest, for its sums; so the list of
 * transactions, which goes backwards by keyset, says which stretch of time the page is, and the statement of that stretch has the
 * entries with the balances they left.
 */
export async function readStatementPage(
  { api, signal }: Pick<ViewContext, 'api' | 'signal'>,
  ledger: string,
  account: string,
  { from, to, cursor }: StatementRange,
): Promise<StatementPage> {
  const query = {
    account,
    limit: PAGE,
    ...(from && { from }),
    ...(to && { to: shiftDay(to, 1) }),
    ...(cursor && { cursor }),
  };
  const path = { ledger };
  const page = answered(
    await api.GET('/v1/ledgers/{ledger}/transactions', { params: { path, query }, signal }),
  );
  const { transactions, next_cursor: next, archived_quarters: archived } = page;
  const [newest, oldest] = [transactions[0], transactions.at(-1)];
  if (newest === undefined || oldest === undefined) return { lines: [], next, archived };
  const wanted = new Set(transactions.map(({ id }) => id));
  const lines: StatementLine[] = [];
  const span = {
    from: oldest.created_at,
    // What is booked in the very millisecond of the newest is included.
    to: new Date(Date.parse(newest.created_at) + 1).toISOString(),
  };
  let rest: string | null | undefined;
  do {
    const stretch = answered(
      await api.GET('/v1/ledgers/{ledger}/accounts/{account}/statement', {
        params: {
          path: { ledger, account },
          query: { ...span, limit: '1000', ...(rest && { cursor: rest }) },
        },
        signal,
      }),
    );
    // Neighbours booked in the same millisecond belong to the page before or after.
    lines.push(...stretch.entries.filter(({ transaction_id }) => wanted.has(transaction_id)));
    rest = stretch.next_cursor;
  } while (rest !== null);
  return { lines: lines.reverse(), next, archived };
}
