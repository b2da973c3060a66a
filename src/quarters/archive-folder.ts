import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { check } from '../archive/check.ts';
import { MANIFEST } from '../archive/format.ts';
import { type Manifest, manifestText } from '../archive/manifest.ts';
import type { Store } from '../archive/store.ts';
import { readManifest, requireSound } from '../archive/verify.ts';
import { withWorkDirectory } from '../archive/work-directory.ts';
import { AppError, isAppError } from '../core/errors.ts';
import type { Db } from '../db/schema.ts';
import type { CopiedTable } from './archive-copy.ts';
import { type QuarterRow, readFormerDigests } from './registry.ts';

/**
 * Takes away the manifest that a killed run left, so that the folder says of itself that it is not whole. It may be of an
 * earlier close: an archive that was killed before it was recorded does not keep the quarter from being reopened.
 *
 * @throws AppError conflict/archive_exists
 */
export async function clearManifest(
  store: Store,
  session: Db,
  { quarter, digest }: QuarterRow,
  folder: string,
): Promise<void> {
  const left = await readManifest(store, folder).catch((error: unknown) => {
    // A manifest that cannot be read proves nothing, so nothing is lost with it.
    if (isAppError(error, 'not_in_store') || isAppError(error, 'archive_damaged')) return undefined;
    throw error;
  });
  const ours = [digest, ...(await readFormerDigests(session, quarter))];
  if (left !== undefined && !ours.includes(left.manifest.digest)) {
    const detail = `${store.url}/${folder} holds an archive of ${quarter} with other rows, written ${left.manifest.archived.at} by ${left.manifest.archived.by}. If another database uses this store, give each a QM_LEDGER_SET of its own; if it was never finished, delete the folder.`;
    throw new AppError('conflict', 'archive_exists', detail);
  }
  await store.sweep?.(folder);
  await store.remove(`${folder}/${MANIFEST}`);
}

/** Takes away what is in the folder and not of this archive, and sees that all of the archive is there and no more. */
export async function clearOthers(
  store: Store,
  folder: string,
  copied: readonly CopiedTable[],
): Promise<void> {
  const wanted = new Map(
    copied.flatMap(({ files }) => files.map(({ path, bytes }) => [`${folder}/${path}`, bytes])),
  );
  const strange = (await store.list(folder)).filter(({ path }) => !wanted.has(path));
  for (const { path } of strange) await store.remove(path);
  // Looked at again, for whoever verifies it finds what is there then.
  const stored = new Map((await store.list(folder)).map(({ path, bytes }) => [path, bytes]));
  const faults = [
    ...[...stored.keys()].filter((path) => !wanted.has(path)).map((path) => `${path} does not belong here`),
    ...[...wanted].flatMap(([path, bytes]) => {
      const found = stored.get(path);
      if (found === undefined) return [`${path} is missing`];
      return found === bytes ? [] : [`${path} has ${found} bytes instead of ${bytes}`];
    }),
  ];
  requireSound([check('files', faults, '')], `${store.url}/${folder}`);
}

/** Puts the manifest and looks whether the store gives it back as it is. */
export async function putManifest(
  store: Store,
  folder: string,
  manifest: Manifest,
  signal: AbortSignal | undefined,
): Promise<void> {
  const path = `${folder}/${MANIFEST}`;
  await withWorkDirectory(async (directory) => {
    const file = join(directory, MANIFEST);
    await writeFile(file, manifestText(manifest));
    await store.put(path, file, { signal });
  });
  try {
    const { bytes } = await readManifest(store, folder);
    const faults = bytes.equals(Buffer.from(manifestText(manifest))) ? [] : ['it came back with other bytes'];
    requireSound([check('manifest', faults, '')], `${store.url}/${folder}`);
  } catch (error) {
    // What is not what was written must not look like a whole archive to anybody.
    await store.remove(path).catch(() => {});
    if (isAppError(error, 'not_in_store'))
      requireSound([check('files', [`${MANIFEST} is missing`], '')], `${store.url}/${folder}`);
    throw error;
  }
}
