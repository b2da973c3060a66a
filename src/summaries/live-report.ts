import { type RawBuilder, sql } from 'kysely';
import { assert } from '../core/errors.ts';
import type { Calendar } from '../core/quarter.ts';
import { boundedRead } from '../db/bounded-read.ts';
import { type LiveDay, type LiveDays, readWithLiveDays } from '../db/live-days.ts';
import type { Db } from '../db/schema.ts';

/**
 * Reads a report of days by one statement, whose only row has its lines and the marked days that it was not told of. Where it counts
 * rows it is bounded, for a day may have any number of them; of what is summed up there is little.
 *
 * @throws AppError busy/read_too_slow
 */
export function readLiveReport<T extends { readonly missed: readonly string[] }>(
  house: { readonly db: Db; readonly calendar: Calendar },
  statement: (days: LiveDays) => RawBuilder<T>,
): Promise<{ readonly result: T; readonly stale: readonly string[] }> {
  return readWithLiveDays(house, async (days) => {
    const run = (on: Db) => statement(days).execute(on);
    const { rows } = days.live.length > 0 ? await boundedRead(house.db, run) : await run(house.db);
    const [row] = rows;
    assert(row !== undefined, 'a report is one row, with or without lines');
    return row;
  });
}

/** The days to count as rows (day, starts_at, ends_at), to be put behind FROM. */
export function liveSpans(live: readonly LiveDay[]): RawBuilder<unknown> {
  return sql`unnest(${live.map(({ day }) => day)}::date[], ${live.map(({ start }) => start.toISOString())}::timestamptz[],
    ${live.map(({ end }) => end.toISOString())}::timestamptz[])`;
}
