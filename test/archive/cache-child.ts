/**
 * Brings files into a cache in a process of its own, and prints the SHA-256 of each as it found it. The store is a
 * directory, given out as if it were elsewhere. With `dieIn` it kills itself, as `kill -9` would, halfway through
 * that file.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createFileCache } from '../../src/archive/cache.ts';
import { openDiskStore } from '../../src/archive/disk-store.ts';
import type { Store } from '../../src/archive/store.ts';
import type { CacheTask } from './cache-process.ts';

const task = JSON.parse(process.argv[2] ?? '{}') as CacheTask;
const { localPath: _, ...disk } = openDiskStore(task.root);
const store: Store = {
  ...disk,
  open: async (path) => {
    const bytes = await readFile(`${task.root}/${path}`);
    const half = async function* () {
      yield bytes.subarray(0, bytes.length / 2);
      if (path.endsWith(`/${task.dieIn}`)) process.kill(process.pid, 'SIGKILL');
      yield bytes.subarray(bytes.length / 2);
    };
    return Readable.from(half());
  },
};
const parts = task.parts.map((part) => ({ ...part, store }));
const hashes = await createFileCache(task).withFiles(parts, {}, (files) =>
  Promise.all(
    files.map(async (file) =>
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    ),
  ),
);
process.stdout.write(JSON.stringify(hashes));
