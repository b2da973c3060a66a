import { sql } from 'kysely';
import { openDiskStore } from '../../src/archive/disk-store.ts';
import type { Store } from '../../src/archive/store.ts';
import { fixedClock } from '../../src/core/clock.ts';
import { calendar } from '../../src/core/quarter.ts';
import { openDatabase } from '../../src/db/database.ts';
import type { Db } from '../../src/db/schema.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse, QuarterRun } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { ways } from '../support/ways.ts';
import { sumUp } from './support-summaries.ts';

export const run: QuarterRun = { actor: 'ada', reason: 'year-end' };

/** A house with a store in a directory. */
export function openArchiveHouse(
  url: string,
  directory: string,
  options: { readonly store?: Store; readonly zone?: string; readonly partBytes?: number } = {},
): QuarterHouse {
  return {
    database: openDatabase({ ...ways(url), poolMax: 5, applicationName: 'test-archive' }),
    store: options.store ?? openDiskStore(directory),
    calendar: calendar(options.zone ?? 'UTC'),
    clock: fixedClock('2026-05-05T12:00:00.123Z'),
    ledgerSet: 'ledger',
    premakeQuarters: 1,
    version: '0.0.0-test',
    oldest: new Date('2000-01-01T00:00:00Z'),
    archiveApproval: 'auto',
    restoreDays: 14,
    ...(options.partBytes === undefined ? {} : { partBytes: options.partBytes }),
  };
}

/** Texts that have gone wrong on the way through a CSV before. */
export const nastyTexts = [
  null,
  '',
  ' ',
  'plain',
  '"',
  '""',
  "it's",
  'a,b',
  'line\nbreak',
  'line\r\nbreak\r',
  '\\N',
  '\\',
  '\\"',
  'NULL',
  '\t',
  '\u0001\u001e\u001f\u007f',
  '1,2\n3,"4',
  'Zażółć gęślą jaźń',
  '漢字 😀 e\u0301',
  '{1,2}',
];

const nastyDocuments = [
  null,
  {},
  [],
  '',
  { 'a"b': 'c\\d', 'e\nf': ['\u0001', '😀', null, true, -0.5, 1e30] },
  { text: 'x,y\n"z"', nested: { deep: [[[]]], zero: 0 } },
];

export interface Payments {
  readonly quarter: string;
  readonly transactions: number;
}

/**
 * Two ledgers, one of them in two currencies, with payments in each of the quarters: some with a fee, so that they
 * have three entries, some failed, and all with values that are hard to carry. They are booked and not closed.
 */
export async function bookNastyPayments(house: QuarterHouse, payments: readonly Payments[]): Promise<void> {
  const db = house.database.write;
  const ranges = payments.map(({ quarter }) => house.calendar.quarter(quarter));
  const [first, last] = [ranges[0], ranges.at(-1)];
  if (first === undefined || last === undefined) throw new Error('no quarter was named');
  await ensureQuarters(house, run, first.start, new Date(last.end.getTime() - 1));
  for (const [name, currencies] of [
    ['council', ['GBP']],
    ['shop', ['EUR', 'JPY']],
  ] as const) {
    const ledger = await createAccounts(db, name, currencies);
    for (const { quarter, transactions } of payments) {
      const { start, end } = house.calendar.quarter(quarter);
      for (const currency of currencies) {
        await book(db, { ledger, currency, start, end, transactions: Math.ceil(transactions / 3) });
      }
      await sumUp(db, ledger, start, end);
    }
  }
}

export async function closeQuarters(house: QuarterHouse, quarters: readonly string[]): Promise<void> {
  for (const quarter of quarters) await closeQuarter(house, run, quarter);
}

async function createAccounts(db: Db, name: string, currencies: readonly string[]): Promise<number> {
  const { id } = await db
    .insertInto('ledger.ledgers')
    .values({ name })
    .returning('id')
    .executeTakeFirstOrThrow();
  await sql`
    INSERT INTO ledger.accounts (ledger_id, entity_id, group_type, currency, name)
    SELECT ${id}, 'user-' || n, 'WALLET', currency, coalesce((${texts()}::text[])[1 + n % 19], '')
    FROM generate_series(1, 500) AS n, unnest(${currencies}::text[]) AS currency`.execute(db);
  await sql`
    INSERT INTO ledger.balances (ledger_id, account_id, min_balance)
    SELECT ledger_id, id, NULL FROM ledger.accounts WHERE ledger_id = ${id}`.execute(db);
  return id;
}

