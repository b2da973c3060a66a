import { constants } from 'node:fs';
import { access, copyFile, link, lstat, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError, isAppError } from '../core/errors.ts';
import { throwIfAborted } from '../platform/retry.ts';
import { fetchFile, fingerprint } from './fingerprint.ts';
import type { ManifestFile } from './manifest.ts';
import type { Store } from './store.ts';
import { withWorkDirectory } from './work-directory.ts';

/** A file of an archive, as its manifest declares it. */
export interface ArchivePart {
  readonly store: Store;
  /** Of the archive in the store. */
  readonly folder: string;
  readonly file: Pick<ManifestFile, 'path' | 'bytes' | 'sha256'>;
}

/** The files of archives on this machine, where DuckDB can read them. */
export interface FileCache {
  /**
   * Runs `action` while every part is on this machine and is the file its manifest declares, and hands it where each is, in
   * their order, with a directory that is gone afterwards.
   *
   * @throws AppError corrupt/archive_damaged for a file that is not the one that was written
   * @throws AppError not_found/not_in_store, unavailable/store_failed, unavailable/no_room, config/cache_unusable
   */
  withFiles<T>(
    parts: readonly ArchivePart[],
    options: { readonly signal?: AbortSignal | undefined },
    action: (files: readonly string[], directory: string) => Promise<T>,
  ): Promise<T>;
}

export interface CacheOptions {
  /** Absolute. Left out, one of this user's own below the system's directory for temporary files (TMPDIR). */
  readonly directory?: string | undefined;
  /** What is kept for the next time is not more than this; what is read at the moment may be. */
  readonly maxBytes: number;
}

/** How the name of a file ends that is kept; it begins with the SHA-256 of its bytes. */
const KEPT = '.parquet';

/**
 * Makes the cache of a process. What a store keeps on this machine is read where it lies, and hashed once while it does not
 * change. What is elsewhere is fetched, hashed on the way, and kept under its SHA-256: a name that cannot mean another
 * content, so that nothing ever has to be invalidated, and several processes can share the directory.
 *
 * A file that is in use has a second link, in the directory of who uses it. Whoever makes room leaves such files alone;
 * and if two processes miss each other there, the link still holds what it leads to. What a killed process leaves
 * is such a directory, and it is swept when nothing has been heard from it for a while.
 */
