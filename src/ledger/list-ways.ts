import { MAX_TEXT } from '../core/account.ts';
import { afterPrefix } from '../core/prefix.ts';
import type { Db } from '../db/schema.ts';
import type { AccountView } from './account-list.ts';
import { plainArray } from './arrays.ts';
import type { TransactionFilter } from './list-filter.ts';
import type { ListedRow } from './list-rows.ts';
import { countQuery, type Query, query } from './query.ts';

/**
 * The ways to walk a list, each along one index. `account` goes by entries, in the order of (created_at, version); all others by
 * (created_at, id).
 */
export const ways = ['ledger', 'failed', 'user', 'reference', 'account', 'pending'] as const;
export type Way = (typeof ways)[number];

/** What is looked for, with the accounts that the filter names. */
export interface Search {
  readonly ledgerId: number;
  readonly filter: TransactionFilter;
  readonly accounts: readonly AccountView[] | undefined;
}

/** A stretch of the walk: instants from `from`, and what comes after (`at`, `tie`), where the tie is an id or a version. */
export interface Stretch {
  readonly from: string;
  readonly at: string;
  readonly tie: string;
}

export type WalkedRow = ListedRow & { readonly version?: bigint };

/** The statement of a way, and all its parameters. */
interface Statement {
  readonly page: Query<WalkedRow>;
  readonly count: (db: Db, parameters: readonly unknown[]) => Promise<number>;
  readonly parameters: readonly unknown[];
}

/** Up to so many reference codes that begin alike are all read and sorted; above it the list is walked until the page is full. */
const RARE = 5000;

/** An account of more entries is not walked to find those of one user. */
const HOT = 10_000n;

const statements = {
  ledger: both('transactions_of_ledger'),
  failed: both('transactions_failed'),
  user: both('transactions_of_user'),
  userAll: both('transactions_of_user_all'),
  reference: both('transactions_by_reference'),
  account: both('transactions_of_account'),
  pending: both('reservations_pending'),
  pendingOfUser: both('reservations_pending_of_user'),
};

const countAccount = query<{ found: number }>('count_of_account');
const countReferences = query<{ found: number }>('count_references');

/** The way that reads least. What is rare is counted rather than guessed, so that no statistics can mislead it. */
export async function chooseWay(db: Db, search: Search): Promise<Way> {
  const { ledgerId, filter, accounts } = search;
  const { status, userId } = filter;
  if (status === 'PENDING') return 'pending';
  const prefix = prefixBounds(filter);
  if (prefix[0] !== null) {
    const [row] = await countReferences(db, [ledgerId, ...prefix, RARE + 1]);
    if ((row?.found ?? 0) <= RARE) return 'reference';
  }
  if (accounts) return userId !== undefined && (await areHot(db, ledgerId, accounts)) ? 'user' : 'account';
  if (userId !== undefined) return 'user';
  return status === 'FAILED' ? 'failed' : 'ledger';
}

/** Whether a search can go that way at all: what a cursor says is not to be believed. */
export function canGo(way: Way, { filter, accounts }: Search): boolean {
  if (way === 'pending' || filter.status === 'PENDING')
    return way === 'pending' && filter.status === 'PENDING';
  switch (way) {
    case 'reference':
      return filter.referencePrefix !== undefined;
    case 'account':
      return accounts !== undefined;
    case 'user':
      return filter.userId !== undefined;
    case 'failed':
      return filter.status === 'FAILED' && filter.userId === undefined;
    case 'ledger':
      return filter.status !== 'FAILED' && filter.userId === undefined && accounts === undefined;
  }
}

/** Up to `limit` rows of a stretch, newest first. `accountId` is the one that is walked on the way of accounts. */
export async function readStretch(
  db: Db,
  way: Way,
  search: Search,
  stretch: Stretch,
  limit: number,
  accountId?: bigint,
): Promise<WalkedRow[]> {
  const { page, parameters } = statementOf(way, search, stretch, limit, accountId);
  return page(db, parameters);
}

/** How many rows a stretch has, counted up to `limit`. */
export async function countStretch(
  db: Db,
  way: Way,
  search: Search,
  stretch: Stretch,
  limit: number,
  accountId?: bigint,
): Promise<number> {
  const { count, parameters } = statementOf(way, search, stretch, limit, accountId);
  return count(db, parameters);
}

function statementOf(
  way: Way,
  search: Search,
  { from, at, tie }: Stretch,
  limit: number,
  accountId: bigint | undefined,
): Statement {
  const { ledgerId, filter, accounts } = search;
  const walk = [ledgerId, from, at, tie, limit];
  const user = filter.userId ?? null;
  // Accounts are those of the currency already, and what moved one was booked.
  const currency = accounts ? null : (filter.currency ?? null);
  const status = accounts ? 'SUCCESS' : (filter.status ?? null);
  const ids = accounts ? plainArray(accounts.map(({ id }) => id)) : null;
  const prefix = prefixBounds(filter);
  switch (way) {
    case 'ledger':
      return { ...statements.ledger, parameters: [...walk, status, currency, ...prefix] };
    case 'failed':
      return { ...statements.failed, parameters: [...walk, currency, ...prefix] };
    case 'user':
      return status === null
        ? { ...statements.userAll, parameters: [...walk, user, 'SUCCESS', 'FAILED', currency, ...prefix] }
        : { ...statements.user, parameters: [...walk, user, status, currency, ids, ...prefix] };
    case 'reference':
      return { ...statements.reference, parameters: [...walk, ...prefix, user, status, currency, ids] };
    case 'account': {
      const earlier =
        accounts?.map(({ id }) => id).filter((id) => accountId !== undefined && id < accountId) ?? [];
      const listed = earlier.length === 0 ? null : plainArray(earlier);
      const parameters = [...walk, accountId, listed, user, ...prefix];
      const isPlain = listed === null && user === null && prefix[0] === null;
      return { ...statements.account, ...(isPlain ? { count: countEntries } : {}), parameters };
    }
    case 'pending': {
      const parameters = [...walk, currency, ids, ...prefix];
      return user === null
        ? { ...statements.pending, parameters }
        : { ...statements.pendingOfUser, parameters: [...parameters, user] };
    }
  }
}

function prefixBounds({ referencePrefix }: TransactionFilter): [string | null, string | null] {
  if (referencePrefix === undefined) return [null, null];
  return [referencePrefix, afterPrefix(referencePrefix, MAX_TEXT.reference_code)];
}

/** An account's version is how many entries it has. */
async function areHot(db: Db, ledgerId: number, accounts: readonly AccountView[]): Promise<boolean> {
  const rows = await db
    .selectFrom('ledger.balances')
    .select('version')
    .where('ledger_id', '=', ledgerId)
    .where(
      'account_id',
      'in',
      accounts.map(({ id }) => id),
    )
    .execute();
  return rows.reduce((sum, { version }) => sum + version, 0n) > HOT;
}

/** Where nothing is asked of the transactions they need not be looked up: that is most of the work. */
async function countEntries(db: Db, parameters: readonly unknown[]): Promise<number> {
  return (await countAccount(db, parameters.slice(0, 6)))[0]?.found ?? 0;
}

function both(name: string): Omit<Statement, 'parameters'> {
  return { page: query<WalkedRow>(name), count: countQuery(name) };
}
