import pg from 'pg';
import { calendar as calendarOf } from '../src/core/quarter.ts';
import { openDatabase } from '../src/db/database.ts';
import { createAccountNames } from '../src/ledger/account-names.ts';
import { listTransactions } from '../src/ledger/list.ts';
import { readStatement } from '../src/ledger/statement.ts';
import { readTransactionOrReservation } from '../src/ledger/transactions.ts';
import { readDaily } from '../src/summaries/report.ts';
import type { Bench } from './bench.ts';
import { getTypeParser } from './database.ts';
import { createRandom } from './distributions.ts';
import type { Data } from './read-data.ts';
import * as naive from './read-naive.ts';
import { ACCOUNTS } from './read-rows.ts';

/** One thing to read, in two ways that must give the same answer. */
export interface Contest {
  readonly figure: string;
  readonly goal: number | null;
  /** What is asked for, one after the other. */
  readonly keys: readonly string[];
  ours(key: string): Promise<unknown>;
  naive(key: string): Promise<unknown>;
  /** Both answers to one key, brought into one form. */
  answers(key: string): Promise<readonly [ours: unknown, naive: unknown]>;
}

const LEDGER = 1;
const PAGE = 50;
const PAGES_BEFORE = 999;
const LINES = 100;
const DAY = 24 * 60 * 60 * 1000;

/** The contests over one database, with connections of their own on both sides. */
export async function openContests(bench: Bench, data: Data): Promise<readonly Contest[]> {
  const calendar = calendarOf('UTC');
  const database = openDatabase({ databaseUrl: data.url, applicationName: 'bench' });
  bench.onEnd(() => database.close());
  const pool = new pg.Pool({ connectionString: data.url, max: 10, types: { getTypeParser } });
  pool.on('error', () => {});
  bench.onEnd(() => pool.end());
  const db = database.read;
  const house = { db, calendar };
  const names = createAccountNames();

  const start = new Date(Number(data.span.start));
  const end = new Date(Number(data.span.start + data.span.length));
  // A month that lies back some time, and not at a border of quarters or months.
  const month = { from: new Date(end.getTime() - 200 * DAY), to: new Date(end.getTime() - 170 * DAY) };
  const random = createRandom(data.rows);
  const busy = Array.from({ length: 10 }, (_, index) => `user-${1 + index}`);
  const quiet = Array.from({ length: 200 }, () => `user-${1000 + Math.floor(random() * (ACCOUNTS - 1000))}`);
  const [busiest] = busy as [string];
  const ids = await someIds(pool, start, data, random);

  const list = (userId: string | undefined, more: { cursor?: string; includeTotal?: boolean } = {}) =>
    listTransactions(house, LEDGER, {
      ...(userId === undefined ? {} : { userId, status: 'SUCCESS' as const }),
      limit: PAGE,
      ...more,
    });
  const cursors = new Map<string | undefined, string>();
  for (const userId of [busiest, undefined])
    cursors.set(userId, await cursorAfter(PAGES_BEFORE, list, userId));
  const userOf = (key: string) => (key === '' ? undefined : key);
  const idsOf = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id);

  const firstPage = (figure: string, goal: number | null, keys: readonly string[]) =>
    contest({
      figure,
      goal,
      keys,
      ours: (key) => list(key),
      naive: (key) => naive.naiveList(pool, { userId: key, limit: PAGE, offset: 0 }),
      say: ({ transactions }) => idsOf(transactions),
      naiveSay: idsOf,
    });
  const page1000 = (figure: string, goal: number | null, key: string) =>
    contest({
      figure,
      goal,
      keys: [key],
      ours: () => list(userOf(key), { cursor: cursors.get(userOf(key)) as string }),
      naive: () => naive.naiveList(pool, { userId: userOf(key), limit: PAGE, offset: PAGE * PAGES_BEFORE }),
      say: ({ transactions }) => idsOf(transactions),
      naiveSay: idsOf,
    });
  const total = (figure: string, goal: number | null, keys: readonly string[]) =>
    contest({
      figure,
      goal,
      keys,
      ours: (key) => list(userOf(key), { includeTotal: true }),
      naive: (key) => naive.naiveListWithTotal(pool, { userId: userOf(key), limit: PAGE, offset: 0 }),
      say: (page) => [String(page.total?.count), page.total?.exact, ...idsOf(page.transactions)],
      naiveSay: (page) => [String(page.total), true, ...idsOf(page.rows)],
    });
  const statement = (figure: string, goal: number | null, keys: readonly string[]) =>
    contest({
      figure,
      goal,
      keys,
      ours: (key) => readStatement(house, LEDGER, { account: `${key}:WALLET`, ...month, limit: LINES }),
      naive: (key) => naive.naiveStatement(pool, { userId: key, ...month, limit: LINES }),
      say: ({ opening, closing, lines }) => [
        [String(opening), String(closing)],
        ...lines.map((line) => [line.transactionId, String(line.amount), String(line.balanceAfter)]),
      ],
      naiveSay: ({ opening, closing, lines }) => [
        [opening, closing],
        ...lines.map((line) => [line.transaction_id, String(line.amount), line.running]),
      ],
    });
  return [
    firstPage('read.first_page', 1, busy),
    firstPage('read.first_page.quiet', null, quiet),
    page1000('read.page1000', 100, busiest),
    page1000('read.page1000.ledger', null, ''),
    total('read.total', 100, ['']),
    total('read.total.user', null, busy),
    statement('read.statement', 1, busy),
    statement('read.statement.quiet', null, quiet),
    contest({
      figure: 'read.by_id',
      goal: 1,
      keys: ids,
      ours: (id) => readTransactionOrReservation(db, LEDGER, id, names),
      naive: (id) => naive.naiveById(pool, id),
      say: (found) => [
        found?.id,
        String(found?.amount),
        found?.entries.map((entry) => `${entry.account} ${entry.amount}`).sort(),
      ],
      naiveSay: ({ transaction, entries }) => [
        transaction?.id,
        String(transaction?.amount),
        entries.map((entry) => `${entry.entity_id}:WALLET ${entry.amount}`).sort(),
      ],
    }),
    contest({
      figure: 'read.report',
      goal: 100,
      keys: [''],
      ours: () =>
        readDaily(house, LEDGER, {
          from: calendar.dayOf(start),
          to: calendar.dayOf(new Date(end.getTime() - 1)),
          groupBy: 'day',
        }),
      naive: () => naive.naiveReport(pool, start, end),
      say: ({ lines }) =>
        lines
          .map((line) =>
            [line.start, line.currency, line.status, line.transactionCount, line.totalAmount].join(' '),
          )
          .sort(),
      naiveSay: (days) =>
        days
          .map(({ day, currency, status, count, total: sum }) =>
            [day, currency, status, count, sum].join(' '),
          )
          .sort(),
    }),
  ];
}

