import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createKey } from '../../src/ledger/keys.ts';
import { findArchivedIn } from '../../src/main/archived.ts';
import { archiveQuarter } from '../../src/quarters/archive.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { detachQuarter } from '../../src/quarters/detach.ts';
import { bookNastyPayments, closeQuarters, openArchiveHouse, run } from '../quarters/archive-fixture.ts';
import { sumUp } from '../quarters/support-summaries.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { type ApiProcess, call, startApi } from './api-process.ts';

let home: TestDatabase;
let directory: string;
let house: QuarterHouse;
let api: ApiProcess;
const id = `${instantHex('2024-02-01T10:00:00Z')}-7000-8000-000000000001`;

beforeAll(async () => {
  home = await createDatabase();
  directory = await mkdtemp(join(tmpdir(), 'test-api-archived-'));
  house = openArchiveHouse(home.url, directory);
  await bookNastyPayments(house, [{ quarter: '2024q1', transactions: 300 }]);
  // Its id holds its time, as those have that were posted.
  await sql`
    INSERT INTO ledger.transactions (ledger_id, created_at, id, user_id, status, currency, amount, account_ids)
    VALUES (1, ${new Date('2024-02-01T10:00:00Z')}, ${id}, 'ada', 'FAILED', 'GBP', 1, '{}')`.execute(
    house.database.direct,
  );
  const { start, end } = house.calendar.quarter('2024q1');
  await sumUp(house.database.direct, 1, start, end);
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

it('a transaction is booked upon that is in the archive which was recorded, and in no other', async () => {
  await detachQuarter(house, run, '2024q1');
  const find = () => findArchivedIn(house)(1, id);
  expect(await find()).toMatchObject({ id });
  const manifest = join(directory, 'ledger/2024q1/manifest.json');
  const text = await readFile(manifest, 'utf8');
  await writeFile(manifest, text.replace('"by": "ada"', '"by": "eve"'));
  await expect(find()).rejects.toMatchObject({ kind: 'corrupt', code: 'archive_damaged' });
  await rm(manifest);
  await expect(find()).rejects.toMatchObject({ kind: 'corrupt', code: 'archive_damaged' });
});

/** The first two groups of a version 7 UUID. */
function instantHex(instant: string): string {
  const hex = Date.parse(instant).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}
