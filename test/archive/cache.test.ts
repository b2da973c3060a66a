import { createHash, randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ArchivePart, createFileCache } from '../../src/archive/cache.ts';
import { openDiskStore } from '../../src/archive/disk-store.ts';
import type { Store } from '../../src/archive/store.ts';
import { AppError } from '../../src/core/errors.ts';
import { fetchInProcess } from './cache-process.ts';
import { farStore } from './far-store.ts';

let directory: string;
let place: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cache-'));
  place = join(directory, 'cache');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function part(store: Store, name: string, bytes: Buffer): ArchivePart {
  return {
    store,
    folder: 'books/2024q1',
    file: { path: name, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') },
  };
}

/** Parts of random bytes, so many each. */
function parts(...sizes: number[]) {
  const contents = sizes.map((size) => randomBytes(size));
  const { store, opened } = farStore(
    Object.fromEntries(contents.map((bytes, i) => [`books/2024q1/${i}`, bytes])),
  );
  return { contents, opened, all: contents.map((bytes, i) => part(store, String(i), bytes)) };
}

/** Waits until the clock of the disk has gone on: some tell the time to a few milliseconds only. */
async function tick(): Promise<void> {
  const probe = join(directory, 'probe');
  const now = async () => {
    await writeFile(probe, '');
    await chmod(probe, 0o600);
    return (await stat(probe)).ctimeMs;
  };
  const before = await now();
  while ((await now()) === before);
}

async function kept(): Promise<string[]> {
  const names = await readdir(place).catch(() => []);
  return names.filter((name) => name.endsWith('.parquet'));
}

const read = (files: readonly string[]) => Promise.all(files.map((file) => readFile(file)));

describe('files of a store that is elsewhere', () => {
  it('are fetched once, and are there for the next process', async () => {
    const { contents, opened, all } = parts(100, 200);
    const cache = createFileCache({ directory: place, maxBytes: 1000 });
    expect(await cache.withFiles(all, {}, read)).toEqual(contents);
    expect(await cache.withFiles(all.toReversed(), {}, read)).toEqual(contents.toReversed());
    expect(await createFileCache({ directory: place, maxBytes: 1000 }).withFiles(all, {}, read)).toEqual(
      contents,
    );
    expect(opened).toEqual(['books/2024q1/0', 'books/2024q1/1']);
    // Nothing but what is kept is left.
    expect((await readdir(place)).sort()).toEqual(all.map(({ file }) => `${file.sha256}.parquet`).sort());
    expect((await stat(place)).mode & 0o77).toBe(0);
  });

  it('are fetched once where several ask at the same time, or several archives hold the same', async () => {
    const bytes = randomBytes(100);
    const { store, opened } = farStore({ 'books/2024q1/a': bytes, 'books/2024q1/b': bytes });
    const cache = createFileCache({ directory: place, maxBytes: 1000 });
    const both = [part(store, 'a', bytes), part(store, 'b', bytes)];
    const found = await Promise.all([1, 2, 3].map(() => cache.withFiles(both, {}, read)));
    expect(found).toEqual([1, 2, 3].map(() => [bytes, bytes]));
    expect(opened).toHaveLength(1);
  });

  it('are fetched by who waited when the one before failed', async () => {
    const bytes = randomBytes(100);
    const { store } = farStore({ 'books/2024q1/a': bytes });
    let first = true;
    const flaky: Store = {
      ...store,
      open: async (path) => {
        if (!first) return store.open(path);
        first = false;
        throw new AppError('unavailable', 'store_failed', 'gone for a moment');
      },
    };
    const cache = createFileCache({ directory: place, maxBytes: 1000 });
    const results = await Promise.allSettled(
      [1, 2].map(() => cache.withFiles([part(flaky, 'a', bytes)], {}, read)),
    );
    // Either of the two may be first.
    expect(results.toSorted((a, b) => b.status.localeCompare(a.status))).toEqual([
      { status: 'rejected', reason: expect.objectContaining({ code: 'store_failed' }) },
      { status: 'fulfilled', value: [bytes] },
    ]);
  });

  it('are kept up to a limit, the ones used last', async () => {
    const { opened, all } = parts(...Array<number>(8).fill(150), 600);
    const [large, ...small] = all.toReversed() as [ArchivePart, ...ArchivePart[]];
    const cache = createFileCache({ directory: place, maxBytes: 1200 });
    const inUse = [5, 2, 7, 0].map((i) => small[i] as ArchivePart);
    for (const each of [...small, ...inUse, large]) {
      await cache.withFiles([each], {}, read);
      await tick();
    }
    expect((await kept()).sort()).toEqual(
      [...inUse, large].map(({ file }) => `${file.sha256}.parquet`).sort(),
    );
    await cache.withFiles([...inUse, large], {}, read);
    expect(opened).toHaveLength(9);
    await cache.withFiles(small, {}, read);
    expect(opened).toHaveLength(13);
  });

  it('may be more than is kept, all at once', async () => {
    const { contents, all } = parts(600, 600, 600, 5000);
    const cache = createFileCache({ directory: place, maxBytes: 1000 });
    expect(await cache.withFiles(all, {}, read)).toEqual(contents);
    expect(await kept()).toHaveLength(1);
    expect(await cache.withFiles(all, {}, read)).toEqual(contents);
    const total = await Promise.all((await kept()).map(async (name) => (await stat(join(place, name))).size));
    expect(total.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(1000);
  });

  it('stay while they are used, whoever makes room', async () => {
    const { contents, all } = parts(600, 600, 600);
    const [first, second, third] = all as [ArchivePart, ArchivePart, ArchivePart];
    const mine = createFileCache({ directory: place, maxBytes: 1000 });
    const another = createFileCache({ directory: place, maxBytes: 1000 });
    await mine.withFiles([first], {}, async ([file = '']) => {
      expect(await another.withFiles([second, third], {}, read)).toEqual(contents.slice(1));
      expect(await kept()).toEqual([`${first.file.sha256}.parquet`]);
      // Even where its name in the cache was taken away by somebody who does not know better.
      for (const name of await kept()) await rm(join(place, name));
      expect(await readFile(file)).toEqual(contents[0]);
    });
    expect((await readdir(place)).sort()).toEqual([]);
  });

  it.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(1)],
    ['changed', (bytes: Buffer) => Buffer.from(bytes.map((byte, i) => (i === 50 ? byte ^ 1 : byte)))],
    ['longer', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('x')])],
  ])('are not taken when the store gives them %s', async (_, spoil) => {
    const bytes = randomBytes(100);
    const { store } = farStore({ 'books/2024q1/a': spoil(bytes) });
    const cache = createFileCache({ directory: place, maxBytes: 1000 });
    const asked = cache.withFiles([part(store, 'a', bytes)], {}, read);
    await expect(asked).rejects.toMatchObject({ kind: 'corrupt', code: 'archive_damaged' });
    expect(await readdir(place)).toEqual([]);
  });

  it('are fetched anew where the disk has not kept them', async () => {
    const { contents, opened, all } = parts(100);
    await createFileCache({ directory: place, maxBytes: 1000 }).withFiles(all, {}, read);
    const [name = ''] = await kept();
    await writeFile(join(place, name), Buffer.alloc(100));
    expect(await createFileCache({ directory: place, maxBytes: 1000 }).withFiles(all, {}, read)).toEqual(
      contents,
    );
    expect(opened).toHaveLength(2);
    await writeFile(join(place, name), '');
    expect(await createFileCache({ directory: place, maxBytes: 1000 }).withFiles(all, {}, read)).toEqual(
      contents,
    );
    expect(opened).toHaveLength(3);
  });

  it('are let go of when nobody waits for them any more', async () => {
    const stalled = new PassThrough();
    const stop = new AbortController();
    const bytes = randomBytes(100);
    const { store } = farStore({ 'books/2024q1/a': bytes });
    const stalling: Store = {
      ...store,
      open: async () => {
        stalled.write(bytes.subarray(0, 10));
        setImmediate(() => stop.abort());
        return stalled;
      },
    };
    const cache = createFileCache({ directory: place, maxBytes: 1000 });
    const asked = cache.withFiles([part(stalling, 'a', bytes)], { signal: stop.signal }, read);
    await expect(asked).rejects.toMatchObject({ code: 'aborted' });
    expect(stalled.destroyed).toBe(true);
    expect(await readdir(place)).toEqual([]);
    expect(await cache.withFiles([part(store, 'a', bytes)], {}, read)).toEqual([bytes]);
  });

  it('are fetched by two processes at once, and a killed one leaves nothing that counts', async () => {
    const { contents, all } = parts(3000, 3000);
    await mkdir(join(directory, 'books/2024q1'), { recursive: true });
    for (const [i, bytes] of contents.entries())
      await writeFile(join(directory, 'books/2024q1', `${i}`), bytes);
    const asked = all.map(({ folder, file }) => ({ folder, file }));
    const task = { root: directory, directory: place, maxBytes: 100_000, parts: asked };
    expect((await fetchInProcess({ ...task, dieIn: '1' })).signal).toBe('SIGKILL');
    expect(await kept()).toEqual([`${all[0]?.file.sha256}.parquet`]);
    const left = (await readdir(place)).filter((name) => !name.endsWith('.parquet'));
    expect(left).toHaveLength(1);
    const found = await Promise.all([fetchInProcess(task), fetchInProcess(task)]);
    expect(found.map(({ hashes }) => hashes)).toEqual([1, 2].map(() => all.map(({ file }) => file.sha256)));
    // It was not heard of for long: whoever comes next sweeps.
    const long = new Date(Date.now() - 3_600_000);
    for (const name of left) {
      await utimes(join(place, name, 'alive'), long, long).catch(() => {});
      await utimes(join(place, name), long, long);
    }
    await fetchInProcess(task);
    expect((await readdir(place)).sort()).toEqual((await kept()).sort());
  });

  it('cannot be put where nothing can be written', async () => {
    const inFile = createFileCache({ directory: '/dev/null/cache', maxBytes: 1000 });
    const asked = inFile.withFiles(parts(100).all, {}, read);
    await expect(asked).rejects.toMatchObject({ kind: 'config', code: 'cache_unusable' });
  });

  it('are not put into a directory that anybody else can have made', async () => {
    if (process.getuid?.() !== 0) return;
    const { all } = parts(100);
    const before = process.env.TMPDIR;
    process.env.TMPDIR = directory;
    try {
      const own = createFileCache({ maxBytes: 1000 });
      await own.withFiles(all, {}, read);
      const name = `quartermaster-cache-${process.getuid()}`;
      expect(await readdir(directory)).toEqual([name]);
      await chown(join(directory, name), 65_534, 65_534);
      await chmod(join(directory, name), 0o777);
      await expect(own.withFiles(all, {}, read)).rejects.toMatchObject({
        kind: 'config',
        code: 'cache_unusable',
      });
    } finally {
      process.env.TMPDIR = before;
      if (before === undefined) delete process.env.TMPDIR;
    }
  });
});

