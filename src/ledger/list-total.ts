import { type Span, wholeDays } from '../core/days.ts';
import type { Calendar } from '../core/quarter.ts';
import { boundedRead } from '../db/bounded-read.ts';
import { type LiveDays, readWithLiveDays } from '../db/live-days.ts';
import { readOfflineQuarters } from '../db/offline-quarters.ts';
import type { Db } from '../db/schema.ts';
import { instantArray, plainArray } from './arrays.ts';
import type { TransactionFilter } from './list-filter.ts';
import { query } from './query.ts';

/** How many there are; `exact: false` where there are at least so many. */
export interface TransactionTotal {
  readonly count: bigint;
  readonly exact: boolean;
}

interface CountRow {
  /** numeric, as text. */
  readonly found: string;
  readonly missed: readonly string[];
}

const summedDays = query<CountRow>('summed_days');
const summedDaysOfUser = query<CountRow>('summed_days_of_user');
const countDays = query<CountRow>('count_days');
const countDaysOfUser = query<CountRow>('count_days_of_user');

/** No day, for a range that has none. */
const NONE = { first: 'infinity', before: 'infinity' };

/**
 * How many transactions a ledger or one of its users has, archived quarters included: whole days as they are summed up, for
 * ever, and days that are marked, or only in part in the range, by their rows. It is not exact where such rows are
 * not online, or more days are marked than one answer counts; then there are at least so many, for rows are only added.
 *
 * @throws AppError invalid/instant_out_of_range, busy/read_too_slow
 */
export async function readTotal(
  house: { readonly db: Db; readonly calendar: Calendar },
  ledgerId: number,
  filter: TransactionFilter,
): Promise<TransactionTotal> {
  const { db, calendar } = house;
  const { from, to, userId, status, currency } = filter;
  const { days, edges } = wholeDays(calendar, from, to);
  const range = days ?? NONE;

  const [first, before] = [range.first ?? '-infinity', range.before ?? 'infinity'];
  const user = userId === undefined ? [] : [userId];

  async function count({ live, stale }: LiveDays): Promise<CountRow> {
    const spans: Span[] = [...live, ...edges];
    const [row] =
      spans.length === 0 && stale.length === 0 ? await countSummed() : await countAll(spans, live, stale);
    return row ?? { found: '0', missed: [] };
  }

  function countSummed() {
    const parameters = [ledgerId, first, before, status ?? null, currency ?? null];
    return user.length === 0 ? summedDays(db, parameters) : summedDaysOfUser(db, [...parameters, ...user]);
  }

  /** A day may have any number of rows; of what is summed up there is little. */
  function countAll(spans: readonly Span[], live: LiveDays['live'], stale: readonly string[]) {
    const liveDays = live.map(({ day }) => day);
    const parameters = [
      ledgerId,
      first,
      before,
      plainArray(liveDays),
      plainArray([...liveDays, ...stale]),
      instantArray(spans.map(({ start }) => start)),
      instantArray(spans.map(({ end }) => end)),
    ];
    const statuses = status === undefined ? '{SUCCESS,FAILED}' : plainArray([status]);
    return boundedRead(db, (on) =>
      user.length === 0
        ? countDays(on, [...parameters, status ?? null, currency ?? null])
        : countDaysOfUser(on, [...parameters, statuses, currency ?? null, ...user]),
    );
  }

  const { result, stale } = await readWithLiveDays(house, count);
  let exact = stale.length === 0;
  for (const { start, end } of edges) {
    if ((await readOfflineQuarters(db, start, end)).length > 0) exact = false;
  }
  return { count: BigInt(result.found), exact };
}
