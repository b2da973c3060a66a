import pg from 'pg';
import { systemClock } from '../../src/core/clock.ts';
import { createIds } from '../../src/core/id.ts';
import { calendar } from '../../src/core/quarter.ts';
import { openDatabase } from '../../src/db/database.ts';
import { toAppError } from '../../src/db/sqlstate.ts';
import { createAuthenticator } from '../../src/http/authenticator.ts';
import type { HttpHouse } from '../../src/http/house.ts';
import { createServer } from '../../src/http/server.ts';
import { findKeys } from '../../src/ledger/keys.ts';
import type { PostResult } from '../../src/ledger/post.ts';
import type { PostRequest } from '../../src/ledger/request.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { getTypeParser } from '../database.ts';
import { transfer } from './before-post.ts';
import { balanceBefore, listBefore, reportBefore } from './before-read.ts';

/**
 * The ledger as a team has it before, as a process: the same HTTP server, keys, validation and answers as ours, and
 * behind it what one writes first and keeps until it hurts. It is meant to be right, and to be as quick as such a ledger is:
 *
 * - One table of transactions and one of entries, with an index on every column that somebody once waited for, each on its
 *   own: that is what is added while users complain. The planner may combine them. Keys and indexes are built after the
 *   rows, everything is vacuumed and analyzed, so nothing is bloated, which after two years it would be.
 * - Ids are of version 7, as ours are: random ones would make every insert dearer.
 * - No foreign keys, which such a ledger usually has and pays for at every insert; ours has none there either.
 * - A transfer takes its locks in order, so that nothing deadlocks, and is five statements, each a round trip.
 * - The balance stands with the account, because funds are checked at every transfer; as it was at an instant it is the
 *   sum of the entries, because nothing was kept beside them.
 * - A page shows how many rows there are, as page 3 of 812 does: a COUNT of the whole filter, then SELECT *, LIMIT and
 *   OFFSET, in an order that has no ties, so that no row is on two pages.
 * - Reports group the rows themselves, for they must be exact and nobody keeps sums.
 * - One pool with as many connections as there are requests at once: nobody has set a limit, or somebody has set one that is
 *   never reached; the server allows 100, as PostgreSQL comes. Nothing is tried again, no time is limited.
 */
const config = readConfig();
// Of this only the keys are read, once in ten seconds, as the API does it.
const database = openDatabase({ ...config, poolMax: 2 });
const logger = createLogger(config.logLevel);
const pool = new pg.Pool({
  connectionString: config.databaseUrl,
  max: 1000,
  keepAlive: true,
  types: { getTypeParser },
});
// An idle connection that dies is replaced; without a listener it would end the process.
pool.on('error', () => {});
const newId = createIds();
const ledger = { id: 1, name: 'bench' };

async function post(request: PostRequest): Promise<PostResult> {
  const client = await pool.connect();
  let failed = true;
  try {
    await client.query('BEGIN');
    const at = new Date();
    const result = await transfer(client, request, { id: newId(at), at });
    await client.query(result.kind === 'created' ? 'COMMIT' : 'ROLLBACK');
    failed = false;
    return result;
  } finally {
    // With whatever it was in the middle of: PostgreSQL rolls that back.
    client.release(failed);
  }
}

/** In the words in which ours tells of the same failures. */
async function told<T>(action: Promise<T>): Promise<T> {
  return action.catch((error: unknown) => {
    throw toAppError(error);
  });
}

/** What the bench does not ask for is left out. */
const house = {
  version: '0',
  logger,
  checks: [],
  calendar: calendar(config.timezone),
  authenticate: createAuthenticator({
    findKeys: (ids) => findKeys(database.write, ids),
    clock: systemClock,
  }),
  ledgers: {
    find: async (name: string) => (name === ledger.name ? ledger : undefined),
    list: async () => [ledger],
    create: async () => ledger,
    currencies: async () => new Map([['EUR', 2]]),
  },
  post: async (_ledgerId, requests) => ({ results: await told(Promise.all(requests.map(post))) }),
  listTransactions: (_ledgerId, query) => told(listBefore(pool, query)),
  readBalance: (_ledgerId, query) => told(balanceBefore(pool, query)),
  readDaily: (_ledgerId, query) => told(reportBefore(pool, query)),
} satisfies Partial<HttpHouse>;

const server = createServer(house as unknown as HttpHouse, { ...config, stopWithinMs: 1000 });
await server.start();
process.once('SIGTERM', async () => {
  await server.stop();
  // Statements whose clients have gone are still under way; nobody waits for them.
  process.exit();
});
