import { createHash } from 'node:crypto';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../../src/archive/store.ts';

/** A store with nothing in it, and what is needed to look behind it. */
export interface StoreBench {
  readonly store: Store;
  /** Puts the file from a process of its own, and kills that while the file is under way. */
  killPut(path: string, file: string): Promise<void>;
  /** How much there is of files that are not whole, wherever the store keeps that. */
  countUnfinished(): Promise<number>;
  end(): Promise<void>;
}

export interface StoreKind {
  open(): Promise<StoreBench>;
  /** A file of more bytes is not put at once. */
  readonly partBytes: number;
}

/** What is true of every store, whatever is behind it. */
export function describeStore(name: string, { open, partBytes }: StoreKind): void {
  describe(`every store, here ${name},`, () => {
    let bench: StoreBench;
    let store: Store;
    let directory: string;
    let files = 0;

    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'test-local-'));
      bench = await open();
      store = bench.store;
    });

    afterEach(async () => {
      await bench.end();
      await rm(directory, { recursive: true, force: true });
    });

    async function local(content: string | Buffer): Promise<string> {
      const file = join(directory, `local-${files++}`);
      await writeFile(file, content);
      return file;
    }

    const read = async (path: string) => text(await store.open(path));
    const large = (bytes: number, seed = 1) =>
      Buffer.from(
        Uint32Array.from({ length: Math.ceil(bytes / 4) }, (_, i) => i * 2654435761 + seed).buffer,
      ).subarray(0, bytes);
    const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    const hashOf = async (path: string) => hash(await buffer(await store.open(path)));

    it('gives back what was put into it, and lists it in order', async () => {
      expect(await store.list('a')).toEqual([]);
      expect(await store.put('a/c/2', await local('two'))).toEqual({ path: 'a/c/2', bytes: 3 });
      await store.put('a/b/1', await local('one'));
      await store.put('a/0', await local(''));
      expect(await read('a/c/2')).toBe('two');
      expect(await store.stat('a/b/1')).toEqual({ path: 'a/b/1', bytes: 3 });
      expect(await store.list('a')).toEqual([
        { path: 'a/0', bytes: 0 },
        { path: 'a/b/1', bytes: 3 },
        { path: 'a/c/2', bytes: 3 },
      ]);
      expect(await store.list('a/c')).toEqual([{ path: 'a/c/2', bytes: 3 }]);
    });

    it('keeps an empty file', async () => {
      expect(await store.put('empty', await local(''))).toEqual({ path: 'empty', bytes: 0 });
      expect(await store.stat('empty')).toEqual({ path: 'empty', bytes: 0 });
      expect(await read('empty')).toBe('');
    });

    it.each([
      ['as large as a part', 0],
      ['a byte larger than a part', 1],
      ['of several parts', 1.5 * partBytes],
    ])('keeps a file that is %s', async (_, more) => {
      const bytes = large(partBytes + more);
      expect(await store.put('a/large', await local(bytes))).toEqual({
        path: 'a/large',
        bytes: bytes.length,
      });
      expect(await store.stat('a/large')).toEqual({ path: 'a/large', bytes: bytes.length });
      expect(await hashOf('a/large')).toBe(hash(bytes));
      expect(await bench.countUnfinished()).toBe(0);
    });

    it('replaces a file whole, and whoever reads the old one reads it to its end', async () => {
      await store.put('a', await local('old'));
      const old = await store.open('a');
      await store.put('a', await local('something new'));
      expect(await text(old)).toBe('old');
      expect(await read('a')).toBe('something new');
      await store.put('a', await local(''));
      expect(await read('a')).toBe('');
      await store.put('a', await local(large(partBytes + 7)));
      expect(await store.stat('a')).toEqual({ path: 'a', bytes: partBytes + 7 });
    });

    it('says what is not there', async () => {
      expect(await store.stat('a/b')).toBeUndefined();
      await expect(store.open('a/b')).rejects.toMatchObject({ kind: 'not_found', code: 'not_in_store' });
      await store.put('a', await local('a file, so that nothing is below it'));
      expect(await store.stat('a/b')).toBeUndefined();
      await expect(store.open('a/b')).rejects.toMatchObject({ code: 'not_in_store' });
      expect(await store.list('a')).toEqual([]);
    });

    it('removes a file, and what is not there as well', async () => {
      await store.put('a/b', await local('b'));
      await store.put('a/c', await local('c'));
      await store.remove('a/b');
      await store.remove('a/b');
      await store.remove('x/y/z');
      expect(await store.list('a')).toEqual([{ path: 'a/c', bytes: 1 }]);
      await expect(store.open('a/b')).rejects.toMatchObject({ code: 'not_in_store' });
      await store.put('a/b', await local('again'));
      expect(await read('a/b')).toBe('again');
    });

    it('keeps names as they are, however odd', async () => {
      const names = [
        ...[
          'with space',
          'a+b',
          '100%',
          '%2e%2e',
          '%2F',
          'a&b<c>"d\'',
          'a=b;c,d',
          'what?',
          '#1',
          'a:b@c',
          '~$!*()',
        ],
        ...[
          '-rf',
          '.hidden',
          '..a',
          'a..',
          '...',
          '{}[]|^`',
          'grüße',
          'e\u0301',
          '\u00e9',
          '漢字',
          '😀',
          'A',
          'a',
        ],
        'x'.repeat(200),
      ];
      for (const name of names) await store.put(`odd/${name}/${name}`, await local(name));
      const listed = names.map((name) => `odd/${name}/${name}`).sort();
      expect((await store.list('odd')).map(({ path }) => path)).toEqual(listed);
      for (const name of names) expect(await read(`odd/${name}/${name}`)).toBe(name);
      for (const path of listed) await store.remove(path);
      expect(await store.list('odd')).toEqual([]);
    });

    it('lists in the order of the paths, and of one folder only', async () => {
      const inside = [
        'f/a',
        'f/a-b/x',
        'f/a.b',
        'f/a0',
        'f/aB',
        'f/ab/c',
        'f/ab/c-d',
        'f/ab/c0',
        'f/é',
        'f/😀',
        'f/ﬃ',
      ];
      for (const path of [...inside.toReversed(), 'f-2/a', 'f2', 'e/f/a', 'F/a'])
        await store.put(path, await local(path));
      expect((await store.list('f')).map(({ path }) => path)).toEqual(inside);
      expect(await store.list('f/ab')).toHaveLength(3);
      expect(await store.list('f/a')).toEqual([]);
    });

    it('takes no path that could lead out of it, or that not every store can keep', async () => {
      const file = await local('x');
      const wrong = [
        '',
        '/etc/passwd',
        '..',
        'a/../../b',
        'a//b',
        './a',
        'a/.',
        'a\\b',
        'a\0b',
        'a/',
        'a\nb',
        '.tmp-a',
      ];
      for (const path of [...wrong, '\ud800', 'x'.repeat(300)]) {
        const refused = { kind: 'invalid', code: 'invalid_path' };
        await expect(store.put(path, file), path).rejects.toMatchObject(refused);
        await expect(store.open(path), path).rejects.toMatchObject(refused);
        await expect(store.stat(path), path).rejects.toMatchObject(refused);
        await expect(store.list(path), path).rejects.toMatchObject(refused);
        await expect(store.remove(path), path).rejects.toMatchObject(refused);
        await expect(store.sweep?.(path), path).rejects.toMatchObject(refused);
      }
    });

    it('gives the path to one of those who put it at the same time, and whole', async () => {
      const sizes = [10, 20_000, partBytes + 1, 3, 400_000, 2 * partBytes + 5];
      const contents = sizes.map((size, i) => large(size, i));
      const places = await Promise.all(contents.map(local));
      const puts = await Promise.allSettled(places.map((file) => store.put('a/one', file)));
      const kept = await hashOf('a/one');
      const winners = contents.filter((_, i) => puts[i]?.status === 'fulfilled').map(hash);
      expect(winners).toContain(kept);
      // Who was overtaken may be told so, and may be told nothing.
      for (const put of puts) {
        if (put.status === 'rejected') expect(put.reason).toMatchObject({ code: 'store_failed' });
      }
      expect(await store.list('a')).toHaveLength(1);
      expect(await bench.countUnfinished()).toBe(0);
    });

    it('shows nothing of a file before it shows all of it', async () => {
      const bytes = large(3 * partBytes);
      let over = false;
      const put = store.put('a/large', await local(bytes)).finally(() => {
        over = true;
      });
      const sizes = new Set<number | undefined>();
      while (!over) {
        sizes.add((await store.stat('a/large'))?.bytes);
        for (const file of await store.list('a')) sizes.add(file.bytes);
      }
      await put;
      sizes.delete(undefined);
      sizes.delete(bytes.length);
      expect([...sizes]).toEqual([]);
    });

    it('shows nobody what a killed put left, and sweeps it', async () => {
      await store.put('a/b', await local('b'));
      const file = await local('');
      await truncate(file, Math.max(256 * 1024 * 1024, 3 * partBytes));
      await bench.killPut('a/large', file);
      expect(await store.list('a')).toEqual([{ path: 'a/b', bytes: 1 }]);
      expect(await store.stat('a/large')).toBeUndefined();
      await expect(store.open('a/large')).rejects.toMatchObject({ code: 'not_in_store' });
      expect(await bench.countUnfinished()).toBe(1);
      await store.sweep?.('elsewhere');
      expect(await bench.countUnfinished()).toBe(1);
      await store.sweep?.('a');
      expect(await bench.countUnfinished()).toBe(0);
      await store.put('a/large', await local('small'));
      expect(await read('a/large')).toBe('small');
    });

    it('stops when it is asked to, and leaves nothing', async () => {
      const file = await local(large(2 * partBytes));
      const stop = new AbortController();
      const put = store.put('a/large', file, { signal: stop.signal });
      stop.abort();
      await expect(put).rejects.toMatchObject({ kind: 'aborted', code: 'aborted' });
      await expect(store.put('a/b', file, { signal: stop.signal })).rejects.toMatchObject({
        code: 'aborted',
      });
      await expect(store.open('a/b', { signal: stop.signal })).rejects.toMatchObject({ code: 'aborted' });
      expect(await store.list('a')).toEqual([]);
      expect(await bench.countUnfinished()).toBe(0);

      await store.put('a/large', file);
      const read = new AbortController();
      const stream = await store.open('a/large', { signal: read.signal });
      const reading = (async () => {
        for await (const _ of stream) read.abort();
      })();
      await expect(reading).rejects.toMatchObject({ kind: 'aborted', code: 'aborted' });
    });

    it('leaves what was there when a put fails', async () => {
      await store.put('a/b', await local('b'));
      const failing = store.put('a/b', join(directory, 'missing'));
      await expect(failing).rejects.toMatchObject({ kind: 'unavailable', code: 'store_failed' });
      expect(await read('a/b')).toBe('b');
      expect(await bench.countUnfinished()).toBe(0);
    });

    it('bears readers who leave early', async () => {
      await store.put('a', await local(large(partBytes)));
      for (let reader = 0; reader < 60; reader++) {
        const stream = await store.open('a');
        if (reader % 2 === 0) await stream[Symbol.asyncIterator]().next();
        stream.destroy();
      }
      expect((await buffer(await store.open('a'))).length).toBe(partBytes);
    });
  });
}
