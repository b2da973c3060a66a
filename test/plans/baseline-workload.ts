import { Readable } from 'node:stream';
import { sql } from 'kysely';
import { type Clock, fixedClock } from '../../src/core/clock.ts';
import { type Calendar, calendar as calendarOf } from '../../src/core/quarter.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { changeAccounts } from '../../src/ledger/account-change.ts';
import { createAccounts } from '../../src/ledger/account-create.ts';
import { searchAccounts } from '../../src/ledger/account-list.ts';
import { createAccountCache } from '../../src/ledger/accounts.ts';
import { readBalance } from '../../src/ledger/balance.ts';
import { readClosingBalance } from '../../src/ledger/closing-balance.ts';
import { purgeIdempotencyKeys } from '../../src/ledger/idempotency-purge.ts';
import { createLedger, findLedger } from '../../src/ledger/ledgers.ts';
import { listTransactions } from '../../src/ledger/list.ts';
import type { TransactionFilter } from '../../src/ledger/list-filter.ts';
import { load } from '../../src/ledger/load.ts';
import { findLoad } from '../../src/ledger/load-progress.ts';
import { createPoster, type Poster, type PostOptions, type PostResult } from '../../src/ledger/post.ts';
import type { PostRequest } from '../../src/ledger/request.ts';
import { expireReservations } from '../../src/ledger/reservation-expiry.ts';
import { readStatement } from '../../src/ledger/statement.ts';
import { readTotals } from '../../src/ledger/totals.ts';
import { readTransaction } from '../../src/ledger/transactions.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import { analyzePartitions } from '../../src/summaries/analyze.ts';
import { refreshSummaries } from '../../src/summaries/refresh.ts';
import { readDaily } from '../../src/summaries/report.ts';
import { keyed, request, transactionOf } from '../ledger/post-fixture.ts';
import { ensureQuarters } from '../ledger/quarters.ts';
import { houseOver, run } from '../quarters/support.ts';

const WALLETS = 500;
const LOADED = 6000;
/** The rows of a load are so far apart that their days are one chunk of a refresh, which else grows with its speed. */
const APART_MS = 400_000;
/** How often cheap statements are sent, so that a page more at each call is more than what a fresh connection looks up. */
const OFTEN = 60;

interface Books {
  readonly database: Database;
  readonly calendar: Calendar;
  readonly clock: Clock;
  readonly ledgerId: number;
  readonly poster: Poster;
}

/** `count` numbers from 0, one after the other. */
async function each(count: number, action: (n: number) => Promise<unknown>): Promise<void> {
  for (let n = 0; n < count; n++) await action(n);
}

const times = <T>(count: number, of: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => of(n));

/**
 * The fixed work by whose statements a change is measured: loads, posts, reads, sums up and closes, always the same and one
 * after the other. `begin` is called when there is an empty ledger, before the first statement that counts.
 */
export async function doFixedWork(url: string, zone: string, begin: () => Promise<void>): Promise<void> {
  const calendar = calendarOf(zone);
  const clock = fixedClock(new Date());
  const accounts = createAccountCache();
  const ledgerId = await withDatabase(url, async (database) => {
    await ensureQuarters(database, zone, new Date('2020-01-02'), new Date('2020-06-01'));
    await ensureQuarters(database, zone, clock.now(), clock.now());
    return (await createLedger(database.write, 'main')).id;
  });
  const withBooks = <T>(action: (books: Books) => Promise<T>) =>
    withDatabase(url, (database) => {
      const poster = createPoster({ db: database.write, calendar, accounts });
      return action({ database, calendar, clock, ledgerId, poster });
    });
  await begin();
  const booked = await withBooks(async (books) => {
    await loadRows(books);
    await openAccounts(books);
    return postAll(books);
  });
  await withBooks(keep);
  await withBooks((books) => readAll(books, booked));
  await withBooks(async ({ database, poster }) => {
    await refreshSummaries({ database, calendar, parallel: 1 });
    await each(3, () => readTotals(database.write));
    await closeQuarter(houseOver(database, { zone, now: clock.now().toISOString() }), run, '2020q1');
    await each(OFTEN, () => expireReservations({ db: database.write, poster }));
    const before = new Date(Date.now() + 1000);
    await each(OFTEN, () => purgeIdempotencyKeys(database.write, { before, batch: 300 }));
  });
}

