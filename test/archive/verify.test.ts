import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDiskStore } from '../../src/archive/disk-store.ts';
import type { Manifest } from '../../src/archive/manifest.ts';
import type { Store } from '../../src/archive/store.ts';
import { verifyArchive } from '../../src/archive/verify.ts';
import { putManifest, spoil, writeArchive } from './books.ts';

let directory: string;
let store: Store;
const FOLDER = 'ledger/2024q1';
const place = (path: string) => join(directory, FOLDER, path);
const verify = () => verifyArchive(store, FOLDER);

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'test-verify-'));
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

describe('an archive', () => {
  it('proves itself, and every check is named', async () => {
    const manifest = await writeArchive(store, FOLDER);
    const report = await verify();
    expect(report).toMatchObject({ quarter: '2024q1', digest: manifest.digest, files: 10, rows: 19 });
    expect(report.checks.map(({ name, ok }) => `${name} ${ok}`)).toEqual(
      [
        'manifest',
        'files',
        'checksums',
        'columns',
        'rows',
        'order',
        'bounds',
        'transactions',
        'trial balance',
        'accounts',
        'digests',
        'totals',
      ].map((name) => `${name} true`),
    );
    expect(manifest.ledgers).toEqual([
      {
        id: 1,
        name: 'council',
        currencies: [
          {
            currency: 'EUR',
            exponent: 2,
            transactions: 5,
            failed: 1,
            debits: '1000',
            credits: '1000',
            first_transaction: '018cc251-f400-7000-8000-000000000001',
            last_transaction: '018cc251-f400-7000-8000-000000000005',
          },
        ],
      },
    ]);
  });

  it('is proved in a folder of any name, and in a store elsewhere, from which it is fetched', async () => {
    await writeArchive(store, 'Kopie von 2024 (2)');
    await verifyArchive(store, 'Kopie von 2024 (2)');
    const { localPath: _, ...elsewhere } = store;
    const progress: string[] = [];
    await verifyArchive(elsewhere, 'Kopie von 2024 (2)', {
      onProgress: ({ done, total }) => progress.push(`${done}/${total}`),
    });
    const total = progress.at(-1)?.split('/')[1];
    expect(progress.at(-1)).toBe(`${total}/${total}`);
  });

  it('is proved where a link leads to the store', async () => {
    await writeArchive(store, FOLDER);
    await symlink(directory, `${directory}-link`);
    try {
      await verifyArchive(openDiskStore(`${directory}-link`), FOLDER);
    } finally {
      await rm(`${directory}-link`);
    }
  });

  it('may hold a quarter in which nothing happened', async () => {
    const nothing = { transactions: [], entries: [], quarter_balances: [], accounts: [], currencies: [] };
    await writeArchive(store, FOLDER, { rows: nothing });
    expect(await verify()).toMatchObject({ files: 5, rows: 0 });
  });

  it('is not proved without a manifest', async () => {
    await writeArchive(store, FOLDER);
    await store.remove(`${FOLDER}/manifest.json`);
    await expect(verify()).rejects.toMatchObject({ kind: 'not_found', code: 'not_in_store' });
  });

  it('stops when it is asked to', async () => {
    await writeArchive(store, FOLDER);
    const stop = new AbortController();
    const verifying = verifyArchive(store, FOLDER, { signal: stop.signal, onProgress: () => stop.abort() });
    await expect(verifying).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('damage to the files is found:', () => {
  const part = 'entries/part-0001.parquet';
  const cases: Record<string, [damage: () => Promise<unknown>, detail: RegExp]> = {
    'a bit in the middle': [
      () => spoil(place(part), (bytes) => Buffer.from(bytes.map((byte, i) => (i === 200 ? byte ^ 4 : byte)))),
      /checksums: entries\/part-0001\.parquet has another SHA-256/,
    ],
    'a lost end': [
      () => spoil(place(part), (bytes) => bytes.subarray(0, -1)),
      /entries\/part-0001\.parquet has \d+ bytes instead of \d+/,
    ],
    'nothing left of a file': [
      () => spoil(place(part), () => Buffer.alloc(0)),
      /entries\/part-0001\.parquet has 0 bytes/,
    ],
    'a missing part': [() => rm(place(part)), /files: entries\/part-0001\.parquet is missing/],
    'a part too many': [
      () => writeFile(place('entries/part-0004.parquet'), 'PAR1'),
      /files: entries\/part-0004\.parquet does not belong here/,
    ],
    'a strange file': [() => writeFile(place('notes.txt'), ''), /notes\.txt does not belong here/],
    'two parts in each other’s place': [
      async () => {
        await rename(place('entries/part-0000.parquet'), place('aside'));
        await rename(place(part), place('entries/part-0000.parquet'));
        await rename(place('aside'), place(part));
      },
      /entries\/part-0000\.parquet has another SHA-256; entries\/part-0001\.parquet has another SHA-256/,
    ],
    'everything at once': [
      async () => {
        await rm(place('currencies/part-0000.parquet'));
        await writeFile(place('strange'), '');
        await spoil(place(part), (bytes) => bytes.subarray(1));
      },
      /files: currencies\S+ is missing; strange does not belong here\. checksums: entries/,
    ],
  };
  for (const [name, [damage, detail]] of Object.entries(cases)) {
    it(name, async () => {
      await writeArchive(store, FOLDER);
      await damage();
      await expect(verify()).rejects.toMatchObject(damaged(detail));
    });
  }

  it('a part that a link stands for', async () => {
    await writeArchive(store, FOLDER);
    await rename(place(part), join(directory, 'elsewhere'));
    await symlink(join(directory, 'elsewhere'), place(part));
    await expect(verify()).rejects.toMatchObject({ kind: 'corrupt', code: 'symlink_in_store' });
  });
});

describe('a manifest that does not fit its files is found:', () => {
  const cases: Record<string, [change: (manifest: Manifest) => Manifest, detail: RegExp]> = {
    'another digest of the quarter': [
      (m) => ({ ...m, digest: m.digest.replace(/^./, (c) => (c === '0' ? '1' : '0')) }),
      /digests: the digest of the quarter is/,
    ],
    'another digest of a table': [
      (m) => ({ ...m, tables: m.tables.map((t) => ({ ...t, digest: '0'.repeat(32) })) }),
      /the digest of transactions is [0-9a-f]{32} instead of 0{32}/,
    ],
    'another sum': [
      (m) => ({
        ...m,
        ledgers: m.ledgers.map((l) => ({
          ...l,
          currencies: l.currencies.map((c) => ({ ...c, debits: '1001' })),
        })),
      }),
      /totals: they are .*"debits":"1000"/,
    ],
    'a ledger left out': [(m) => ({ ...m, ledgers: [] }), /totals/],
    'another quarter': [
      (m) => ({ ...m, ends_at: '2024-02-03T00:00:00.000Z' }),
      /bounds: 3 rows of transactions are not of 2024q1; 4 rows of entries/,
    ],
    'another type of a column': [
      (m) => ({
        ...m,
        tables: m.tables.map((t) => ({
          ...t,
          columns: t.columns.map((c) => (c.name === 'amount' ? { ...c, type: 'integer' as const } : c)),
        })),
      }),
      /columns: transactions\/part-0000\.parquet has the columns ledger_id INTEGER/,
    ],
    'a table left out': [
      (m) => ({ ...m, tables: m.tables.filter(({ name }) => name !== 'accounts') }),
      /accounts\/part-0000\.parquet does not belong here.*there is no table accounts/,
    ],
    'a key that is not the first of its file': [
      (m) => ({
        ...m,
        tables: m.tables.map((t) => ({
          ...t,
          files: t.files.map((f) =>
            t.name === 'entries' && f.path.includes('0001') ? { ...f, first_key: f.last_key } : f,
          ),
        })),
      }),
      /order: entries\/part-0001\.parquet begins with 1,1,2024-02-03T10:00:00\.003000Z,10 instead of 1,1,2024-02-04/,
    ],
    'rows counted to another file': [
      (m) => ({
        ...m,
        tables: m.tables.map((t) => ({
          ...t,
          files: t.files.map((f, i) => ({
            ...f,
            rows: t.files.length > 1 && i < 2 ? f.rows + 1 - 2 * i : f.rows,
          })),
        })),
      }),
      /rows: transactions\/part-0000\.parquet has 2 rows instead of 3; transactions\/part-0001/,
    ],
  };
  for (const [name, [change, detail]] of Object.entries(cases)) {
    it(name, async () => {
      await writeArchive(store, FOLDER, { change });
      await expect(verify()).rejects.toMatchObject(damaged(detail));
    });
  }

  it('a manifest that is none', async () => {
    const manifest = await writeArchive(store, FOLDER);
    await putManifest(store, FOLDER, { ...manifest, quarter: '2024q5' });
    await expect(verify()).rejects.toMatchObject(damaged(/manifest: manifest\.quarter must be a quarter/));
  });

  it('a manifest without an end, which is not read to it', async () => {
    let read = 0;
    const endless: Store = {
      ...store,
      open: async () =>
        Readable.from(
          (function* () {
            for (;;) yield Buffer.alloc(1024 * 1024, ++read % 2 ? ' ' : '\n');
          })(),
        ),
    };
    await expect(verifyArchive(endless, FOLDER)).rejects.toMatchObject(damaged(/manifest: it has more than/));
    expect(read).toBeLessThan(200);
  });
});