interface Booking {
  readonly ledger: number;
  readonly currency: string;
  readonly start: Date;
  readonly end: Date;
  readonly transactions: number;
}

async function book(db: Db, { ledger, currency, start, end, transactions }: Booking): Promise<void> {
  await db.transaction().execute(async (trx) => {
    // Every 50th fails, for want of a target that has ever moved; every tenth pays a fee to the first account.
    await sql`
      CREATE TEMPORARY TABLE payment ON COMMIT DROP AS
      SELECT n, gen_random_uuid() AS id, CASE n % 50 WHEN 7 THEN 'FAILED' ELSE 'SUCCESS' END AS status,
             (1 + n % 1000)::bigint * CASE n WHEN 3 THEN 1000000000000000 ELSE 1 END AS amount,
             CASE n % 10 WHEN 9 THEN 1 ELSE 0 END AS fee,
             date_trunc('milliseconds', ${start}::timestamptz
               + (${end}::timestamptz - ${start}::timestamptz) * ((n - 1)::float8 / ${transactions})) AS at,
             accounts[2 + n * 7 % (size - 2)] AS source,
             CASE n % 50 WHEN 7 THEN accounts[size]
                  ELSE accounts[2 + (n * 7 + 1 + n % 3) % (size - 2)] END AS target,
             accounts[1] AS house
      FROM generate_series(1, ${transactions}::int) AS n,
           (SELECT array_agg(id ORDER BY id) AS accounts, count(*)::int AS size
            FROM ledger.accounts WHERE ledger_id = ${ledger} AND currency = ${currency}) AS a`.execute(trx);
    await sql`
      INSERT INTO ledger.transactions (ledger_id, created_at, id, user_id, status, currency, amount, reference_code,
        description, effective_at, reverses, settles, account_ids, metadata)
      SELECT ${ledger}, at, id, coalesce(texts[1 + n % size], ''), status, ${currency}, amount,
             texts[1 + (n / 3) % size], texts[1 + (n / 7) % size] || repeat('.', n % 13),
             CASE WHEN n % 4 = 0 THEN '1903-02-03 04:05:06.789+00'::timestamptz + n * interval '1.001 s' END,
             CASE WHEN n % 9 = 0 THEN gen_random_uuid() END, CASE WHEN n % 11 = 0 THEN id END,
             CASE WHEN n % 50 = 7 AND n % 4 = 0 THEN '{}' WHEN fee > 0 THEN ARRAY[source, target, house]
                  ELSE ARRAY[source, target] END,
             (SELECT d FROM jsonb_array_elements(${documents()}::jsonb) WITH ORDINALITY AS e (d, i)
              WHERE i = 1 + n % ${nastyDocuments.length} AND d <> 'null')
      FROM payment, (SELECT ${texts()}::text[] AS texts, ${nastyTexts.length}::int AS size) AS t`.execute(
      trx,
    );
    await sql`
      CREATE TEMPORARY TABLE side ON COMMIT DROP AS
      SELECT s.account_id, p.at, p.id, s.amount,
             b.version + row_number() OVER account AS version, b.posted + sum(s.amount) OVER account AS balance
      FROM payment AS p
      CROSS JOIN LATERAL (VALUES (p.source, -p.amount, 0), (p.target, p.amount - p.fee, 1), (p.house, p.fee::bigint, 2))
        AS s (account_id, amount, side)
      JOIN ledger.balances AS b ON b.ledger_id = ${ledger} AND b.account_id = s.account_id
      WHERE s.amount <> 0 AND p.status = 'SUCCESS'
      WINDOW account AS (PARTITION BY s.account_id ORDER BY p.n, s.side)`.execute(trx);
    await sql`
      INSERT INTO ledger.entries (ledger_id, account_id, created_at, version, transaction_id, amount, balance_after)
      SELECT ${ledger}, account_id, at, version, id, amount, balance FROM side ORDER BY at, id, amount`.execute(
      trx,
    );
    await sql`
      UPDATE ledger.balances AS b
      SET posted = b.posted + s.total, version = b.version + s.entries, last_entry_at = s.at
      FROM (SELECT account_id, sum(amount) AS total, count(*) AS entries, max(at) AS at FROM side GROUP BY 1) AS s
      WHERE b.ledger_id = ${ledger} AND b.account_id = s.account_id`.execute(trx);
  });
}

function texts() {
  return [...nastyTexts];
}

function documents() {
  return JSON.stringify(nastyDocuments);
}