/**
 * One connection for each way: which of two is taken depends on their speed, and each reads the catalog for itself. They are
 * made anew for each part of the work, for on a slow machine the pool closes one that is idle while another part goes on.
 */
async function withDatabase<T>(url: string, action: (database: Database) => Promise<T>): Promise<T> {
  const database = openDatabase({ databaseUrl: url, poolMax: 1 });
  try {
    return await action(database);
  } finally {
    await database.close();
  }
}

async function loadRows({ database, calendar, clock }: Books): Promise<void> {
  const head =
    'created_at,debit_account,credit_account,amount,currency,user_id,status,reference_code,description,metadata';
  const start = new Date('2020-01-02T00:00:00Z').getTime();
  const rows = times(LOADED, (n) => {
    const at = new Date(start + n * APART_MS).toISOString();
    const status = n % 50 === 0 ? 'FAILED' : 'SUCCESS';
    return `${at},l-${n % 200}:CASH,l-${(n + 77) % 200}:WALLET,1.${10 + (n % 90)},EUR,user-${n % 300},${status},OLD-${n},,`;
  });
  // The first of the two names every account. Of one load the accounts of a batch are looked up while the one before it is
  // written, which finds some of them or not.
  const house = {
    database,
    calendar,
    clock,
    accounts: createAccountCache(),
    ensureQuarters: async () => {},
    finish: async () => {},
    oldest: new Date('2000-01-01T00:00:00Z'),
  };
  const loadThese = (id: string, some: readonly string[]) =>
    load(house, {
      ledger: 'main',
      id,
      amounts: 'decimal',
      createAccounts: { allowNegative: '*' },
      batch: 1000,
      source: { stream: Readable.from([Buffer.from([head, ...some, ''].join('\n'))]) },
    });
  await loadThese('names', rows.slice(0, 500));
  await loadThese('old', rows.slice(500));
}

async function openAccounts({ database, ledgerId }: Books): Promise<void> {
  const db = database.write;
  const wallets = times(WALLETS, (n) => ({ address: `w-${n}:WALLET`, currency: 'EUR', minBalance: 0n }));
  await createAccounts(db, ledgerId, [
    { address: 'bank:CASH', currency: 'EUR', minBalance: null },
    ...wallets,
  ]);
  const change = (n: number) => ({
    account: `w-${n}:WALLET`,
    currency: 'EUR',
    name: `Wallet ${n}`,
    phones: [{ countryCode: '+49', phoneNumber: `15${n}` }],
  });
  await each(OFTEN, (n) =>
    changeAccounts(
      db,
      createAccountCache(),
      ledgerId,
      times(2, (place) => change(n * 2 + place)),
    ),
  );
}

async function postAll({ poster, ledgerId }: Books): Promise<string[]> {
  const post = (requests: readonly PostRequest[], options?: PostOptions) =>
    poster.post(ledgerId, requests, options);
  const described = (n: number) => ({ userId: `user-${n % 300}`, referenceCode: `NEW-${n}` });
  const pay = (n: number, more: object = {}) =>
    request('bank:CASH', `w-${n % WALLETS}:WALLET`, 1000n, { ...described(n), ...more });
  const booked: string[] = [];
  const note = (results: readonly PostResult[]) =>
    booked.push(...results.map((result) => transactionOf(result).id));
  await each(100, async (n) => note(await post([pay(n)])));
  await each(100, async (n) => note(await post([keyed(`one-${n}`, pay(n))])));
  await each(20, (n) => post([keyed(`one-${n}`, pay(n))]));
  await each(10, async (n) => note(await post(times(100, (place) => pay(n * 100 + place)))));
  await each(10, async (n) =>
    note(await post(times(100, (place) => keyed(`many-${n}-${place}`, pay(n * 100 + place))))),
  );
  await each(20, (n) => post([pay(n, { status: 'FAILED' })]));
  const held: string[] = [];
  await each(60, async (n) => {
    const soon = n >= 40 ? { expiresAt: new Date(Date.now() + 86_400_000) } : {};
    const [result] = await post([
      request(`w-${n}:WALLET`, 'bank:CASH', 10n, { status: 'PENDING', ...described(n), ...soon }),
    ]);
    held.push(transactionOf(result).id);
  });
  await each(20, (n) => post([pay(n)], { dryRun: true }));
  await each(20, (n) => post([{ settle: held[n] as string }]));
  await each(20, (n) => post([{ void: held[20 + n] as string }]));
  await each(OFTEN, (n) => post([{ reverse: booked[n] as string }]));
  return booked;
}

