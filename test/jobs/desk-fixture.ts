import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import { requestAfterLoad } from '../../jobs/after-load.ts';
import type { JobHouse } from '../../jobs/house.ts';
import { allJobs } from '../../jobs/index.ts';
import { createQuarterDesk } from '../../jobs/quarter-desk.ts';
import { runInForeground } from '../../jobs/run.ts';
import { openStore } from '../../src/archive/open-store.ts';
import type { Role } from '../../src/core/access.ts';
import { type Clock, fixedClock } from '../../src/core/clock.ts';
import { calendar as calendarOf } from '../../src/core/quarter.ts';
import type { Database } from '../../src/db/database.ts';
import { createAuthenticator } from '../../src/http/authenticator.ts';
import { createAccountCache } from '../../src/ledger/accounts.ts';
import { createKey, findKeys } from '../../src/ledger/keys.ts';
import { load } from '../../src/ledger/load.ts';
import { createPoster } from '../../src/ledger/post.ts';
import { createQuarterApi } from '../../src/main/quarter-api.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { createApp, emptyHouse, inject } from '../http/house.ts';
import type { QueueBench } from '../queue/harness.ts';
import { inRole } from '../support/roles.ts';

const logger = createLogger('silent');

/** The house of a worker, and what is another's where the run is under roles. */
export interface DeskHouse extends JobHouse {
  readonly ofApi: Pick<JobHouse, 'database' | 'quarters' | 'queue'>;
  readonly owner: Database;
}

/** A store, queues and all jobs over a database. */
export async function openHouse(bench: QueueBench, environment: Record<string, string>, clock: Clock) {
  const directory = await mkdtemp(join(tmpdir(), 'quartermaster-desk-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const config = readConfig({
    QM_DATABASE_URL: bench.url,
    QM_STORE: pathToFileURL(directory).href,
    ...environment,
  });
  const database = bench.as('worker');
  const url = inRole(bench.url, 'worker');
  const calendar = calendarOf('UTC');
  const quarters = {
    ...config,
    database,
    store: openStore(config.store),
    calendar,
    clock,
    oldest: calendar.startOfDay(config.oldestDate),
    version: '0.0.0',
  };
  const api = bench.as('api');
  const ofApi = {
    database: api,
    quarters: { ...quarters, database: api },
    queue: bench.open({ db: api.write, url: inRole(bench.url, 'api') }),
  };
  const poster = createPoster({ db: database.write, calendar, accounts: createAccountCache() });
  const house: DeskHouse = {
    database,
    calendar,
    clock,
    config,
    quarters,
    poster,
    queue: bench.open({ db: database.write, url }),
    ofApi,
    owner: bench.database,
  };
  const jobs = allJobs(house);
  await house.queue.install(jobs);
  return { house, jobs };
}

/** The same on 1 August 2026, with two quarters of payments, loaded and summed up. */
export async function openOffice(bench: QueueBench, environment: Record<string, string> = {}) {
  const settings = { QM_OLDEST_DATE: '2026-01-01', ...environment };
  const { house, jobs } = await openHouse(bench, settings, fixedClock('2026-08-01T12:00:00Z'));
  await loadPayments(house);
  const run = { logger, signal: new AbortController().signal };
  await runInForeground(jobs, 'refresh-summaries', {}, run);
  return { house, jobs, run };
}

/** The API over the office, and callers with keys of their own. `jwt` lets in who has a token. */
export function openApi(
  house: DeskHouse,
  jwt?: NonNullable<Parameters<typeof createAuthenticator>[0]['jwt']>,
) {
  const { clock, calendar, owner } = house;
  const asApi = { ...house, ...house.ofApi };
  const { database } = asApi;
  const desk = createQuarterDesk(asApi);
  const app = createApp(
    emptyHouse({
      calendar,
      authenticate: createAuthenticator({ findKeys: (ids) => findKeys(database.write, ids), clock, jwt }),
      quarters: createQuarterApi(asApi, desk),
    }),
  );
  const as = (token: string) => {
    const headers = { authorization: `Bearer ${token}` };
    return {
      get: (url: string) => inject(app, { url, headers }),
      post: (url: string, payload: object = {}) => inject(app, { method: 'POST', url, headers, payload }),
    };
  };
  return {
    desk,
    as,
    /** Somebody with a key. */
    async keyOf(name: string, ...roles: Role[]) {
      return as((await createKey(owner.write, { name, roles, ledgers: null })).token);
    },
  };
}

/** Ten payments on the tenth of each month from January to June. */
async function loadPayments(house: JobHouse): Promise<void> {
  const rows = Array.from({ length: 60 }, (_, i) => ({
    created_at: `2026-0${1 + Math.floor(i / 10)}-10T12:00:0${i % 10}Z`,
    debit_account: 'bank:BANK',
    credit_account: `user-${i % 7}:WALLET`,
    amount: String(100 + i),
    currency: 'EUR',
  }));
  await load(
    {
      ...house,
      accounts: createAccountCache(),
      oldest: house.quarters.oldest,
      ensureQuarters: async (from, to) => {
        await ensureQuarters(house.quarters, { actor: 'load' }, from, to);
      },
      finish: (trx) => requestAfterLoad(house.queue, trx),
    },
    {
      ledger: 'test',
      createLedger: true,
      source: {
        stream: Readable.from([rows.map((row) => `${JSON.stringify(row)}\n`).join('')], {
          objectMode: false,
        }),
      },
      id: 'payments',
      format: 'ndjson',
      amounts: 'minor',
      createAccounts: { allowNegative: ['BANK'] },
    },
  );
}
