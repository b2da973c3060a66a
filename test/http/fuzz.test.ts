import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import Value from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import type { App } from '../../src/http/app-type.ts';
import type { HttpHouse } from '../../src/http/house.ts';
import { TransactionAnswer } from '../../src/http/transaction-answer.ts';
import { readEvents } from '../../src/quarters/events.ts';
import { type Book, brokenRules } from '../ledger/fixture.ts';
import { requestTo } from './fuzz-requests.ts';
import { transaction } from './fuzz-values.ts';
import { inject, openHouse, payment, post, problemIn } from './house.ts';
import { operationAnswer, quarterDetail, quarterJob } from './quarters.ts';

/** The codes that docs/errors.md lists. */
const documented = new Set(
  [...readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8').matchAll(/^\| `(\w+)`/gm)].map(
    (row) => row[1],
  ),
);

let book: Book;
let app: App;
/** The codes that were met. */
const met = new Set<string>();
let routes: { method: string; url: string }[];

beforeAll(async () => {
  const opened = await openHouse();
  book = opened.book;
  const listArchived = async () => ({ transactions: [], next: undefined });
  app = createApp({ ...opened.house, loads, quarters, operation, listArchived, sessions });
  routes = [];
  app.addHook('onRoute', ({ method, url, schema }) => {
    if (schema?.hide || method === 'HEAD') return;
    routes.push(...[method].flat().map((each) => ({ method: each, url })));
  });
  await app.ready();
});
afterAll(async () => {
  await app.close();
  await book.close();
});

/** A load that believes everything, for what a load reads is fuzzed with it. */
const loads: HttpHouse['loads'] = {
  run: async ({ ledger, id = '' }) => ({
    ...{ ledger, id, alreadyLoaded: false, resumedAt: 0 },
    ...{ records: 0, booked: 0, rejected: 0, accountsCreated: 0 },
  }),
  find: async (_, id) => ({
    ...{ id, state: 'done', records: 0n, booked: 0n, rejected: 0n },
    ...{ startedAt: new Date(0), updatedAt: new Date(0), finishedAt: null },
  }),
};

/** Whoever signs in is an admin: who may is tested with the sessions. */
const signedIn = {
  identity: { name: 'test', roles: ['admin'], ledgers: null },
  expiresAt: new Date(0),
} as const;
const sessions: HttpHouse['sessions'] = {
  signIn: async () => ({ ...signedIn, secret: 'secret', seconds: 60 }),
  find: async () => signedIn,
  signOut: async () => {},
};

/** Quarters of which everything can be had, for what is done to them is tested with them. */
const quarters: HttpHouse['quarters'] = {
  list: async () => [quarterDetail()],
  show: async () => quarterDetail(),
  next: async () => ({ verb: 'drop', at: new Date(0), withheld: 'held' }),
  nexts: async () => new Map(),
  preview: async () => ({ done: false, obstacles: [], steps: ['something'] }),
  ask: async ({ verb }) =>
    verb === 'hold' ? { done: true, report: { holdReason: 'x' } } : { done: false, job: quarterJob() },
  trialBalance: async () => [],
  trialBalanceCsv: async function* () {
    yield 'ledger\r\n';
  },
  trialBalanceAccounts: async () => ({ accounts: [], more: false }),
  jobs: async () => [quarterJob()],
  job: async () => quarterJob(),
  retry: async () => quarterJob(),
};

const operation: HttpHouse['operation'] = {
  read: async () => operationAnswer(),
  run: async () => true,
  events: (query) => readEvents(book.as('api').write, query),
};

describe('whatever is sent', () => {
  /** A success as documented or a problem of the client's, never a failure of ours. */
  function judge(response: Awaited<ReturnType<typeof inject>>): void {
    expect(response.statusCode, response.body).toBeLessThan(500);
    if (response.statusCode < 400) return;
    const { code } = response.json();
    // What only the database found out, nobody had thought of.
    expect(code, response.body).not.toBe('invalid_value');
    met.add(code);
    problemIn(response, response.statusCode, code);
  }

  it('in bodies that are nearly right, the answer is documented', async () => {
    const seen = new Set<number>();
    await fc.assert(
      fc.asyncProperty(transaction, async (sent) => {
        const response = await post(app, sent);
        seen.add(response.statusCode);
        judge(response);
        if (response.statusCode === 201) {
          expect(Value.Errors(TransactionAnswer, response.json())).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
    // It is no fuzz if it never gets past the door.
    expect([...seen].sort()).toEqual([201, 400, 422]);
    expect(await brokenRules(book.db)).toEqual([]);
  });

  it('to whatever route, the answer is documented', async () => {
    // Transactions and reservations that are there, so that something can be done to them.
    const ids = { pending: [] as string[], booked: [] as string[] };
    for (let count = 0; count < 40; count++) {
      ids.pending.push((await post(app, { ...payment, status: 'PENDING' })).json().id);
      ids.booked.push((await post(app, payment)).json().id);
    }
    const passed = new Set<string>();
    await fc.assert(
      fc.asyncProperty(requestTo(routes, ids), async ({ route, request }) => {
        const response = await inject(app, request);
        judge(response);
        if (response.statusCode < 300) passed.add(route);
      }),
      { numRuns: 2500 },
    );
    const never = routes.map(({ method, url }) => `${method} ${url}`).filter((route) => !passed.has(route));
    expect(never).toEqual([]);
    expect([...met].filter((code) => !documented.has(code))).toEqual([]);
    // A limit may be set above what an account has: then it was passed by nobody.
    const broken = await brokenRules(book.db);
    expect(broken.filter((rule) => !rule.startsWith('no limit is passed'))).toEqual([]);
  }, 180_000);
});