describe('files of a store on this machine', () => {
  it('are read where they are, and hashed once while they do not change', async () => {
    const bytes = randomBytes(100);
    const file = join(directory, 'books/2024q1/a');
    await mkdir(join(directory, 'books/2024q1'), { recursive: true });
    await writeFile(file, bytes);
    const then = new Date('2024-05-01T00:00:00Z');
    await utimes(file, then, then);
    const wanted = [part(openDiskStore(directory), 'a', bytes)];
    const cache = createFileCache({ directory: place, maxBytes: 1000 });
    expect(await cache.withFiles(wanted, {}, async (files) => files)).toEqual([file]);
    // A change that the disk does not tell of is not seen: so the file was not read again.
    const other = Buffer.from(bytes.map((byte) => byte ^ 1));
    await writeFile(file, other);
    await utimes(file, then, then);
    expect(await cache.withFiles(wanted, {}, read)).toEqual([other]);
    await writeFile(file, other);
    await expect(cache.withFiles(wanted, {}, read)).rejects.toMatchObject({ code: 'archive_damaged' });
    await writeFile(file, bytes);
    expect(await cache.withFiles(wanted, {}, read)).toEqual([bytes]);
    await rm(file);
    await expect(cache.withFiles(wanted, {}, read)).rejects.toMatchObject({ code: 'not_in_store' });
    expect(await kept()).toEqual([]);
  });
});
