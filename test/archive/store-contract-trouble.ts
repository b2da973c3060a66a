import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { hash, noise, type StoreKit } from './store-contract.ts';

/** Whoever else is at work, and whoever dies at it: a file is there whole or not at all. */
export function itStandsTrouble(kit: StoreKit): void {
  const read = async (path: string) => text(await kit.store.open(path));

  it('gives the path to one of those who put it at the same time, and whole', async () => {
    const sizes = [10, 20_000, kit.partBytes + 1, 3, 400_000, 2 * kit.partBytes + 5];
    const contents = sizes.map((size, i) => noise(size, i));
    const places = await Promise.all(contents.map(kit.local));
    const puts = await Promise.allSettled(places.map((file) => kit.store.put('a/one', file)));
    const kept = await kit.hashOf('a/one');
    const winners = contents.filter((_, i) => puts[i]?.status === 'fulfilled').map(hash);
    expect(winners).toContain(kept);
    // Who was overtaken may be told so, and may be told nothing.
    for (const put of puts) {
      if (put.status === 'rejected') expect(put.reason).toMatchObject({ code: 'store_failed' });
    }
    expect(await kit.store.list('a')).toHaveLength(1);
    expect(await kit.bench.countUnfinished()).toBe(0);
  });

  it('shows nothing of a file before it shows all of it', async () => {
    const bytes = noise(3 * kit.partBytes);
    let over = false;
    const put = kit.store.put('a/large', await kit.local(bytes)).finally(() => {
      over = true;
    });
    const sizes = new Set<number | undefined>();
    while (!over) {
      sizes.add((await kit.store.stat('a/large'))?.bytes);
      for (const file of await kit.store.list('a')) sizes.add(file.bytes);
    }
    await put;
    sizes.delete(undefined);
    sizes.delete(bytes.length);
    expect([...sizes]).toEqual([]);
  });

  it('shows nobody what a killed put left, and sweeps it', async () => {
    await kit.store.put('a/b', await kit.local('b'));
    const file = await kit.local('');
    await truncate(file, Math.max(256 * 1024 * 1024, 3 * kit.partBytes));
    await kit.bench.killPut('a/large', file);
    expect(await kit.store.list('a')).toEqual([{ path: 'a/b', bytes: 1 }]);
    expect(await kit.store.stat('a/large')).toBeUndefined();
    await expect(kit.store.open('a/large')).rejects.toMatchObject({ code: 'not_in_store' });
    expect(await kit.bench.countUnfinished()).toBe(1);
    await kit.store.sweep?.('elsewhere');
    expect(await kit.bench.countUnfinished()).toBe(1);
    await kit.store.sweep?.('a');
    expect(await kit.bench.countUnfinished()).toBe(0);
    await kit.store.put('a/large', await kit.local('small'));
    expect(await read('a/large')).toBe('small');
  });

  it('stops when it is asked to, and leaves nothing', async () => {
    const file = await kit.local(noise(2 * kit.partBytes));
    const stop = new AbortController();
    const put = kit.store.put('a/large', file, { signal: stop.signal });
    stop.abort();
    await expect(put).rejects.toMatchObject({ kind: 'aborted', code: 'aborted' });
    await expect(kit.store.put('a/b', file, { signal: stop.signal })).rejects.toMatchObject({
      code: 'aborted',
    });
    await expect(kit.store.open('a/b', { signal: stop.signal })).rejects.toMatchObject({ code: 'aborted' });
    expect(await kit.store.list('a')).toEqual([]);
    expect(await kit.bench.countUnfinished()).toBe(0);

    await kit.store.put('a/large', file);
    const read = new AbortController();
    const stream = await kit.store.open('a/large', { signal: read.signal });
    const reading = (async () => {
      for await (const _ of stream) read.abort();
    })();
    await expect(reading).rejects.toMatchObject({ kind: 'aborted', code: 'aborted' });
  });

  it('leaves what was there when a put fails', async () => {
    await kit.store.put('a/b', await kit.local('b'));
    const failing = kit.store.put('a/b', join(kit.directory, 'missing'));
    await expect(failing).rejects.toMatchObject({ kind: 'unavailable', code: 'store_failed' });
    expect(await read('a/b')).toBe('b');
    expect(await kit.bench.countUnfinished()).toBe(0);
  });

  it('bears readers who leave early', async () => {
    await kit.store.put('a', await kit.local(noise(kit.partBytes)));
    for (let reader = 0; reader < 60; reader++) {
      const stream = await kit.store.open('a');
      if (reader % 2 === 0) await stream[Symbol.asyncIterator]().next();
      stream.destroy();
    }
    expect((await buffer(await kit.store.open('a'))).length).toBe(kit.partBytes);
  });
}
