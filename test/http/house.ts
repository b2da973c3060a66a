import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import Value from 'typebox/value';
import { expect } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { calendar } from '../../src/core/quarter.ts';
import { createApp } from '../../src/http/app.ts';
import type { App } from '../../src/http/app-type.ts';
import type { HttpHouse } from '../../src/http/house.ts';
import { Problem } from '../../src/http/problem.ts';
import { changeAccounts, createAccount } from '../../src/ledger/account-change.ts';
import { searchAccounts } from '../../src/ledger/account-list.ts';
import { findAccount } from '../../src/ledger/account-of.ts';
import { readBalance } from '../../src/ledger/balance.ts';
import { readClosingBalance } from '../../src/ledger/closing-balance.ts';
import { createLedger, findLedger, readCurrencies } from '../../src/ledger/ledgers.ts';
import { listTransactions } from '../../src/ledger/list.ts';
import { createPoster } from '../../src/ledger/post.ts';
import { readStatement } from '../../src/ledger/statement.ts';
import type { TransactionView } from '../../src/ledger/transaction-view.ts';
import { readTransactionOrReservation } from '../../src/ledger/transactions.ts';
import type { Logger } from '../../src/platform/logger.ts';
import { readGroups } from '../../src/summaries/groups.ts';
import { readSummaryLag } from '../../src/summaries/lag.ts';
import { readDaily } from '../../src/summaries/report.ts';
import { type Book, openBook } from '../ledger/fixture.ts';

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** A logger that remembers what it is told. */
export function recordingLogger(lines: LogLine[], bound: object = {}): Logger {
  const at =
    (level: string) =>
    (fields: object | string, message = '') =>
      lines.push(
        typeof fields === 'string'
          ? { level, ...bound, message: fields }
          : { level, ...bound, ...fields, message },
      );
  const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
  return {
    level: 'trace',
    ...Object.fromEntries(levels.map((level) => [level, at(level)])),
    child: (fields: object) => recordingLogger(lines, { ...bound, ...fields }),
  } as unknown as Logger;
}

/** The token that the house below takes for an admin's; the helpers send it. */
export const TOKEN = 'test-admin';
export const authorization = { authorization: `Bearer ${TOKEN}` };

const nothing = (what: string) => async (): Promise<never> => {
  throw new Error(`${what} is not there`);
};

/** A house with one ledger, `main`, in which nothing can be done: for what needs no database. */
export function emptyHouse(parts: Partial<HttpHouse> = {}): HttpHouse {
  return {
    version: '1.2.3',
    logger: recordingLogger([]),
    checks: [],
    calendar: calendar('Europe/Paris'),
    authenticate: async (token) => {
      if (token === TOKEN) return { name: 'test', roles: ['admin'], ledgers: null };
      throw new AppError('unauthenticated', 'invalid_token', 'Nobody knows this key.');
    },
    sessions: {
      signIn: nothing('sessions.signIn'),
      find: nothing('sessions.find'),
      signOut: nothing('sessions.signOut'),
    },
    ledgers: {
      find: async (name) => (name === 'main' ? { id: 1, name } : undefined),
      list: async () => [{ id: 1, name: 'main' }],
      create: async (name) => ({ id: 2, name }),
      currencies: async () => new Map([['EUR', 2]]),
    },
    post: nothing('post'),
    preview: nothing('preview'),
    readTransaction: async () => undefined,
    listTransactions: nothing('listTransactions'),
    listArchived: nothing('listArchived'),
    accounts: {
      find: nothing('accounts.find'),
      search: nothing('accounts.search'),
      create: nothing('accounts.create'),
      change: nothing('accounts.change'),
    },
    readBalance: nothing('readBalance'),
    readClosingBalance: nothing('readClosingBalance'),
    readStatement: nothing('readStatement'),
    readSummaryLag: nothing('readSummaryLag'),
    readDaily: nothing('readDaily'),
    readGroups: nothing('readGroups'),
    loads: { run: nothing('loads.run'), find: nothing('loads.find') },
    quarters: {
      list: nothing('quarters.list'),
      show: nothing('quarters.show'),
      next: nothing('quarters.next'),
      nexts: nothing('quarters.nexts'),
      preview: nothing('quarters.preview'),
      ask: nothing('quarters.ask'),
      trialBalance: nothing('quarters.trialBalance'),
      trialBalanceCsv: () => {
        throw new Error('quarters.trialBalanceCsv is not there');
      },
      trialBalanceAccounts: nothing('quarters.trialBalanceAccounts'),
      jobs: nothing('quarters.jobs'),
      job: nothing('quarters.job'),
      retry: nothing('quarters.retry'),
    },
    operation: {
      read: nothing('operation.read'),
      run: nothing('operation.run'),
      events: nothing('operation.events'),
    },
    ...parts,
  };
}

