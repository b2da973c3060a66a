import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createIds } from '../../src/core/id.ts';
import { findArchivedIn } from '../../src/main/archived.ts';
import { archiveQuarter } from '../../src/quarters/archive.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { detachQuarter } from '../../src/quarters/detach.ts';
import { releaseQuarter } from '../../src/quarters/release.ts';
import { restoreQuarter } from '../../src/quarters/restore.ts';
import { openArchiveHouse, run } from '../quarters/archive-fixture.ts';
import { createLedger } from '../quarters/support-ledger.ts';
import { sumUp } from '../quarters/support-summaries.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let home: TestDatabase;
let directory: string;
let house: QuarterHouse;
let ledger: number;
const quarter = '2024q1';
const at = new Date('2024-02-03T04:05:06.789Z');
const id = createIds()(at);

beforeAll(async () => {
  home = await createDatabase();
  directory = await mkdtemp(join(tmpdir(), 'test-archived-'));
  house = openArchiveHouse(home.url, directory);
  const db = house.database.write;
  const { start, end } = house.calendar.quarter(quarter);
  await ensureQuarters(house, run, start, at);
  ledger = await createLedger(db, 'a', 2);
  const refused = { status: 'FAILED', currency: 'EUR', amount: 5n, account_ids: [] } as const;
  await db
    .insertInto('ledger.transactions')
    .values({ ledger_id: ledger, created_at: at, id, user_id: 'ann', ...refused } as never)
    .execute();
  await sumUp(db, ledger, start, end);
  await closeQuarter(house, run, quarter);
  await archiveQuarter(house, run, quarter);
});

afterAll(async () => {
  await house?.database.close();
  await home?.drop();
  await rm(directory, { recursive: true, force: true });
});

it('a transaction is found in the archive from the moment on that its table has left, until the quarter is back', async () => {
  const find = async () => (await findArchivedIn(house)(ledger, id))?.id;
  const found: [string, string | undefined][] = [];
  const step = async (name: string) => {
    found.push([name, await find()]);
  };
  expect(await find()).toBeUndefined();
  await detachQuarter(house, { ...run, step }, quarter);
  await restoreQuarter(house, { ...run, step }, quarter);
  await releaseQuarter(house, { ...run, step }, quarter);
  const missing = found.filter(([, one]) => one !== id).map(([name]) => name);
  expect(missing).toEqual(['detach.before.transactions']);
  expect(found.map(([name]) => name)).toEqual(
    expect.arrayContaining(['detach.after.transactions', 'restore.committed', 'release.after.transactions']),
  );
  expect(await findArchivedIn(house)(ledger, createIds()(at))).toBeUndefined();
});
