import { type RawBuilder, sql } from 'kysely';
import { dayAfter } from '../core/days.ts';
import { assert } from '../core/errors.ts';
import type { Calendar, Quarter } from '../core/quarter.ts';
import { quarterTables } from '../core/tables.ts';
import { partitionSql } from '../db/partition.ts';
import { withoutLoops } from '../db/planner.ts';
import type { Trx } from '../db/schema.ts';

/** A day of a ledger, and the instants it goes from and to. */
export interface LedgerDay {
  readonly ledgerId: number;
  readonly day: string;
  readonly start: Date;
  readonly end: Date;
}

/** An entry takes about that many bytes of its table. */
const ENTRY_BYTES = 96;

/** To look up the accounts of one transaction takes as long as reading so many entries one behind the other; measured. */
const PROBE_COST = 50;

/** The days as rows (ledger_id, day, starts_at, ends_at). */
export function asRows(days: readonly LedgerDay[]): RawBuilder<unknown> {
  return sql`unnest(
    ${days.map(({ ledgerId }) => ledgerId)}::integer[], ${days.map(({ day }) => day)}::date[],
    ${days.map(({ start }) => start)}::timestamptz[], ${days.map(({ end }) => end)}::timestamptz[]
  ) AS d (ledger_id, day, starts_at, ends_at)`;
}

/**
 * Counts days of a quarter from its rows into two temporary tables of this transaction: `counted_transactions`, a row a
 * user, currency and status of a day, and `counted_accounts`, a row an account that moved on a day. All of the summaries is
 * made from these. What is stored under the same key stands beside it (`stored_…`, null where nothing is), so that it is looked
 * up once. The quarter's partitions are read by their own names, so that no other is planned, and a detach that begins
 * meanwhile takes no rows away.
 */
export async function countDays(
  trx: Trx,
  calendar: Calendar,
  quarter: Quarter,
  days: readonly LedgerDay[],
): Promise<void> {
  // For sorts and hashes of this transaction alone; what needs more goes through files.
  await sql`SELECT set_config('work_mem', '64MB', true)`.execute(trx);
  await withoutLoops(trx, () => countTransactions(trx, quarter, days));
  await countAccounts(trx, calendar, quarter, days);
}

/** LATERAL makes it one range of the key for each day, however much else the quarter holds. */
async function countTransactions(trx: Trx, quarter: Quarter, days: readonly LedgerDay[]): Promise<void> {
  await sql`
    CREATE TEMPORARY TABLE counted_transactions ON COMMIT DROP AS
    SELECT d.ledger_id, d.day, t.user_id, t.currency, t.status, t.transaction_count, t.total_amount,
           s.transaction_count AS stored_count, s.total_amount AS stored_amount
    FROM ${asRows(days)}
    CROSS JOIN LATERAL (
      SELECT user_id, currency, status, count(*) AS transaction_count, sum(amount)::bigint AS total_amount
      FROM ${partitionOf('transactions', quarter)}
      WHERE ledger_id = d.ledger_id AND created_at >= d.starts_at AND created_at < d.ends_at
      GROUP BY user_id, currency, status
    ) AS t
    LEFT JOIN ledger.daily_transaction_summary AS s
      ON s.ledger_id = d.ledger_id AND s.day = d.day AND s.user_id = t.user_id AND s.currency = t.currency
      AND s.status = t.status AND ${storedOf(days, 's', 'day')}`.execute(trx);
}

/**
 * Of a few transactions the accounts are named, and each is one range of the key; of more that is slower than to read all
 * entries from the first day to the last one behind the other, as they lie. What is stored is looked up in the order
 * of its key, row by row: where the rows of one day lie depends on how they came there.
 */
async function countAccounts(
  trx: Trx,
  calendar: Calendar,
  quarter: Quarter,
  days: readonly LedgerDay[],
): Promise<void> {
  const { rows } = await sql<{ probes: number; entries: number }>`
    SELECT coalesce((SELECT sum(transaction_count) FROM pg_temp.counted_transactions WHERE status = 'SUCCESS'), 0)::float8
             AS probes,
           pg_relation_size(${partitionText('entries', quarter)}::regclass)::float8 / ${ENTRY_BYTES}::float8 AS entries`.execute(
    trx,
  );
  const { probes = 0, entries = 0 } = rows[0] ?? {};
  const isFew = probes * PROBE_COST < entries * partOfQuarter(quarter, days);
  const counted = isFew ? countedByAccount(quarter, days) : countedInOneGo(calendar, quarter, days);
  await sql`
    CREATE TEMPORARY TABLE counted_accounts ON COMMIT DROP AS
    SELECT c.ledger_id, c.day, c.account_id, c.entry_count, c.debits, c.credits, c.closing_balance,
           s.closing_balance AS stored_balance
    FROM (${counted} ORDER BY ledger_id, account_id, day) AS c
    LEFT JOIN LATERAL (
      SELECT closing_balance FROM ledger.daily_balances
      WHERE ledger_id = c.ledger_id AND account_id = c.account_id AND snapshot_date = c.day
      LIMIT 1
    ) AS s ON true`.execute(trx);
}

