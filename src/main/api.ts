import type { FileCache } from '../archive/cache.ts';
import type { Clock } from '../core/clock.ts';
import type { Calendar } from '../core/quarter.ts';
import type { Database } from '../db/database.ts';
import type { ReadClass, Router } from '../db/routing.ts';
import { createCredentials } from '../http/authenticator.ts';
import type { HttpHouse } from '../http/house.ts';
import { createJwtVerifier } from '../http/jwt.ts';
import { createSessions } from '../http/sessions.ts';
import { createAttempts } from '../http/sign-in-attempts.ts';
import { changeAccounts, createAccount } from '../ledger/account-change.ts';
import { searchAccounts } from '../ledger/account-list.ts';
import { createAccountNames } from '../ledger/account-names.ts';
import { findAccount } from '../ledger/account-of.ts';
import type { AccountCache } from '../ledger/accounts.ts';
import { readBalance } from '../ledger/balance.ts';
import { createBatcher } from '../ledger/batcher.ts';
import { readClosingBalance } from '../ledger/closing-balance.ts';
import { findKeys, type Key } from '../ledger/keys.ts';
import { createLedgerCache } from '../ledger/ledgers.ts';
import { listTransactions } from '../ledger/list.ts';
import { findLoad } from '../ledger/load-progress.ts';
import type { Poster } from '../ledger/post.ts';
import { readReversal } from '../ledger/reversals.ts';
import {
  endSession,
  findSessions,
  openSession,
  recordRefusedSignIn,
  seeSession,
} from '../ledger/sessions.ts';
import { readStatement } from '../ledger/statement.ts';
import { readTransactionOrReservation } from '../ledger/transactions.ts';
import type { Config } from '../platform/config.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { OnRetry } from '../platform/retry.ts';
import type { QuarterHouse } from '../quarters/context.ts';
import { readGroups } from '../summaries/groups.ts';
import { readSummaryLag } from '../summaries/lag.ts';
import { readDaily } from '../summaries/report.ts';
import { createArchivedList } from './archived-list.ts';
import { watchPosting } from './measured-posting.ts';

/** What the API is made of. */
export interface ApiParts {
  readonly config: Config;
  readonly database: Database;
  /** Where lists, statements and summaries are read. */
  readonly router: Router;
  readonly calendar: Calendar;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly onRetry?: OnRetry | undefined;
  readonly accounts: AccountCache;
  readonly poster: Poster;
  readonly quarters: QuarterHouse;
  /** Where files of archives are read. */
  readonly archiveFiles: FileCache;
  /** Keys that open it beside those of the database. */
  readonly keys: readonly Key[];
  /** Asks for the quarters that are missing. */
  readonly requestQuarters: () => Promise<void>;
}

/** All that the HTTP face is given but what concerns the process: the functions of the ledger, each on its database. */
export function createApi(parts: ApiParts): Omit<
  HttpHouse,
  | 'version'
  | 'logger'
  | 'checks'
  | 'onReadiness'
  | 'loads'
  | 'quarters'
  | 'operation'
  | 'metrics'
  | 'requests'
> & {
  readonly loads: Pick<HttpHouse['loads'], 'find'>;
} {
  const { config, database, router, calendar, clock, accounts, poster, onRetry } = parts;
  const { write } = database;
  const names = createAccountNames();
  const posting = watchPosting(parts.metrics, config);
  const batcher = createBatcher({
    poster,
    clock,
    observer: posting.observer,
    queueMax: config.queueMax,
    onNoPartition: parts.requestQuarters,
    position: () => router.position(),
  });
  posting.watch(batcher);
  const credentials = createCredentials({
    findKeys: (ids) => findKeys(write, ids),
    clock,
    jwt: createJwtVerifier(config, clock),
    extra: parts.keys,
  });
  return {
    calendar,
    authenticate: async (token) => (await credentials.open(token)).identity,
    sessions: createSessions({
      credentials,
      clock,
      table: {
        open: (row, by) => openSession(write, row, by),
        find: (ids, at) => findSessions(write, ids, at),
        see: (id, at) => seeSession(write, id, at),
        end: (id, by) => endSession(write, id, by),
        refused: (keyId, ofProcess) => recordRefusedSignIn(write, keyId, ofProcess),
      },
    }),
    signInAttempts: createAttempts(clock),
    trustedProxies: config.trustedProxies,
    ledgers: createLedgerCache(write, { clock }),
    post: (ledgerId, requests, options) => batcher.post(ledgerId, requests, options),
    preview: async (ledgerId, requests, { atomic }) => ({
      results: await poster.post(ledgerId, requests, { atomic, dryRun: true }),
    }),
    readTransaction: (ledgerId, id) => readTransactionOrReservation(write, ledgerId, id, names),
    readReversal: (ledgerId, id) => readReversal(write, ledgerId, id),
    listTransactions: (ledgerId, query, position) =>
      router.read(pageClass('list', query), { position }, (db) =>
        listTransactions({ db, calendar, clock }, ledgerId, query),
      ),
    listArchived: createArchivedList(parts.quarters, parts.archiveFiles),
    accounts: {
      find: (ledgerId, account, currency) => findAccount(write, accounts, ledgerId, account, currency),
      search: (ledgerId, query) => searchAccounts(write, ledgerId, query),
      create: (ledgerId, account) => createAccount(write, accounts, ledgerId, account, onRetry),
      change: (ledgerId, changes) => changeAccounts(write, accounts, ledgerId, changes, onRetry),
    },
    readBalance: (ledgerId, query) => readBalance({ db: write, calendar }, ledgerId, query),
    readClosingBalance: (ledgerId, query) => readClosingBalance({ db: write, calendar }, ledgerId, query),
    readStatement: (ledgerId, query, position) =>
      router.read(pageClass('statement', query), { position }, (db) =>
        readStatement({ db, calendar }, ledgerId, query),
      ),
    readSummaryLag: () => readSummaryLag({ db: write, calendar }),
    readDaily: (ledgerId, query, position) =>
      router.read('summary', { position }, (db) => readDaily({ db, calendar }, ledgerId, query)),
    readGroups: (ledgerId, query, position) =>
      router.read('summary', { position }, (db) => readGroups({ db, calendar }, ledgerId, query)),
    loads: { find: (ledgerId, id) => findLoad(write, ledgerId, id) },
  };
}

/**
 * Where a page is read. One that goes on from another is read where nothing can be older than that one was: a replica a
 * little behind would leave out what had been booked by then.
 */
function pageClass(kind: 'list' | 'statement', { cursor }: { cursor?: string | undefined }): ReadClass {
  return cursor === undefined ? kind : 'point';
}
