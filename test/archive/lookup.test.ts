import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDiskStore } from '../../src/archive/disk-store.ts';
import { findInArchive } from '../../src/archive/lookup.ts';
import { sha256 } from '../../src/archive/manifest.ts';
import type { Store } from '../../src/archive/store.ts';
import { writeArchive } from './books.ts';

let directory: string;
let manifestSha256: string;
const id = (n: number) => `018cc251-f400-7000-8000-00000000000${n}`;
const at = (n: number) => new Date(`2024-02-0${n}T10:00:00.00${n}Z`);
const find = (n: number, ledgerId = 1, createdAt = at(n)) =>
  findInArchive(openDiskStore(directory), 'books/2024q1', { ledgerId, id: id(n), createdAt, manifestSha256 });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lookup-'));
  await writeArchive(openDiskStore(directory), 'books/2024q1');
  manifestSha256 = sha256(await readFile(join(directory, 'books/2024q1/manifest.json')));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('a transaction in an archive', () => {
  it('is found with its entries, in the order in which it names its accounts', async () => {
    expect(await find(3)).toMatchObject({
      status: 'SUCCESS',
      currency: 'EUR',
      amount: '300',
      reference_code: '',
      effective_ms: null,
      metadata: null,
      entries: [
        { entity_id: 'user-1', group_type: 'WALLET', amount: '-300', balance_after: '-100', version: '10' },
        { entity_id: 'user-2', group_type: 'WALLET', amount: '300', balance_after: '100', version: '3' },
      ],
    });
    expect(await find(5)).toMatchObject({ status: 'FAILED', entries: [] });
  });

  it('is read from the parts alone that can hold it by their keys', async () => {
    const disk = openDiskStore(directory);
    const opened: string[] = [];
    const watched: Store = {
      ...disk,
      open(path) {
        opened.push(path.replace('books/2024q1/', ''));
        return disk.open(path);
      },
    };
    const found = await findInArchive(watched, 'books/2024q1', {
      ...{ ledgerId: 1, id: id(3), createdAt: at(3) },
      manifestSha256,
    });
    expect(found?.entries).toHaveLength(2);
    // There are three parts of transactions and four of entries, of two rows each.
    expect(opened).toEqual([
      'manifest.json',
      'transactions/part-0001.parquet',
      'entries/part-0001.parquet',
      'entries/part-0003.parquet',
      'accounts/part-0000.parquet',
    ]);
    opened.length = 0;
    await findInArchive(watched, 'books/2024q1', {
      ...{ ledgerId: 2, id: id(3), createdAt: at(3) },
      manifestSha256,
    });
    expect(opened).toEqual(['manifest.json']);
  });

  it('is not found in another ledger, under another time or another id', async () => {
    expect(await find(3, 2)).toBeUndefined();
    expect(await find(3, 1, at(4))).toBeUndefined();
    expect(await find(9, 1, at(4))).toBeUndefined();
  });

  it('is not believed when the archive is another than the one that was recorded', async () => {
    const key = { ledgerId: 1, id: id(3), createdAt: at(3), manifestSha256: 'f'.repeat(64) };
    await expect(findInArchive(openDiskStore(directory), 'books/2024q1', key)).rejects.toMatchObject({
      code: 'archive_damaged',
    });
  });

  it('is not believed when a file is not the one that was written', async () => {
    const file = join(directory, 'books/2024q1/entries/part-0001.parquet');
    const bytes = await readFile(file);
    bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
    await writeFile(file, bytes);
    await expect(find(3)).rejects.toMatchObject({ code: 'archive_damaged' });
  });
});
