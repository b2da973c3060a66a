import { copyFile, open, readFile, rm, truncate } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { Store } from '../../src/archive/store.ts';
import { AppError } from '../../src/core/errors.ts';
import type { Random } from '../distributions.ts';

/**
 * A store that does not always do what it says: it refuses, stores and says that it did not, loses the end of a file or
 * turns a bit and says that all is well, breaks off while it is read, or reads something else than is there.
 *
 * @param rate how often anything is wrong, from 0 to 1; asked at every call
 */
export function createFaultyStore(store: Store, random: Random, rate: () => number): Store {
  const wrong = (): number => (random() < rate() ? random() : 1);
  const refuse = (what: string): never => {
    throw new AppError('unavailable', 'store_failed', `The store is not to be had just now (${what}).`);
  };
  return {
    url: store.url,
    // Without localPath: what is elsewhere has to be fetched, and can be damaged on the way.
    put: async (path, localFile) => {
      const fault = wrong();
      if (fault < 0.4) refuse('before a put');
      if (fault < 0.6) {
        await store.put(path, localFile);
        refuse('after a put');
      }
      if (fault < 1) return putDamaged(store, path, localFile, fault < 0.8 ? 'cut' : 'turned');
      return store.put(path, localFile);
    },
    open: async (path) => {
      const fault = wrong();
      if (fault < 0.3) refuse('before a read');
      const stream = await store.open(path);
      if (fault === 1) return stream;
      const bytes = Buffer.concat(await stream.toArray());
      const middle = bytes.length >> 1;
      if (fault < 0.5) return breakingOff(bytes.subarray(0, middle));
      if (fault < 0.7) return Readable.from([bytes.subarray(0, middle)]);
      if (middle < bytes.length) bytes[middle] = (bytes[middle] ?? 0) ^ 4;
      return Readable.from([bytes]);
    },
    stat: async (path) => (wrong() < 1 ? refuse('a look') : store.stat(path)),
    list: async (folder) => (wrong() < 1 ? refuse('a list') : store.list(folder)),
    remove: async (path) => (wrong() < 1 ? refuse('a removal') : store.remove(path)),
    ...(store.sweep === undefined ? {} : { sweep: (folder) => store.sweep?.(folder) ?? Promise.resolve() }),
  };
}

async function putDamaged(store: Store, path: string, localFile: string, how: 'cut' | 'turned') {
  const damaged = `${localFile}.damaged`;
  await copyFile(localFile, damaged);
  const { length } = await readFile(damaged);
  if (how === 'cut') await truncate(damaged, length >> 1);
  else {
    const file = await open(damaged, 'r+');
    await file.write(Buffer.from([0x5a]), 0, 1, length >> 1);
    await file.close();
  }
  await store.put(path, damaged);
  await rm(damaged, { force: true });
  return { path, bytes: length };
}

function breakingOff(bytes: Buffer): Readable {
  let sent = false;
  return new Readable({
    read() {
      if (!sent) this.push(bytes);
      else this.destroy(Object.assign(new Error('The store went away.'), { code: 'ECONNRESET' }));
      sent = true;
    },
  });
}
