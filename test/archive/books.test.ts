import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDiskStore } from '../../src/archive/disk-store.ts';
import type { Manifest } from '../../src/archive/manifest.ts';
import type { Store } from '../../src/archive/store.ts';
import { verifyArchive } from '../../src/archive/verify.ts';
import { soundBooks, writeArchive } from './books.ts';

let directory: string;
let store: Store;
const FOLDER = 'ledger/2024q1';
const verify = () => verifyArchive(store, FOLDER);

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'test-books-'));
  store = openDiskStore(directory);
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const damaged = (detail: RegExp) => ({
  kind: 'corrupt',
  code: 'archive_damaged',
  detail: expect.stringMatching(detail),
});

describe('books that were made up with all their digests are found out by the rows:', () => {
  const change = (table: string, row: number, from: string, to: string) => ({
    ...soundBooks,
    [table]: (soundBooks[table] ?? []).map((text, i) => (i === row ? text.replace(from, to) : text)),
  });
  const without = (table: string, row: number) => ({
    ...soundBooks,
    [table]: (soundBooks[table] ?? []).filter((_, i) => i !== row),
  });
  const cases: Record<string, [rows: typeof soundBooks, detail: RegExp]> = {
    'an entry of another amount': [
      change('entries', 1, ',-200,', ',-201,'),
      /transactions: the entries of 1 transactions, as 018cc251-f400-7000-8000-000000000002, do not sum to 0/,
    ],
    'a booked transaction without entries': [
      change('transactions', 4, 'FAILED', 'SUCCESS'),
      /transactions: 5 transactions are booked and 4 have entries/,
    ],
    'a failed transaction with entries': [
      change('transactions', 0, 'SUCCESS', 'FAILED'),
      /transactions: 3 transactions are booked and 4 have entries/,
    ],
    'another closing balance': [
      change('quarter_balances', 0, '-500', '-501'),
      /trial balance: 1 accounts differ from their entries, as account 1 of ledger 1/,
    ],
    'an account that did not move': [
      { ...soundBooks, quarter_balances: [...(soundBooks.quarter_balances ?? []), '1,3,0,0,0,0'] },
      /trial balance: 1 accounts differ.*accounts: 1 accounts are missing/,
    ],
    'a gap in the versions': [change('entries', 3, ',11,', ',12,'), /trial balance: 1 accounts differ/],
    'another last balance': [change('entries', 3, ',-500', ',-400'), /trial balance: 1 accounts differ/],
    'a balance that does not go on, in the trial balance too': [
      {
        ...change('entries', 3, ',-500', ',-400'),
        quarter_balances: ['1,1,500,1000,0,-400', '1,2,-500,0,1000,500'],
      },
      /trial balance: 1 accounts differ/,
    ],
    'entries in another order': [
      {
        ...soundBooks,
        entries: [1, 0, ...(soundBooks.entries ?? []).keys()]
          .filter((n, i) => i < 2 || n > 1)
          .map((n) => soundBooks.entries?.[n] ?? ''),
      },
      /entries\/part-0000\.parquet ends before it begins/,
    ],
    'an entry that is there twice': [
      { ...soundBooks, entries: [...(soundBooks.entries ?? []).slice(0, 1), ...(soundBooks.entries ?? [])] },
      /order: 1 rows of entries\/part-0000\.parquet do not come after the one before them/,
    ],
    'an account that is not there': [without('accounts', 1), /accounts: 1 accounts are missing/],
  };
  for (const [name, [rows, detail]] of Object.entries(cases)) {
    it(name, async () => {
      await writeArchive(store, FOLDER, { rows });
      await expect(verify()).rejects.toMatchObject(damaged(detail));
    });
  }

  it('a currency that is not there', async () => {
    const change = (manifest: Manifest) => ({
      ...manifest,
      ledgers: manifest.ledgers.map((ledger) => ({
        ...ledger,
        currencies: ledger.currencies.map((currency) => ({ ...currency, exponent: 2 })),
      })),
    });
    await writeArchive(store, FOLDER, { rows: without('currencies', 0), change });
    await expect(verify()).rejects.toMatchObject(damaged(/accounts: 1 currencies are missing\. totals/));
  });
});
