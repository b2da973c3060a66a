import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileCache, type FileCache } from '../../src/archive/cache.ts';
import { openDiskStore } from '../../src/archive/disk-store.ts';
import type { Manifest } from '../../src/archive/manifest.ts';
import {
  type ArchiveAnswer,
  type ArchiveQuery,
  type ArchiveSource,
  queryArchives,
} from '../../src/archive/query.ts';
import { writeArchive } from './books.ts';

/** Archives of two quarters with the same books, in a store whose path has a quote in it. */
export interface TwoQuarters {
  readonly directory: string;
  readonly cache: FileCache;
  /** The later one first. */
  readonly sources: readonly ArchiveSource[];
  ask(sql: string, options?: Partial<ArchiveQuery>): Promise<ArchiveAnswer>;
  remove(): Promise<void>;
}

export async function writeTwoQuarters(): Promise<TwoQuarters> {
  const directory = await mkdtemp(join(tmpdir(), "query-it's-"));
  const store = openDiskStore(directory);
  const asLater = (manifest: Manifest): Manifest => ({
    ...manifest,
    quarter: '2024q2',
    starts_at: '2024-04-01T00:00:00.000Z',
    ends_at: '2024-07-01T00:00:00.000Z',
  });
  const sources = [
    {
      store,
      folder: 'books/2024q2',
      manifest: await writeArchive(store, 'books/2024q2', { change: asLater }),
    },
    { store, folder: 'books/2024q1', manifest: await writeArchive(store, 'books/2024q1') },
  ];
  const cache = createFileCache({ maxBytes: 0 });
  return {
    directory,
    cache,
    sources,
    ask: (sql, options = {}) =>
      queryArchives(cache, sources, { sql, maxRows: 1000, timeoutMs: 60_000, ...options }),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
