import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openDiskStore } from '../../src/archive/disk-store.ts';
import type { Manifest } from '../../src/archive/manifest.ts';
import type { Store } from '../../src/archive/store.ts';
import { checkFiles, withUnloader } from '../../src/archive/unload.ts';
import { readManifest } from '../../src/archive/verify.ts';
import { flipBit, openArchivedHome } from '../quarters/restore-fixture.ts';

let directory: string;
let store: Store;
let manifest: Manifest;
const folder = 'ledger/2024q1';

beforeAll(async () => {
  const home = await openArchivedHome(['2024q1'], 30);
  directory = await mkdtemp(join(tmpdir(), 'test-unload-'));
  await cp(join(home.directory, 'ledger'), join(directory, 'ledger'), { recursive: true });
  await home.close();
  store = openDiskStore(directory);
  ({ manifest } = await readManifest(store, folder));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

/** A store that is elsewhere: its files have to be fetched. */
const remote = (): Store => {
  const { localPath: _, ...elsewhere } = store;
  return elsewhere;
};

async function unloaded(from: Store): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  let rows = 0;
  const onRows = (more: number) => {
    rows += more;
  };
  await withUnloader(from, folder, manifest.tables, { onRows }, async (rowsOf) => {
    for (const table of manifest.tables)
      found[table.name] = Buffer.concat(await Readable.from(rowsOf(table)).toArray()).toString();
  });
  expect(rows).toBe(manifest.tables.reduce((sum, table) => sum + table.rows, 0));
  return found;
}

describe('the rows of an archive', () => {
  it('come table by table, the same from a store that is here and from one that is elsewhere', async () => {
    const here = await unloaded(store);
    expect(Object.keys(here)).toEqual(manifest.tables.map(({ name }) => name));
    expect(here.currencies).toMatch(/^[A-Z]{3},\d\n/);
    expect(here.transactions).toMatch(/^1,2024-01-01 00:00:00\+00,[0-9a-f-]{36},/);
    expect(await unloaded(remote())).toEqual(here);
  });

  it('end where a file is not the one that was written', async () => {
    const mend = await flipBit(directory, `${folder}/entries/part-0000.parquet`);
    const [transactions, entries] = manifest.tables;
    const given: string[] = [];
    const reading = withUnloader(store, folder, manifest.tables, {}, async (rowsOf) => {
      for (const table of [transactions, entries])
        if (table !== undefined) for await (const _ of rowsOf(table)) given.push(table.name);
    });
    await expect(reading).rejects.toMatchObject({
      code: 'archive_damaged',
      detail: expect.stringContaining('entries/part-0000.parquet has another SHA-256'),
    });
    expect(given).not.toContain('entries');
    await mend();
  });

  it('leave nothing behind, be they taken or not', async () => {
    const own = await mkdtemp(join(directory, 'tmp-'));
    vi.stubEnv('TMPDIR', own);
    onTestFinished(() => void vi.unstubAllEnvs());
    await withUnloader(store, folder, manifest.tables, {}, async (rowsOf) => {
      for await (const _ of rowsOf(manifest.tables[0] as Manifest['tables'][number])) break;
    });
    expect(await readdir(own)).toEqual([]);
  });
});

describe('the files of an archive', () => {
  it('are all there, with their bytes, and no other', async () => {
    const progress: number[] = [];
    const onProgress = ({ done, total }: { done: number; total: number }) => void progress.push(done / total);
    await checkFiles(remote(), folder, manifest, { onProgress });
    expect(progress.at(-1)).toBe(1);

    const mend = await flipBit(directory, `${folder}/accounts/part-0000.parquet`);
    const gone = {
      ...store,
      list: async () => (await store.list(folder)).filter(({ path }) => !/entries/.test(path)),
    };
    await expect(checkFiles(gone, folder, manifest, {})).rejects.toMatchObject({
      code: 'archive_damaged',
      detail: expect.stringMatching(
        /entries\/part-0000.parquet is missing; accounts\/part-0000.parquet has another SHA-256/,
      ),
    });
    await mend();
  });
});
