import type { Dispatcher } from 'undici';
import { type List, PAGE, type Want } from './mix.ts';

export type Side = 'ours' | 'before';

/** Where the pages of lists begin on our side, by list and page. */
export type Cursors = Readonly<Record<string, string>>;

export function cursorKey({ user, status }: List, page: number): string {
  return `${user ?? ''} ${status} ${page}`;
}

/**
 * The request that fulfils a wish. Both sides are asked the same in the same words, but for the page of a list: one side
 * takes a cursor, and what the other takes for one is how many rows to pass over.
 *
 * @throws Error where a page is wanted whose cursor nobody has found
 */
export function requestOf(
  want: Want,
  { side, ledger, key, cursors }: { side: Side; ledger: string; key: string; cursors: Cursors },
): Dispatcher.DispatchOptions {
  const root = `/v1/ledgers/${ledger}`;
  const authorization = `Bearer ${key}`;
  const get = (path: string, parameters: Record<string, string | undefined>) => {
    const given = Object.entries(parameters).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    const query = new URLSearchParams(given).toString();
    return {
      method: 'GET' as const,
      path: `${root}/${path}${query === '' ? '' : `?${query}`}`,
      headers: { authorization },
    };
  };
  switch (want.kind) {
    case 'post': {
      const { from, to, amount, reference } = want;
      const posting = {
        from: `user-${from}:WALLET`,
        to: `user-${to}:WALLET`,
        amount: String(amount),
        currency: 'EUR',
      };
      return {
        method: 'POST',
        path: `${root}/transactions`,
        headers: { 'content-type': 'application/json', authorization },
        body: JSON.stringify({ user_id: `user-${from}`, reference_code: reference, postings: [posting] }),
      };
    }
    case 'list': {
      const { list, page } = want;
      const cursor = page === 1 ? undefined : cursorOf(side, cursors, list, page);
      return get('transactions', {
        user_id: userId(list.user),
        status: list.status,
        limit: String(PAGE),
        include_total: 'true',
        cursor,
      });
    }
    case 'balance':
      return get(`accounts/${encodeURIComponent(`user-${want.user}:WALLET`)}/balance`, {
        currency: 'EUR',
        at: want.at,
      });
    case 'report':
      return get('summaries/daily', {
        user_id: userId(want.user),
        from: want.from,
        to: want.to,
        group_by: 'month',
      });
  }
}

function cursorOf(side: Side, cursors: Cursors, list: List, page: number): string {
  if (side === 'before') return String(PAGE * (page - 1));
  const found = cursors[cursorKey(list, page)];
  if (found === undefined)
    throw new Error(`Nobody knows where page ${page} of ${JSON.stringify(list)} begins.`);
  return found;
}

function userId(user: number | undefined): string | undefined {
  return user === undefined ? undefined : `user-${user}`;
}