/** Forgets the types of the answers, which only their own `say` knows. */
function contest<A, B>(parts: {
  readonly figure: string;
  readonly goal: number | null;
  readonly keys: readonly string[];
  ours(key: string): Promise<A>;
  naive(key: string): Promise<B>;
  say(answer: A): unknown;
  naiveSay(answer: B): unknown;
}): Contest {
  const { figure, goal, keys, ours, naive: other, say, naiveSay } = parts;
  return {
    figure,
    goal,
    keys,
    ours,
    naive: other,
    answers: async (key) => [say(await ours(key)), naiveSay(await other(key))],
  };
}

/** Walks to a page as a client does, once and not on time. */
async function cursorAfter(
  pages: number,
  list: (
    userId: string | undefined,
    more: { cursor?: string },
  ) => Promise<{ readonly next: string | undefined }>,
  userId: string | undefined,
): Promise<string> {
  let cursor: string | undefined;
  for (let page = 1; page <= pages; page++) {
    const { next } = await list(userId, cursor === undefined ? {} : { cursor });
    if (next === undefined)
      throw new Error(`${userId ?? 'The ledger'} has no ${pages + 1} pages; give more --rows.`);
    cursor = next;
  }
  return cursor as string;
}

/** Ids from all over the time. */
async function someIds(pool: pg.Pool, start: Date, { span }: Data, random: () => number): Promise<string[]> {
  const instants = Array.from(
    { length: 500 },
    () => new Date(start.getTime() + random() * 0.99 * Number(span.length)),
  );
  const { rows } = await pool.query<{ id: string }>(
    `SELECT t.id FROM unnest($1::timestamptz[]) AS i (at) CROSS JOIN LATERAL (
       SELECT id FROM naive.transactions WHERE created_at >= i.at ORDER BY created_at LIMIT 1) AS t`,
    [instants],
  );
  return rows.map(({ id }) => id);
}
