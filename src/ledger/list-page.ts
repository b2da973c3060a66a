import { type CursorReader, encodeCursor } from '../core/cursor.ts';
import type { Calendar } from '../core/quarter.ts';
import type { Db } from '../db/schema.ts';
import type { ListedRow } from './list-rows.ts';
import {
  canGo,
  countStretch,
  readStretch,
  type Search,
  type Stretch,
  type WalkedRow,
  type Way,
  ways,
} from './list-ways.ts';

/** Where a page begins: after this row, on this way. */
export type Position =
  | { readonly way: Exclude<Way, 'account'>; readonly at: Date; readonly id: string }
  | { readonly way: 'account'; readonly at: Date; readonly accountId: bigint; readonly version: bigint };

/** Instants from the one, and before the other. */
export interface Range {
  readonly from: Date | undefined;
  readonly until: Date;
}

export interface Page {
  readonly rows: readonly ListedRow[];
  readonly next: Position | undefined;
}

/** Sorts before every id, as version 0 does before every version: after it comes what is older than the instant. */
const NO_ID = '00000000-0000-0000-0000-000000000000';
const ALL_VERSIONS = String(2n ** 63n - 1n);

/** Undefined where the search cannot go the cursor's way. */
export function readPosition(cursor: CursorReader, search: Search): Position | undefined {
  const way = cursor.word(ways);
  const at = cursor.instant();
  const position =
    way === 'account'
      ? { way, at, accountId: cursor.count(), version: cursor.count() }
      : { way, at, id: cursor.uuid() };
  cursor.end();
  return canGo(way, search) ? position : undefined;
}

export function writePosition(scope: string, position: Position): string {
  const { way, at } = position;
  return encodeCursor(
    scope,
    position.way === 'account' ? [way, at, position.accountId, position.version] : [way, at, position.id],
  );
}

/** One page, newest first, and where the next one begins. */
export async function readPage(
  house: { readonly db: Db; readonly calendar: Calendar },
  search: Search,
  way: Way,
  range: Range,
  after: Position | undefined,
  limit: number,
): Promise<Page> {
  // One row more than wanted tells that there is a next page.
  const wanted = limit + 1;
  if (way !== 'account') {
    const start = after?.way === way ? { at: after.at, tie: after.id } : undefined;
    const found = await walk(house, search, way, range, start, wanted);
    const last = found.length > limit ? found[limit - 1] : undefined;
    return { rows: found.slice(0, limit), next: last && { way, at: last.created_at, id: last.id } };
  }
  const from = after?.way === way ? after : undefined;
  const lists = [];
  for (const { id } of search.accounts ?? []) {
    const start = from && { at: from.at, tie: tieOf(id, from) };
    const found = await walk(house, search, way, range, start, wanted, id);
    lists.push(found.map((row) => ({ row, accountId: id, version: row.version ?? 0n })));
  }
  const merged = mergeNewest(lists, wanted);
  const last = merged.length > limit ? merged[limit - 1] : undefined;
  return {
    rows: merged.slice(0, limit).map(({ row }) => row),
    next: last && { way, at: last.row.created_at, accountId: last.accountId, version: last.version },
  };
}

/** How many rows a search has in a range, counted up to `bound`. */
export async function countPage(
  db: Db,
  search: Search,
  way: Way,
  range: Range,
  bound: number,
): Promise<number> {
  const accountIds = way === 'account' ? (search.accounts ?? []).map(({ id }) => id) : [undefined];
  let count = 0;
  for (const accountId of accountIds) {
    if (count >= bound) break;
    const stretch = stretchOf(range.from, range.until, way === 'account' ? '0' : NO_ID);
    count += await countStretch(db, way, search, stretch, bound - count, accountId);
  }
  return count;
}

/** What moved one of several accounts, in the one order of all: newest first, then by account, then the highest version first. */
export function mergeNewest<
  T extends { readonly row: ListedRow; readonly accountId: bigint; readonly version: bigint },
>(lists: readonly (readonly T[])[], limit: number): T[] {
  return lists
    .flat()
    .sort(
      (a, b) =>
        b.row.created_at.getTime() - a.row.created_at.getTime() ||
        Number(a.accountId - b.accountId) ||
        Number(b.version - a.version),
    )
    .slice(0, limit);
}

/** In the order of all, of the instant the page before ended at, this account's entries are all listed, in part, or not yet. */
function tieOf(accountId: bigint, after: { readonly accountId: bigint; readonly version: bigint }): string {
  if (accountId === after.accountId) return String(after.version);
  return accountId < after.accountId ? '0' : ALL_VERSIONS;
}

/** Walks until it has enough, the newest quarters first: what is planned for few partitions is planned in a fraction of the time. */
async function walk(
  { db, calendar }: { readonly db: Db; readonly calendar: Calendar },
  search: Search,
  way: Way,
  range: Range,
  after: { readonly at: Date; readonly tie: string } | undefined,
  wanted: number,
  accountId?: bigint,
): Promise<WalkedRow[]> {
  const first = way === 'account' ? '0' : NO_ID;
  const [until, tie] = after && after.at < range.until ? [after.at, after.tie] : [range.until, first];
  const quarter = calendar.next(calendar.quarterOf(until), -1).start;
  const isLong = way !== 'reference' && way !== 'pending' && (range.from ?? new Date(0)) < quarter;
  const stretches = isLong
    ? [stretchOf(quarter, until, tie), stretchOf(range.from, quarter, first)]
    : [stretchOf(range.from, until, tie)];
  const rows: WalkedRow[] = [];
  for (const stretch of stretches) {
    if (rows.length >= wanted) break;
    rows.push(...(await readStretch(db, way, search, stretch, wanted - rows.length, accountId)));
  }
  return rows;
}

function stretchOf(from: Date | undefined, until: Date, tie: string): Stretch {
  return { from: from?.toISOString() ?? '-infinity', at: until.toISOString(), tie };
}
