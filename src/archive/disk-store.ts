import { randomUUID } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { copyFile, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AppError } from '../core/errors.ts';
import { throwIfAborted } from '../platform/retry.ts';
import type { Store, StoredFile } from './store.ts';
import { partsOf, UNFINISHED } from './store-path.ts';
import { wholeStream } from './whole-stream.ts';

/** A store on a directory, which is made when it is first written to. */
export function openDiskStore(directory: string): Store {
  const root = resolve(directory);
  const url = pathToFileURL(root).href;

  /** The file's path on this machine, once it is known that no link leads out of the store on the way. */
  async function locate(path: string): Promise<string> {
    let place = root;
    for (const part of partsOf(path)) {
      place = join(place, part);
      const found = await lstat(place).catch(ifMissing);
      if (found === undefined) break;
      if (found.isSymbolicLink()) {
        const detail = `${place} is a symbolic link, and a store holds none: it may lead anywhere. Put the file itself there.`;
        throw new AppError('corrupt', 'symlink_in_store', detail);
      }
    }
    return join(root, ...partsOf(path));
  }

  /** Runs what touches the disk. Its failures are the store's, whatever they are called here. */
  async function attempt<T>(what: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (cause) {
      throw cause instanceof AppError ? cause : failure(what, cause);
    }
  }

  function failure(what: string, cause: unknown): AppError {
    const detail = `The store ${url} could not ${what}: ${(cause as Error).message}. See that its disk is there, writable and not full, and try again.`;
    return new AppError('unavailable', 'store_failed', detail, { cause });
  }

  return {
    url,

    put: (path, localFile, { signal } = {}) =>
      attempt(`store ${path}`, async () => {
        const place = await locate(path);
        throwIfAborted(signal);
        await makeDirectory(dirname(place));
        const unfinished = join(dirname(place), `${UNFINISHED}${randomUUID()}`);
        try {
          const bytes = await copyDurably(localFile, unfinished);
          throwIfAborted(signal);
          await rename(unfinished, place);
          // A rename is durable when its directory is.
          await syncDirectory(dirname(place));
          return { path, bytes };
        } catch (error) {
          await rm(unfinished, { force: true });
          throw error;
        }
      }),

    open: (path, { signal } = {}) =>
      attempt(`read ${path}`, async () => {
        throwIfAborted(signal);
        const file = await open(await locate(path), 'r').catch(ifMissing);
        if (file === undefined) {
          const detail = `${path} is not in the store ${url}.`;
          throw new AppError('not_found', 'not_in_store', detail);
        }
        const { size } = await file.stat();
        return wholeStream(file.createReadStream({ highWaterMark: 1024 * 1024, signal }), {
          bytes: size,
          signal,
          failure: (cause) => failure(`read ${path}`, cause),
        });
      }),

    stat: (path) =>
      attempt(`look at ${path}`, async () => {
        const found = await lstat(await locate(path)).catch(ifMissing);
        return found?.isFile() ? { path, bytes: found.size } : undefined;
      }),

    list: (folder) => attempt(`list ${folder}`, async () => listFiles(await locate(folder), folder)),

    remove: (path) =>
      attempt(`remove ${path}`, async () => {
        const place = await locate(path);
        await rm(place, { force: true });
        await syncDirectory(dirname(place)).catch(ifMissing);
      }),

    sweep: (folder) =>
      attempt(`sweep ${folder}`, async () => {
        for (const { directory, entry } of await walk(await locate(folder), '')) {
          if (isUnfinished(entry)) await rm(join(root, folder, directory, entry.name), { force: true });
        }
      }),

    localPath: (path) => join(root, ...partsOf(path)),
  };
}

async function listFiles(place: string, folder: string): Promise<StoredFile[]> {
  const files: StoredFile[] = [];
  for (const { directory, entry } of await walk(place, '')) {
    if (isUnfinished(entry)) continue;
    // What is no plain file is listed too: it does not belong here, and whoever compares has to see it.
    const found = await lstat(join(place, directory, entry.name)).catch(ifMissing);
    if (found)
      files.push({ path: [folder, directory, entry.name].filter(Boolean).join('/'), bytes: found.size });
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Everything below a directory that is no directory itself. Links are not followed. */
async function walk(place: string, directory: string): Promise<{ directory: string; entry: Dirent }[]> {
  const entries = await readdir(join(place, directory), { withFileTypes: true }).catch(ifMissing);
  const found: { directory: string; entry: Dirent }[] = [];
  for (const entry of entries ?? []) {
    if (entry.isDirectory())
      found.push(...(await walk(place, [directory, entry.name].filter(Boolean).join('/'))));
    else found.push({ directory, entry });
  }
  return found;
}

function isUnfinished(entry: Dirent): boolean {
  return entry.isFile() && entry.name.startsWith(UNFINISHED);
}

/** Makes a directory and those above it, so that they are still there after a power cut. */
async function makeDirectory(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true });
  if (first === undefined) return;
  for (let made = directory; made !== dirname(first); made = dirname(made))
    await syncDirectory(dirname(made));
}

/**
 * Returns the size of what is now safe on the disk. The copy may be read by those who may read a new file here, whoever
 * was allowed to read the one it was made of.
 */
async function copyDurably(from: string, to: string): Promise<number> {
  const copy = await open(to, 'wx');
  try {
    const { mode } = await copy.stat();
    await copyFile(from, to);
    await copy.chmod(mode);
    await copy.sync();
    return (await copy.stat()).size;
  } finally {
    await copy.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  // Windows opens no directories, and makes renames durable by itself.
  if (process.platform === 'win32') return;
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** For a catch: undefined when there is no such file, or no such directory on the way to it. */
function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
}
