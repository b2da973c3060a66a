import { type Clock, systemClock } from '../core/clock.ts';
import { cursorScope, readCursor } from '../core/cursor.ts';
import { AppError } from '../core/errors.ts';
import type { Calendar, Quarter } from '../core/quarter.ts';
import { DAY } from '../core/timestamp.ts';
import { boundedRead } from '../db/bounded-read.ts';
import { besideReading, readOfflineQuarters } from '../db/offline-quarters.ts';
import type { Db } from '../db/schema.ts';
import { accountsOf } from './account-of.ts';
import { checkFilter, isCounted, isUnbounded, type TransactionFilter } from './list-filter.ts';
import { countPage, type Range, readPage, readPosition, writePosition } from './list-page.ts';
import { type TransactionRow, toRow } from './list-rows.ts';
import { readTotal, type TransactionTotal } from './list-total.ts';
import { chooseWay, type Search } from './list-ways.ts';

/** One page of a list. */
export interface TransactionList extends TransactionFilter {
  /** 1 to 1000. */
  readonly limit: number;
  /** As the page before gave it: opaque, and of no use with other filters. */
  readonly cursor?: string | undefined;
  readonly includeTotal?: boolean | undefined;
}

export interface TransactionPage {
  /** Newest first. */
  readonly transactions: readonly TransactionRow[];
  /** Of the next page; undefined on the last. */
  readonly next: string | undefined;
  /**
   * How many there are on all pages, where it was asked for; and in archived quarters, which the summaries remember. With a
   * prefix, an account or PENDING it is counted row by row, online and up to 10,000.
   */
  readonly total: TransactionTotal | undefined;
  /** Quarters in the range whose rows are not online, oldest first: what they held is not in the list. */
  readonly archivedQuarters: readonly string[];
}

export interface ListHouse {
  readonly db: Db;
  readonly calendar: Calendar;
  readonly clock?: Clock | undefined;
}

/** Where counting row by row ends. */
const COUNTED = 10_000;

/**
 * Lists transactions by keyset: each page costs the same, however far back it is, and none is told twice or left out while
 * others are booked.
 *
 * @throws AppError invalid/invalid_filter, invalid/cursor_invalid for a cursor that is none, or of other filters,
 *   invalid/instant_out_of_range, not_found/account_not_found, busy/read_too_slow
 */
export async function listTransactions(
  house: ListHouse,
  ledgerId: number,
  query: TransactionList,
): Promise<TransactionPage> {
  const { limit, cursor, includeTotal, ...filter } = query;
  checkFilter(house.calendar, filter);
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= 1000)) {
    throw new AppError('invalid', 'invalid_filter', `A page has 1 to 1000 rows, not ${limit}.`);
  }
  const { db } = house;
  const range = rangeOf(house, filter);
  const search: Search = { ledgerId, filter, accounts: await accountsIn(db, ledgerId, filter) };
  const scope = cursorScope({ list: 'transactions', ledgerId, ...filter });
  const after = cursor === undefined ? undefined : positionOf(scope, cursor, search);
  const way = after?.way ?? (await chooseWay(db, search));

  const readRows = (on: Db) => readPage({ ...house, db: on }, search, way, range, after, limit);
  const page = () => (isUnbounded(filter) ? boundedRead(db, readRows) : readRows(db));

  async function total(): Promise<TransactionTotal | undefined> {
    if (!includeTotal) return undefined;
    if (!isCounted(filter)) return readTotal(house, ledgerId, filter);
    const found = await boundedRead(db, (on) => countPage(on, search, way, range, COUNTED + 1));
    return { count: BigInt(Math.min(found, COUNTED)), exact: found <= COUNTED };
  }

  // The total is counted beside the page where there is more than one connection to do so.
  const both = async () =>
    db.isTransaction ? ([await page(), await total()] as const) : Promise.all([page(), total()]);
  const [[found, counted], offline] = await withOffline(db, filter, both);
  const isShort = counted !== undefined && isCounted(filter) && offline.length > 0;
  return {
    transactions: found.rows.map(toRow),
    next: found.next && writePosition(scope, found.next),
    total: isShort ? { ...counted, exact: false } : counted,
    archivedQuarters: offline.map(({ name }) => name),
  };
}

/** The quarters that are not online, asked beside what is read at once, and after what may take seconds. */
async function withOffline<T>(
  db: Db,
  filter: TransactionFilter,
  reading: () => Promise<T>,
): Promise<[T, readonly Quarter[]]> {
  const { from, to, status } = filter;
  if (status === 'PENDING') return [await reading(), []];
  if (isUnbounded(filter)) return [await reading(), await readOfflineQuarters(db, from, to)];
  return besideReading(db, { from, to }, reading);
}

/** By id, as a list of several is merged. */
async function accountsIn(db: Db, ledgerId: number, { account, currency }: TransactionFilter) {
  if (account === undefined) return undefined;
  const found = await accountsOf(db, ledgerId, account, currency);
  return [...found].sort((a, b) => Number(a.id - b.id));
}

function positionOf(scope: string, cursor: string, search: Search) {
  const position = readPosition(readCursor(scope, cursor), search);
  if (position) return position;
  const detail = 'The cursor goes a way that this list does not have. Begin anew, without one.';
  throw new AppError('invalid', 'cursor_invalid', detail);
}

/**
 * Nothing is booked in the future, and what is asked of quarters that wait for it costs their planning. A day's grace is for the
 * clocks of two machines.
 */
function rangeOf({ clock = systemClock }: ListHouse, { from, to }: TransactionFilter): Range {
  const tomorrow = new Date(clock.now().getTime() + DAY);
  return { from, until: to && to < tomorrow ? to : tomorrow };
}