export function createFileCache({ directory, maxBytes }: CacheOptions): FileCache {
  const place = directory ?? join(tmpdir(), `quartermaster-cache-${process.getuid?.() ?? 'user'}`);
  /** Files whose bytes were hashed by this process: for each what it was found to be, and when it was last written. */
  const sound = new Map<string, string>();
  /** By SHA-256. Who needs what another is fetching waits for that one. */
  const fetching = new Map<string, Promise<void>>();

  /** True when the file is the one declared. It is read from end to end once, and again only when it has changed since. */
  async function isSound(
    name: string,
    file: string,
    { bytes, sha256 }: ArchivePart['file'],
  ): Promise<boolean> {
    const { size, ino, mtimeNs } = await stat(file, { bigint: true });
    if (size !== BigInt(bytes)) return false;
    const known = `${sha256} ${ino} ${size} ${mtimeNs}`;
    if (sound.get(name) === known) return true;
    if ((await fingerprint(file)).sha256 !== sha256) return false;
    sound.set(name, known);
    return true;
  }

  async function findLocal(part: ArchivePart, file: string): Promise<string> {
    // Through the store, which refuses what leads out of it and says what is missing.
    const stored = await part.store.stat(`${part.folder}/${part.file.path}`);
    if (stored === undefined) (await part.store.open(`${part.folder}/${part.file.path}`)).destroy();
    if (!(await isSound(file, file, part.file))) throw damaged(part);
    return file;
  }

  /** Makes the place of the cache, once something has to be put there. */
  async function prepare(): Promise<void> {
    const unusable = (why: string, cause?: unknown) => {
      const detail = `${place} ${why}. Set QM_CACHE_DIR to a directory for what is read of archives.`;
      return new AppError('config', 'cache_unusable', detail, { cause });
    };
    try {
      await mkdir(place, { recursive: true, mode: 0o700 });
      await access(place, constants.W_OK);
    } catch (cause) {
      throw unusable(`cannot be written: ${(cause as Error).message}`, cause);
    }
    if (directory !== undefined) return;
    // Anybody may make a directory of that name, and would read there what is ours.
    const found = await lstat(place);
    if (found.isDirectory() && (process.getuid === undefined || found.uid === process.getuid())) return;
    throw unusable('belongs to somebody else');
  }

  /** Gives the work directory what is kept, if it is and if it is whole. */
  async function lend(file: ArchivePart['file'], target: string): Promise<boolean> {
    const kept = join(place, `${file.sha256}${KEPT}`);
    try {
      await connect(kept, target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
    if (await isSound(kept, target, file)) return true;
    // A disk may lose what was never synced to it, when the power goes.
    await rm(target, { force: true });
    await rm(kept, { force: true });
    return false;
  }

  /** Fetches a file into the work directory, and keeps it if there is room. */
  async function fetch(part: ArchivePart, target: string, work: string, signal?: AbortSignal): Promise<void> {
    const { bytes, sha256, path } = part.file;
    const found = await fetchFile(part.store, `${part.folder}/${path}`, work, { signal }).catch(
      noRoomIn(place),
    );
    if (found.bytes !== bytes || found.sha256 !== sha256) throw damaged(part);
    await rename(found.file, target);
    if (!(await makeRoom(bytes))) return;
    await connect(target, join(place, `${sha256}${KEPT}`)).catch((error: NodeJS.ErrnoException) => {
      // Another process was faster, with the same bytes.
      if (error.code !== 'EEXIST') throw error;
    });
  }

  /** Removes what was not used for longest until so many bytes more may be kept. False when they may not. */
  async function makeRoom(bytes: number): Promise<boolean> {
    if (bytes > maxBytes) return false;
    const kept = [];
    let total = 0;
    for (const name of await readdir(place)) {
      if (!name.endsWith(KEPT)) continue;
      const file = join(place, name);
      const found = await stat(file).catch(ifMissing);
      if (found === undefined) continue;
      total += found.size;
      // A link that is made or removed is a change of the file: so this is when it was last used.
      kept.push({ file, bytes: found.size, used: found.ctimeMs, isLent: found.nlink > 1 });
    }
    kept.sort((a, b) => a.used - b.used);
    for (const each of kept) {
      if (total + bytes <= maxBytes) break;
      if (each.isLent) continue;
      await rm(each.file, { force: true });
      sound.delete(each.file);
      total -= each.bytes;
    }
    return total + bytes <= maxBytes;
  }

  /** Fetches what is not kept, unless another is about to, which is waited for. */
  async function bring(part: ArchivePart, work: string, signal?: AbortSignal): Promise<void> {
    const { sha256 } = part.file;
    const target = placeIn(work, part);
    for (;;) {
      if (await lend(part.file, target)) return;
      // From here to where our own is noted nobody else has a turn.
      const other = fetching.get(sha256);
      if (other === undefined) break;
      await settled(other, signal);
    }
    const own = fetch(part, target, work, signal).finally(() => {
      fetching.delete(sha256);
    });
    fetching.set(sha256, own);
    await own;
  }

  return {
    async withFiles(parts, { signal }, action) {
      const isFar = parts.some(({ store }) => store.localPath === undefined);
      if (isFar) await prepare();
      return withWorkDirectory(
        async (work) => {
          const files: string[] = [];
          // What is kept is taken first, so that making room for the rest does not cost it its place. Several archives may
          // hold the same file: currencies seldom change.
          const far = new Map(
            parts
              .filter(({ store }) => store.localPath === undefined)
              .map((part) => [part.file.sha256, part]),
          );
          const missing: ArchivePart[] = [];
          for (const part of far.values()) {
            if (!(await lend(part.file, placeIn(work, part)))) missing.push(part);
          }
          for (const part of missing) await bring(part, work, signal);
          for (const part of parts) {
            throwIfAborted(signal);
            const local = part.store.localPath?.(`${part.folder}/${part.file.path}`);
            files.push(local === undefined ? placeIn(work, part) : await findLocal(part, local));
          }
          return action(files, work);
        },
        isFar ? place : undefined,
      );
    },
  };
}

function placeIn(work: string, { file }: ArchivePart): string {
  return join(work, `${file.sha256}${KEPT}`);
}

/** A second name for a file, or a second file where there is no such thing. @throws EEXIST, ENOENT */
async function connect(file: string, name: string): Promise<void> {
  try {
    await link(file, name);
  } catch (error) {
    if (!noLinks.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await copyFile(file, name, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  }
}

/** How disks say that they have no hard links, or not for this file. */
const noLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV']);

/** Waits until a promise has ended, well or not. @throws AppError aborted/aborted */
async function settled(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  throwIfAborted(signal);
  await new Promise<void>((resolve) => {
    promise.then(resolve, () => resolve());
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
  throwIfAborted(signal);
}

function damaged({ store, folder, file }: ArchivePart): AppError {
  const detail = `The archive in ${store.url}/${folder} is damaged: ${file.path} is not the file that was written.`;
  return new AppError('corrupt', 'archive_damaged', detail);
}

/** For a catch: want of room is there, whatever the writer of temporary files says. */
function noRoomIn(place: string): (error: unknown) => never {
  return (error) => {
    if (!isAppError(error, 'no_room')) throw error;
    const detail = `There is no room left in ${place} for what is read of archives. Make some, or set QM_CACHE_DIR to a directory that has it.`;
    throw new AppError('unavailable', 'no_room', detail, { cause: error.cause });
  };
}

/** For a catch: somebody else has removed it. */
function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
