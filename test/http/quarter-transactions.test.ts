import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFileCache, type FileCache } from '../../src/archive/cache.ts';
import type { Store } from '../../src/archive/store.ts';
import type { Identity } from '../../src/core/access.ts';
import { createApp } from '../../src/http/app.ts';
import type { App } from '../../src/http/app-type.ts';
import { findLedger } from '../../src/ledger/ledgers.ts';
import { listTransactions } from '../../src/ledger/list.ts';
import { createArchivedList } from '../../src/main/archived-list.ts';
import { archiveQuarter } from '../../src/quarters/archive.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { detachQuarter } from '../../src/quarters/detach.ts';
import { bookNastyPayments, closeQuarters, openArchiveHouse, run } from '../quarters/archive-fixture.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { emptyHouse, inject, problemIn } from './house.ts';

type Query = Record<string, string>;
interface Listed {
  readonly id: string;
  readonly created_at: string;
}

let home: TestDatabase;
let directory: string;
let house: QuarterHouse;
let app: App;
/** What the list told of 2024q1 before it was archived, by the query. */
const online = new Map<string, Listed[]>();

/** Who may read the ledger `council` and no other. */
const limited: Identity = { name: 'limited', roles: ['reader'], ledgers: ['council'] };

beforeAll(async () => {
  home = await createDatabase({ zone: 'Asia/Kathmandu' });
  directory = await mkdtemp(join(tmpdir(), 'test-archived-'));
  house = openArchiveHouse(home.url, directory, { zone: 'Asia/Kathmandu' });
  await bookNastyPayments(house, [
    { quarter: '2024q1', transactions: 3000 },
    { quarter: '2024q2', transactions: 300 },
  ]);
  app = appOf(house, createFileCache({ directory: join(directory, 'cache'), maxBytes: 1e9 }));
  for (const query of queries) online.set(JSON.stringify(query), await readOnline(query));
  await closeQuarters(house, ['2024q1']);
  await archiveQuarter(house, run, '2024q1');
});

afterAll(async () => {
  await house?.database.close();
  await home?.drop();
  await rm(directory, { recursive: true, force: true });
});

function appOf(quarters: QuarterHouse, cache: FileCache): App {
  const { database, calendar } = quarters;
  const base = emptyHouse();
  return createApp({
    ...base,
    calendar,
    authenticate: async (token) => (token === 'limited' ? limited : base.authenticate(token)),
    ledgers: { ...base.ledgers, find: (name) => findLedger(database.write, name) },
    listTransactions: (id, query) => listTransactions({ db: database.write, calendar }, id, query),
    listArchived: createArchivedList(quarters, cache),
  });
}

/** Asked of both: the ledger, and the parameters of the list. */
const queries: readonly Query[] = [
  { ledger: 'council' },
  { ledger: 'shop' },
  { ledger: 'council', limit: '41' },
  { ledger: 'shop', status: 'SUCCESS' },
  { ledger: 'shop', status: 'FAILED', limit: '3' },
  ...['plain', "it's", '"', ' ', '\\N', 'a,b', '漢字 😀 e\u0301', 'NULL', 'nobody'].map((user_id) => ({
    ledger: 'council',
    user_id,
  })),
  { ledger: 'shop', user_id: 'plain', status: 'SUCCESS', limit: '7' },
  { ledger: 'shop', user_id: 'plain', currency: 'JPY' },
  { ledger: 'shop', currency: 'EUR' },
  { ledger: 'shop', currency: 'USD' },
  ...['p', '"', "it's", ' ', '\\', '漢', '{1', 'Zażółć', '\u{10ffff}', 'nothing'].map((reference_prefix) => ({
    ledger: 'council',
    reference_prefix,
  })),
  { ledger: 'shop', reference_prefix: 'a', status: 'SUCCESS', currency: 'EUR' },
  { ledger: 'council', account: 'user-1:WALLET', limit: '13' },
  { ledger: 'council', account: '17' },
  { ledger: 'shop', account: 'user-1:WALLET' },
  { ledger: 'shop', account: 'user-33:WALLET', currency: 'JPY' },
  { ledger: 'council', account: 'user-1:WALLET', user_id: 'plain' },
  { ledger: 'council', account: 'user-1:WALLET', reference_prefix: '"', status: 'SUCCESS' },
  { ledger: 'council', from: '2024-02-01', to: '2024-02-10' },
  { ledger: 'council', from: '2024-02-01T00:00:00.001Z', to: '2024-02-01T23:59:59.999+05:45', limit: '5' },
  { ledger: 'shop', from: '2024-03-01', status: 'FAILED' },
  { ledger: 'shop', to: '2024-01-01' },
  { ledger: 'shop', account: 'user-1:WALLET', from: '2024-02-01', to: '2024-02-10', limit: '2' },
];

