import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Schema } from '../../src/db/schema.ts';
import { getTypeParser } from '../../src/db/type-parsers.ts';
import { refreshSummaries } from '../../src/summaries/refresh.ts';
import { type Book, openBook } from '../ledger/fixture.ts';

interface Node {
  readonly 'Node Type': string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Join Filter'?: number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly Node[];
}

const USERS = 3000;
/** A day on which nothing was booked when the tables were last analyzed, so that the planner believes it to be empty. */
const TODAY = '2026-11-21';
const OLD_DAYS = "generate_series(timestamptz '2026-10-01 12:00Z', '2026-11-20 12:00Z', '1 day')";

let book: Book;
let pool: pg.Pool;
const plans: { readonly 'Query Text': string; readonly Plan: Node }[] = [];

beforeAll(async () => {
  book = await openBook();
  await book.ensureQuarters(new Date('2026-10-01'), new Date('2026-12-31'));
  await fill(1, 100, OLD_DAYS);
  await refreshSummaries({ database: book.database, calendar: book.calendar });
  await sql`VACUUM ANALYZE`.execute(book.database.direct);
  const url = new URL(book.adminUrl);
  const settings = [
    'session_preload_libraries=auto_explain',
    'auto_explain.log_min_duration=0',
    'auto_explain.log_analyze=on',
    'auto_explain.log_timing=off',
    'auto_explain.log_format=json',
    'auto_explain.log_level=notice',
  ];
  url.searchParams.set('options', settings.map((setting) => `-c ${setting}`).join(' '));
  pool = new pg.Pool({ connectionString: url.href, max: 2, types: { getTypeParser } });
  pool.on('connect', (client) =>
    client.on('notice', ({ message }) => {
      const json = /\{[\s\S]*\}/.exec(message ?? '')?.[0];
      if (json !== undefined) plans.push(JSON.parse(json));
    }),
  );
});
afterAll(async () => {
  await pool.end();
  await book.close();
});

/** A transaction of each of these users on each of these days, as posting would have left it. */
async function fill(first: number, last: number, days: string): Promise<void> {
  const users = `generate_series(${first}, ${last}) AS n, (SELECT ${days} AS at) AS days`;
  await sql
    .raw(
      `INSERT INTO ledger.transactions (ledger_id, created_at, id, user_id, status, currency, amount, account_ids)
       SELECT 1, at + n * interval '1 ms', gen_random_uuid(), 'user-' || n, 'SUCCESS', 'EUR', n, ARRAY[n, 100000 + n]
       FROM ${users};
       INSERT INTO ledger.entries (ledger_id, account_id, created_at, version, transaction_id, amount, balance_after)
       SELECT 1, account, at + n * interval '1 ms', n, gen_random_uuid(), 1, n
       FROM ${users}, LATERAL (VALUES (n), (100000 + n)) AS sides (account);
       INSERT INTO quartermaster.summary_marks (ledger_id, day) SELECT 1, at::date FROM (SELECT ${days} AS at) AS days`,
    )
    .execute(book.db);
}

it('of a day that the planner knows nothing of is as much work as it has rows', async () => {
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  const database = { ...book.database, write: db, direct: db };
  // New rows, new ones beside those, and others of the same users: inserts and updates.
  for (const [last, hour] of [
    [USERS, '12:00'],
    [2 * USERS, '12:00'],
    [2 * USERS, '13:00'],
  ] as const) {
    await fill(last - USERS + 1, last, `timestamptz '${TODAY} ${hour}Z'`);
    plans.length = 0;
    await refreshSummaries({ database, calendar: book.calendar });
    expect(plans.length).toBeGreaterThan(5);
    const most = plans
      .map((plan) => ({ looked: lookedAt(plan.Plan), text: plan['Query Text'] }))
      .reduce((a, b) => (a.looked > b.looked ? a : b));
    // A row is passed on by a few nodes; pairs of rows would be some millions.
    expect(most.looked, most.text).toBeLessThan(100 * USERS);
  }
});

/** Rows that any node of the plan gave, or had in hand and passed over. */
function lookedAt(node: Node): number {
  const passed = (node['Rows Removed by Join Filter'] ?? 0) + (node['Rows Removed by Filter'] ?? 0);
  const own = (node['Actual Rows'] + passed) * node['Actual Loops'];
  return own + (node.Plans ?? []).reduce((sum, child) => sum + lookedAt(child), 0);
}