/** What the jobs do, and autovacuum. */
async function keep({ database, calendar }: Books): Promise<void> {
  await refreshSummaries({ database, calendar, parallel: 1 });
  // What is to be analyzed follows from counts of changes, which a session passes on once a second.
  await sql`SELECT pg_stat_force_next_flush()`.execute(database.direct);
  await analyzePartitions({ database });
  await database.withClient((client) => client.query('VACUUM (ANALYZE)'));
}

async function readAll(books: Books, booked: readonly string[]): Promise<void> {
  const { database, calendar, clock, ledgerId, poster } = books;
  const db = database.write;
  const house = { db, calendar, clock };
  const filters: readonly TransactionFilter[] = [
    {},
    { status: 'SUCCESS' },
    { status: 'FAILED' },
    { status: 'PENDING' },
    { status: 'PENDING', userId: 'user-7' },
    { userId: 'user-7' },
    { userId: 'user-7', status: 'SUCCESS' },
    { account: 'bank:CASH' },
    { account: 'w-7:WALLET', userId: 'user-7' },
    { referencePrefix: 'OLD-77' },
    { from: new Date('2020-01-10'), to: new Date('2020-01-20'), currency: 'EUR' },
  ];
  for (const filter of filters) {
    await each(OFTEN / 2, async () => {
      let cursor: string | undefined;
      for (let page = 0; page < 3 && (page === 0 || cursor !== undefined); page++) {
        const query = { ...filter, limit: 20, cursor, includeTotal: page === 0 };
        ({ next: cursor } = await listTransactions(house, ledgerId, query));
      }
    });
  }
  await each(OFTEN, async (n) => {
    const account = `l-${n}:CASH`;
    await readBalance(house, ledgerId, { account: `w-${n}:WALLET` });
    await readBalance(house, ledgerId, { account, at: new Date('2020-01-14T12:00:00Z') });
    await readClosingBalance(house, ledgerId, { account, day: '2020-01-14' });
    await readStatement(house, ledgerId, { account, from: new Date('2020-01-15'), limit: 20 });
    await readTransaction(db, ledgerId, booked[n * 7] as string);
    await searchAccounts(db, ledgerId, { entityId: `w-${n}` });
    await searchAccounts(db, ledgerId, { phone: `+4915${n}` });
  });
  // A day that is not summed up yet is counted from its rows.
  const report = { from: '2020-01-01', to: '2099-12-31', groupBy: 'month' } as const;
  const reports = () =>
    each(OFTEN / 2, async (n) => {
      await readDaily(house, ledgerId, report);
      await readDaily(house, ledgerId, { ...report, userId: `user-${n}` });
    });
  await reports();
  await poster.post(ledgerId, [request('bank:CASH', 'w-1:WALLET', 1n)]);
  await reports();
  await each(OFTEN / 2, (n) =>
    listTransactions(house, ledgerId, { userId: `user-${n}`, limit: 1, includeTotal: true }),
  );
  await each(OFTEN, async () => {
    await findLedger(db, 'main');
    await findLoad(db, ledgerId, 'old');
  });
}