const bounds = { from: '2024-01-01', to: '2024-04-01' };

/** The list of what is online, in the quarter. Of several accounts at one instant it tells one after the other. */
async function readOnline({ ledger = '', limit: _, ...query }: Query): Promise<Listed[]> {
  const rows = await readPages(`/v1/ledgers/${ledger}/transactions`, { ...bounds, ...query, limit: '1000' });
  return rows.toSorted((a, b) => (a.created_at === b.created_at ? (a.id < b.id ? 1 : -1) : 0));
}

/** All pages, by way of the header that leads from each to the next. */
async function readPages(path: string, query: Query): Promise<Listed[]> {
  const rows: Listed[] = [];
  for (let link = `?${new URLSearchParams(query)}`; link !== ''; ) {
    const response = await inject(app, { url: `${path}${link}` });
    expect([response.statusCode, response.body.slice(0, 200)]).toEqual([200, expect.anything()]);
    const page = response.json();
    expect(page.transactions.length).toBeLessThanOrEqual(Number(query.limit ?? 50));
    rows.push(...page.transactions);
    link = /^<([^>]*)>; rel="next"$/.exec(String(response.headers.link ?? ''))?.[1] ?? '';
    expect(page.next_cursor === null).toBe(link === '');
    if (link !== '') expect(page.transactions.length).toBe(Number(query.limit ?? 50));
  }
  return rows;
}

const ask = (query: Query, { quarter = '2024q1', token = '' } = {}) =>
  inject(app, {
    url: `/v1/quarters/${quarter}/transactions?${new URLSearchParams(query)}`,
    ...(token === '' ? {} : { headers: { authorization: `Bearer ${token}` } }),
  });

