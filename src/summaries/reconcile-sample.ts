import { sql } from 'kysely';
import { dayAfter, spanOfDay } from '../core/days.ts';
import { AppError } from '../core/errors.ts';
import type { Calendar, Quarter } from '../core/quarter.ts';
import type { Db } from '../db/schema.ts';
import type { LedgerDay } from './daily.ts';
import { isAttached } from './refresh-chunk.ts';

export interface SampleOptions {
  readonly db: Db;
  readonly calendar: Calendar;
  readonly now: Date;
  /** Days of a ledger to take at random, beside yesterday of every ledger. */
  readonly days: number;
  /** All days of this quarter instead, of every ledger. */
  readonly quarter?: string | undefined;
  /** In [0, 1), as Math.random. */
  readonly random: () => number;
}

/** So many ledgers have their yesterday looked at in one run; of more it is those that chance picks. */
const MOST_LEDGERS = 2000;

/**
 * Days of ledgers in quarters that are attached, each once, by quarter. Half of those at random are taken among the days that
 * have totals, which most differences concern; the others among all days there are, for a day may lack all of its rows.
 * The same random numbers on the same data give the same sample.
 *
 * @throws AppError not_found/no_such_quarter, conflict/quarter_state, refused/partition_not_attached: of the one asked for
 */
export async function sampleDays(
  options: SampleOptions,
): Promise<{ readonly quarter: Quarter; readonly days: readonly LedgerDay[] }[]> {
  const { db, calendar, now, random } = options;
  const ledgers = await db.selectFrom('ledger.ledgers').select('id').orderBy('id').execute();
  const ids = shuffled(
    ledgers.map(({ id }) => id),
    random,
  ).slice(0, MOST_LEDGERS);
  const today = calendar.dayOf(now);
  if (options.quarter !== undefined) {
    const quarter = await onlineQuarter(options, options.quarter);
    const all = daysUntil(calendar, quarter, dayAfter(today)).flatMap((day) =>
      ledgers.map(({ id }) => ({ ledgerId: id, day, ...spanOfDay(calendar, day) })),
    );
    return [{ quarter, days: all }];
  }
  const quarters = await attachedQuarters(db, calendar, now);
  const days = quarters.flatMap((quarter) => daysUntil(calendar, quarter, today));
  const wanted = new Map<string, { ledgerId: number; day: string }>();
  const want = (ledgerId: number, day: string) => wanted.set(`${ledgerId} ${day}`, { ledgerId, day });
  const yesterday = calendar.dayOf(new Date(calendar.startOfDay(today).getTime() - 1));
  if (days.includes(yesterday)) for (const id of ids) want(id, yesterday);
  const known = await knownDays(options, days, Math.floor(options.days / 2));
  for (const { ledgerId, day } of known) want(ledgerId, day);
  for (let n = known.length; n < options.days && days.length > 0 && ids.length > 0; n++)
    want(pick(ids, random), pick(days, random));
  return quarters.flatMap((quarter) => {
    const found = [...wanted.values()].filter(
      ({ day }) => calendar.quarterOf(calendar.startOfDay(day)).name === quarter.name,
    );
    return found.length === 0
      ? []
      : [{ quarter, days: found.map((one) => ({ ...one, ...spanOfDay(calendar, one.day) })) }];
  });
}

/** What was asked for by name and cannot be looked at must not look like what is right. */
async function onlineQuarter({ db, calendar, now }: SampleOptions, name: string): Promise<Quarter> {
  const row = await db
    .selectFrom('quartermaster.quarters')
    .select(['state', 'starts_at'])
    .where('quarter', '=', name)
    .executeTakeFirst();
  if (row === undefined) {
    const detail = `There is no quarter ${name}. \`quartermaster quarters list\` shows those there are.`;
    throw new AppError('not_found', 'no_such_quarter', detail);
  }
  const { state, starts_at } = row;
  if (state === 'detached' || state === 'dropped') {
    const detail = `${name} is ${state}, so that its summaries have no rows to be held against. Restore it first: \`quartermaster quarters restore ${name}\`.`;
    throw new AppError('conflict', 'quarter_state', detail);
  }
  if (state === 'planned' || starts_at > now) {
    const detail = `${name} is ${state} and begins at ${starts_at.toISOString()}. There is nothing to look at before.`;
    throw new AppError('conflict', 'quarter_state', detail);
  }
  const quarter = calendar.quarter(name);
  if (await isAttached(db, quarter)) return quarter;
  const detail = `${name} is ${state}, and not all of its partitions are attached. Where it is on its way out it cannot be looked at; otherwise run \`quartermaster run reconcile-partitions\`.`;
  throw new AppError('refused', 'partition_not_attached', detail);
}

/** Those whose rows can be counted now, oldest first. */
export async function attachedQuarters(db: Db, calendar: Calendar, now: Date): Promise<Quarter[]> {
  const rows = await db
    .selectFrom('quartermaster.quarters')
    .select('quarter')
    .where('state', 'in', ['open', 'closed', 'archived', 'restored'])
    .where('starts_at', '<=', now)
    .orderBy('quarter')
    .execute();
  const attached: Quarter[] = [];
  for (const { quarter: name } of rows) {
    const quarter = calendar.quarter(name);
    if (await isAttached(db, quarter)) attached.push(quarter);
  }
  return attached;
}

/** The days of the quarter before this one. Of a sample that is today, for it is being posted to. */
function daysUntil(calendar: Calendar, { start, end }: Quarter, before: string): string[] {
  const days: string[] = [];
  for (let day = calendar.dayOf(start); day < calendar.dayOf(end) && day < before; day = dayAfter(day))
    days.push(day);
  return days;
}

/** Days with totals, in an order that a number from the random source makes. */
async function knownDays(
  { db, random }: SampleOptions,
  days: readonly string[],
  most: number,
): Promise<readonly { ledgerId: number; day: string }[]> {
  const seed = Math.floor(random() * 2 ** 31);
  if (days.length === 0 || most === 0) return [];
  const { rows } = await sql<{ ledgerId: number; day: string }>`
    SELECT ledger_id AS "ledgerId", day
    FROM ledger.daily_totals
    WHERE ledger_id IN (SELECT id FROM ledger.ledgers) AND day = ANY (${[...days]}::date[])
    GROUP BY ledger_id, day
    ORDER BY hashtextextended(ledger_id || ' ' || day, ${seed}::bigint), ledger_id, day
    LIMIT ${most}`.execute(db);
  return rows;
}

function pick<T>(from: readonly T[], random: () => number): T {
  return from[Math.floor(random() * from.length)] as T;
}

/** Fisher and Yates. */
function shuffled<T>(given: readonly T[], random: () => number): T[] {
  const all = [...given];
  for (let last = all.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [all[last], all[other]] = [all[other] as T, all[last] as T];
  }
  return all;
}