/** A transaction as the ledger gives it. */
export function transactionView(parts: Partial<TransactionView> = {}): TransactionView {
  return {
    id: '0199d5d0-0000-7000-8000-000000000000',
    createdAt: new Date('2026-01-01T00:00:00Z'),
    userId: '',
    status: 'SUCCESS',
    currency: 'EUR',
    amount: 1250n,
    referenceCode: null,
    description: null,
    effectiveAt: null,
    metadata: null,
    reverses: null,
    settles: null,
    reservation: null,
    entries: [],
    ...parts,
  };
}

/** A house on a database of its own: alice may go as far below zero as she likes, bob may not. */
export async function openHouse(): Promise<{ book: Book; house: HttpHouse; lines: LogLine[] }> {
  const book = await openBook();
  const now = new Date();
  await book.ensureQuarters(now, new Date(now.getTime() + 100 * 86_400_000));
  await book.open(
    { address: 'alice:WALLET', currency: 'EUR', minBalance: null },
    { address: 'bob:WALLET', currency: 'EUR', minBalance: 0n },
  );
  const lines: LogLine[] = [];
  return { book, lines, house: houseOf(book, lines) };
}

/** As the process wires it, without the batching. */
export function houseOf(book: Book, lines: LogLine[] = []): HttpHouse {
  const { calendar, accounts } = book;
  const db = book.as('api').write;
  const poster = createPoster({ db, calendar, accounts });
  return emptyHouse({
    calendar,
    logger: recordingLogger(lines),
    ledgers: {
      find: (name) => findLedger(db, name),
      list: async () => [{ id: 1, name: 'main' }],
      create: (name) => createLedger(db, name),
      currencies: () => readCurrencies(db),
    },
    post: async (ledgerId, requests, options) => ({
      results: await poster.post(ledgerId, requests, options),
    }),
    preview: async (ledgerId, requests, options) => ({
      results: await poster.post(ledgerId, requests, { ...options, dryRun: true }),
    }),
    readTransaction: (ledgerId, id) => readTransactionOrReservation(db, ledgerId, id),
    accounts: {
      find: (ledgerId, account, currency) => findAccount(db, accounts, ledgerId, account, currency),
      search: (ledgerId, query) => searchAccounts(db, ledgerId, query),
      create: (ledgerId, account) => createAccount(db, accounts, ledgerId, account),
      change: (ledgerId, changes) => changeAccounts(db, accounts, ledgerId, changes),
    },
    listTransactions: (ledgerId, query) => listTransactions({ db, calendar }, ledgerId, query),
    readBalance: (ledgerId, query) => readBalance({ db, calendar }, ledgerId, query),
    readClosingBalance: (ledgerId, query) => readClosingBalance({ db, calendar }, ledgerId, query),
    readStatement: (ledgerId, query) => readStatement({ db, calendar }, ledgerId, query),
    readSummaryLag: () => readSummaryLag({ db, calendar }),
    readDaily: (ledgerId, query) => readDaily({ db, calendar }, ledgerId, query),
    readGroups: (ledgerId, query) => readGroups({ db, calendar }, ledgerId, query),
  });
}

export const payment = {
  postings: [{ from: 'alice:WALLET', to: 'bob:WALLET', amount: '1250', currency: 'EUR' }],
};

export function post(
  app: App,
  body: unknown,
  headers: Record<string, string> = {},
  ledger = 'main',
): Promise<LightMyRequestResponse> {
  const payload = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return inject(app, {
    method: 'POST',
    url: `/v1/ledgers/${ledger}/transactions`,
    headers: { 'content-type': 'application/json', ...headers },
    payload,
  });
}

/** Sends a request with the admin's token. */
export function inject(app: App, request: InjectOptions): Promise<LightMyRequestResponse> {
  const headers = { ...authorization, ...request.headers };
  return (app as unknown as FastifyInstance).inject({ ...request, headers });
}

/** Reads an answer as the problem it must be: of this status and code, and complete. */
export function problemIn(
  response: { statusCode: number; headers: Record<string, unknown>; body: string },
  status: number,
  code: string,
): Problem {
  const problem = JSON.parse(response.body);
  expect(problem).toMatchObject({ status, code });
  expect(response.statusCode).toBe(status);
  expect(response.headers['content-type']).toBe('application/problem+json');
  expect(Value.Errors(Problem, problem)).toEqual([]);
  expect(problem.type).toBe(`urn:quartermaster:problem:${code}`);
  expect(problem.instance).toBe(`urn:quartermaster:request:${response.headers['x-request-id']}`);
  return problem;
}

export { createApp };
