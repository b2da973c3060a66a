import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readManifest, verifyArchive } from '../../src/archive/verify.ts';
import { archiveQuarter } from '../../src/quarters/archive.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { reopenQuarter } from '../../src/quarters/reopen.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openArchiveHouse, run } from './archive-fixture.ts';
import { bookPayments, createLedger } from './support-ledger.ts';

let home: TestDatabase;
let directory: string;
let house: QuarterHouse;
const quarters = ['2024q1', '2024q2'];
const start = new Date('2024-01-01T00:00:00Z');
const end = new Date('2024-07-01T00:00:00Z');
const digestOf = async (quarter: string) => (await readQuarter(house.database.direct, quarter)).digest;
const left = async (quarter: string) =>
  (await readManifest(house.store, `ledger/${quarter}`)).manifest.digest;

/** Ends an archive as a kill does: with its manifest in the store, and nothing of it recorded. */
async function archiveHalf(quarter: string): Promise<void> {
  const step = (name: string) => {
    if (name === 'archive.manifest_stored') throw new Error('killed');
  };
  await expect(archiveQuarter(house, { ...run, step }, quarter)).rejects.toThrow('killed');
  expect(await left(quarter)).toBe(await digestOf(quarter));
}

/** Payments in both quarters. */
async function pay(ledger: string): Promise<void> {
  const id = await createLedger(house.database.write, ledger, 4);
  await bookPayments(house.database.write, id, { start, end, transactions: 40 });
}

beforeAll(async () => {
  home = await createDatabase();
  directory = await mkdtemp(join(tmpdir(), 'test-archive-'));
  house = openArchiveHouse(home.url, directory);
  await ensureQuarters(house, run, start, new Date(end.getTime() - 1));
  await pay('a');
  for (const quarter of quarters) await closeQuarter(house, run, quarter);
});

afterAll(async () => {
  await house?.database.close();
  await home?.drop();
  await rm(directory, { recursive: true, force: true });
});

it('a manifest that a killed archive left does not keep a quarter that was closed with other rows from its archive', async () => {
  for (const quarter of quarters) await archiveHalf(quarter);
  const former = await Promise.all(quarters.map(digestOf));
  for (const quarter of quarters) await reopenQuarter(house, run, quarter);
  await pay('b');
  for (const [i, quarter] of quarters.entries()) {
    await closeQuarter(house, run, quarter);
    expect(await digestOf(quarter)).not.toBe(former[i]);
    expect(await left(quarter)).toBe(former[i]);
    await archiveQuarter(house, run, quarter);
    expect(await left(quarter)).toBe(await digestOf(quarter));
    await verifyArchive(house.store, `ledger/${quarter}`);
  }
});
