import pg from 'pg';
import { systemClock } from '../src/core/clock.ts';
import { AppError } from '../src/core/errors.ts';
import { calendar } from '../src/core/quarter.ts';
import { openDatabase } from '../src/db/database.ts';
import { createAuthenticator } from '../src/http/authenticator.ts';
import type { HttpHouse } from '../src/http/house.ts';
import { createServer } from '../src/http/server.ts';
import { findKeys } from '../src/ledger/keys.ts';
import { readConfig } from '../src/platform/config.ts';
import { createLogger } from '../src/platform/logger.ts';
import { getTypeParser } from './database.ts';
import { createTextbookPoster } from './textbook-post.ts';

/**
 * The textbook side, as a process: the very same HTTP server as ours, with another way of posting behind it. So all
 * that lies before the posting (connections, keys, parsing, validation, answers, log) costs both sides the same.
 */
const config = readConfig();
// Of this only the keys are read, once in ten seconds, as the API does it.
const database = openDatabase({ ...config, poolMax: 2 });
const logger = createLogger(config.logLevel);
const pool = new pg.Pool({
  connectionString: config.databaseUrl,
  max: config.poolMax,
  keepAlive: true,
  types: { getTypeParser },
});
const post = createTextbookPoster(pool);
const ledger = { id: 1, name: 'bench' };

function missing(): never {
  throw new AppError('not_found', 'no_such_route', 'The textbook side posts, and does nothing else.');
}

const house: HttpHouse = {
  version: '0',
  logger,
  checks: [],
  calendar: calendar(config.timezone),
  authenticate: createAuthenticator({
    findKeys: (ids) => findKeys(database.write, ids),
    clock: systemClock,
  }),
  ledgers: {
    find: async (name) => (name === ledger.name ? ledger : undefined),
    list: async () => [ledger],
    create: async () => missing(),
    currencies: async () => missing(),
  },
  post: async (ledgerId, requests) => ({ results: await post(ledgerId, requests) }),
  preview: async () => missing(),
  readSummaryLag: async () => missing(),
  readTransaction: async () => missing(),
  readReversal: async () => missing(),
  listTransactions: async () => missing(),
  listArchived: async () => missing(),
  accounts: {
    find: async () => missing(),
    search: async () => missing(),
    create: async () => missing(),
    change: async () => missing(),
  },
  readBalance: async () => missing(),
  readClosingBalance: async () => missing(),
  readGroups: async () => missing(),
  readStatement: async () => missing(),
  readDaily: async () => missing(),
  loads: { run: async () => missing(), find: async () => missing() },
  quarters: {
    list: async () => missing(),
    show: async () => missing(),
    next: async () => missing(),
    nexts: async () => missing(),
    trialBalanceAccounts: async () => missing(),
    retry: async () => missing(),
    preview: async () => missing(),
    ask: async () => missing(),
    trialBalance: async () => missing(),
    trialBalanceCsv: () => missing(),
    jobs: async () => missing(),
    job: async () => missing(),
  },
  operation: { read: async () => missing(), run: async () => missing(), events: async () => missing() },
};

const server = createServer(house, config);
await server.start();
process.once('SIGTERM', async () => {
  await server.stop();
  await Promise.all([pool.end(), database.close()]);
});
