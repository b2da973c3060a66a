import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createKey } from '../../src/ledger/keys.ts';
import { archiveQuarter } from '../../src/quarters/archive.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { bookNastyPayments, closeQuarters, openArchiveHouse, run } from '../quarters/archive-fixture.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { type ApiProcess, call, startApi } from './api-process.ts';

let home: TestDatabase;
let directory: string;
let house: QuarterHouse;
let api: ApiProcess;

beforeAll(async () => {
  home = await createDatabase();
  directory = await mkdtemp(join(tmpdir(), 'test-api-archived-'));
  house = openArchiveHouse(home.url, directory);
  await bookNastyPayments(house, [{ quarter: '2024q1', transactions: 300 }]);
  await closeQuarters(house, ['2024q1']);
  await archiveQuarter(house, run, '2024q1');
  api = await startApi({ QM_DATABASE_URL: home.url, QM_STORE: pathToFileURL(directory).href });
});

afterAll(async () => {
  api?.child.kill();
  await api?.ended;
  await house?.database.close();
  await home?.drop();
  await rm(directory, { recursive: true, force: true });
});

it('an API serves what is in the archives of its store, to who may read that ledger', async () => {
  const { token } = await createKey(house.database.write, {
    name: 'auditor',
    roles: ['reader'],
    ledgers: ['council'],
  });
  const path = '/v1/quarters/2024q1/transactions';
  const archived = await call(api.url, token, 'GET', `${path}?ledger=council&limit=100`);
  const online = await call(
    api.url,
    token,
    'GET',
    '/v1/ledgers/council/transactions?limit=100&to=2024-04-01',
  );
  expect([archived.status, online.status]).toEqual([200, 200]);
  expect(archived.body.transactions).toHaveLength(100);
  expect(archived.body.transactions).toEqual(online.body.transactions);
  expect((await call(api.url, token, 'GET', `${path}?ledger=shop`)).status).toBe(403);
});