describe("a quarter's transactions from its archive", () => {
  it('are the ones of many ledgers, users, accounts and prefixes', () => {
    const counts = [...online.values()].map((rows) => rows.length);
    expect(counts.filter((count) => count > 0).length).toBeGreaterThan(25);
    expect(Math.max(...counts)).toBe(2000);
    expect(counts).toContain(0);
  });

  it.each(queries)('are what the list told of them: %j', async (query) => {
    const rows = await readPages('/v1/quarters/2024q1/transactions', { limit: '1000', ...query });
    expect(rows).toEqual(online.get(JSON.stringify(query)));
  });

  it('are there when the tables are gone, and a store elsewhere is asked once for each file', async () => {
    await detachQuarter(house, run, '2024q1');
    const { localPath: _, ...disk } = house.store;
    const opened: string[] = [];
    const far: Store = {
      ...disk,
      open: (path) => {
        opened.push(path);
        return disk.open(path);
      },
    };
    const near = app;
    app = appOf(
      { ...house, store: far },
      createFileCache({ directory: join(directory, 'far'), maxBytes: 1e9 }),
    );
    try {
      for (const query of queries.slice(0, 3)) {
        const rows = await readPages('/v1/quarters/2024q1/transactions', { limit: '1000', ...query });
        expect(rows).toEqual(online.get(JSON.stringify(query)));
      }
      expect(opened).toEqual(['ledger/2024q1/manifest.json', 'ledger/2024q1/transactions/part-0000.parquet']);
    } finally {
      app = near;
    }
  });

  it('go on from a cursor of the same list only', async () => {
    const first = (await ask({ ledger: 'council', limit: '2' })).json().next_cursor;
    const goOn = (query: Query, options = {}) => ask({ ...query, cursor: first }, options);
    expect((await goOn({ ledger: 'council', limit: '5' })).statusCode).toBe(200);
    problemIn(await goOn({ ledger: 'shop' }), 400, 'cursor_invalid');
    problemIn(await goOn({ ledger: 'council', status: 'SUCCESS' }), 400, 'cursor_invalid');
    problemIn(await goOn({ ledger: 'council' }, { quarter: '2024q2' }), 400, 'cursor_invalid');
    problemIn(await ask({ ledger: 'council', cursor: 'made-up' }), 400, 'cursor_invalid');
    const list = await inject(app, { url: '/v1/ledgers/council/transactions?limit=1&from=2024-04-01' });
    problemIn(await ask({ ledger: 'council', cursor: list.json().next_cursor }), 400, 'cursor_invalid');
  });

  it('are read by who may read that ledger, and by nobody else', async () => {
    expect((await ask({ ledger: 'council', limit: '1' }, { token: 'limited' })).statusCode).toBe(200);
    for (const ledger of ['shop', 'no-such-ledger']) {
      const response = await ask({ ledger, limit: '1' }, { token: 'limited' });
      const { detail } = problemIn(response, 403, 'forbidden');
      expect(detail).toContain(`the role reader in the ledger ${ledger}`);
      expect(response.headers['www-authenticate']).toContain('insufficient_scope');
    }
    // A cursor of somebody else opens nothing.
    const cursor = (await ask({ ledger: 'shop', limit: '1' })).json().next_cursor;
    problemIn(await ask({ ledger: 'shop', cursor }, { token: 'limited' }), 403, 'forbidden');
    problemIn(await ask({ ledger: 'council', cursor }, { token: 'limited' }), 400, 'cursor_invalid');
    problemIn(await ask({ limit: '1' }, { token: 'limited' }), 400, 'invalid_request');
    const twice = '/v1/quarters/2024q1/transactions?ledger=council&ledger=shop';
    const headers = { authorization: 'Bearer limited' };
    problemIn(await inject(app, { url: twice, headers }), 400, 'invalid_request');
    problemIn(await ask({ ledger: 'no-such-ledger' }), 404, 'no_such_ledger');
  });

  it('are told to be elsewhere, or not to be', async () => {
    const { detail } = problemIn(await ask({ ledger: 'shop' }, { quarter: '2024q2' }), 409, 'not_archived');
    expect(detail).toContain('2024q2 (open) has no archive: the rows are in the database');
    problemIn(await ask({ ledger: 'shop' }, { quarter: '1999q4' }), 404, 'no_such_quarter');
    problemIn(await ask({ ledger: 'shop' }, { quarter: '2024q5' }), 400, 'invalid_request');
    problemIn(await ask({ ledger: 'shop', account: 'nobody:WALLET' }), 404, 'account_not_found');
    problemIn(await ask({ ledger: 'shop', account: '1', status: 'FAILED' }), 400, 'invalid_filter');
    problemIn(await ask({ ledger: 'shop', status: 'PENDING' }), 400, 'invalid_request');
    problemIn(await ask({ ledger: 'shop', include_total: 'true' }), 400, 'invalid_request');
    problemIn(await ask({ ledger: 'shop', limit: '1001' }), 400, 'invalid_request');
    problemIn(await ask({ ledger: 'shop', from: '2024-02-02', to: '2024-02-01' }), 400, 'invalid_request');
  });

  it('are damaged, and not missing, when a file is gone from the store', async () => {
    const near = app;
    const { localPath: _, ...disk } = house.store;
    const poor: Store = { ...disk, open: (path) => disk.open(path.replace('part-0000', 'part-9999')) };
    app = appOf(
      { ...house, store: poor },
      createFileCache({ directory: join(directory, 'poor'), maxBytes: 1e9 }),
    );
    try {
      const { detail } = problemIn(await ask({ ledger: 'shop' }), 500, 'archive_damaged');
      expect(detail).not.toContain(directory);
    } finally {
      app = near;
    }
  });
});