/** From the first day to the last, of all of the quarter's time. */
function partOfQuarter(quarter: Quarter, days: readonly LedgerDay[]): number {
  const first = Math.min(...days.map(({ start }) => start.getTime()));
  const last = Math.max(...days.map(({ end }) => end.getTime()));
  return (last - first) / (quarter.end.getTime() - quarter.start.getTime());
}

/** True of the stored rows of the days and of few others, so that PostgreSQL need not look at all there are. */
export function storedOf(
  days: readonly LedgerDay[],
  table: string,
  day: 'day' | 'snapshot_date',
): RawBuilder<unknown> {
  return sql`${sql.ref(`${table}.ledger_id`)} = ANY (${[...new Set(days.map(({ ledgerId }) => ledgerId))]}::integer[])
    AND ${sql.ref(`${table}.${day}`)} = ANY (${[...new Set(days.map((one) => one.day))]}::date[])`;
}

/**
 * What entries come to. The balance at the end is that of the highest version, for versions rise with time. Sums are numeric, which
 * has an end only so that the table needs no second one for what is too long.
 */
const moves = sql`
  count(*) AS entry_count,
  coalesce(-sum(e.amount) FILTER (WHERE e.amount < 0), 0)::numeric(38, 0) AS debits,
  coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0)::numeric(38, 0) AS credits,
  (max(ARRAY[e.version, e.balance_after]))[2] AS closing_balance`;

function countedByAccount(quarter: Quarter, days: readonly LedgerDay[]): RawBuilder<unknown> {
  return sql`
    SELECT d.ledger_id, d.day, a.account_id, m.entry_count, m.debits, m.credits, m.closing_balance
    FROM ${asRows(days)}
    CROSS JOIN LATERAL (
      SELECT DISTINCT moved.account_id
      FROM ${partitionOf('transactions', quarter)} AS t CROSS JOIN unnest(t.account_ids) AS moved (account_id)
      WHERE t.ledger_id = d.ledger_id AND t.created_at >= d.starts_at AND t.created_at < d.ends_at
        AND t.status = 'SUCCESS'
    ) AS a
    CROSS JOIN LATERAL (
      SELECT ${moves}
      FROM ${partitionOf('entries', quarter)} AS e
      WHERE e.ledger_id = d.ledger_id AND e.account_id = a.account_id
        AND e.created_at >= d.starts_at AND e.created_at < d.ends_at
    ) AS m
    WHERE m.entry_count > 0`;
}

/** The day of an entry is looked up among all days from the first to the last. */
function countedInOneGo(
  calendar: Calendar,
  quarter: Quarter,
  days: readonly LedgerDay[],
): RawBuilder<unknown> {
  const names = days.map(({ day }) => day).sort();
  const [first, last] = [names[0], names.at(-1)];
  assert(first !== undefined && last !== undefined, 'there are no days to count');
  const all: string[] = [];
  for (let day = first; day <= last; day = dayAfter(day)) all.push(day);
  const starts = all.map((day) => calendar.startOfDay(day));
  return sql`
    SELECT e.ledger_id, e.day, e.account_id, ${moves}
    FROM (
      SELECT ledger_id, account_id, version, amount, balance_after,
             (${all}::date[])[width_bucket(created_at, ${starts}::timestamptz[])] AS day
      FROM ${partitionOf('entries', quarter)}
      WHERE created_at >= ${starts[0]} AND created_at < ${calendar.startOfDay(dayAfter(last))}
    ) AS e
    WHERE (e.ledger_id, e.day) IN (SELECT d.ledger_id, d.day FROM ${asRows(days)})
    GROUP BY e.ledger_id, e.day, e.account_id`;
}

function partitionOf(name: 'entries' | 'transactions', quarter: Quarter): RawBuilder<unknown> {
  return sql.raw(partitionText(name, quarter));
}

function partitionText(name: 'entries' | 'transactions', quarter: Quarter): string {
  const table = quarterTables.find((one) => one.name === name);
  assert(table, `${name} is not kept in quarters`);
  return partitionSql(table, quarter.name);
}
