import { dirname } from 'node:path';
import { AppError, isAppError } from '../core/errors.ts';
import { canonicalJson } from '../core/json.ts';
import { checkBooks, type LedgerTotals, readTotals } from './books.ts';
import { type Check, check } from './check.ts';
import { type Contents, type Declared, readContents } from './contents.ts';
import { openDuck } from './duckdb.ts';
import { type FetchOptions, fetchFile } from './fingerprint.ts';
import { MANIFEST } from './format.ts';
import { type Manifest, type ManifestFile, parseManifest, sha256 } from './manifest.ts';
import type { Store } from './store.ts';
import { withWorkDirectory } from './work-directory.ts';

export interface ReadBackOptions {
  readonly signal?: AbortSignal | undefined;
  /** In bytes; every byte is read twice, once for its hash and once for its rows. */
  readonly onProgress?: ((progress: { what: string; done: number; total: number }) => void) | undefined;
}

/** What an archive was found to hold. */
export interface ArchiveVerification {
  readonly quarter: string;
  readonly location: string;
  readonly manifestSha256: string;
  readonly previousManifestSha256: string | null;
  readonly digest: string;
  readonly files: number;
  readonly rows: number;
  readonly bytes: number;
  readonly checks: readonly Check[];
}

/** What the files in a store were found to hold, with what was found wrong among the checks. */
export interface ReadBack {
  readonly checks: readonly Check[];
  /** undefined when the files are damaged, so that nothing in them was looked at. */
  readonly contents: (Contents & { readonly ledgers: readonly LedgerTotals[] }) | undefined;
}

/**
 * Proves an archive by itself, with no database: every file is there and no other, each is the one that was written,
 * and the rows are those of the manifest's digests, in the order of their keys, sum to zero, and come to the trial
 * balance.
 *
 * @param folder of the manifest, in the store
 * @throws AppError corrupt/archive_damaged which names everything that is wrong
 * @throws AppError not_found/not_in_store when there is no manifest
 */
export async function verifyArchive(
  store: Store,
  folder: string,
  options: ReadBackOptions = {},
): Promise<ArchiveVerification> {
  const found = await inspectArchive(store, folder, options);
  requireSound(found.checks, found.location);
  return found;
}

/**
 * The same with what is wrong among the checks. What comes after a failed check may be missing: nothing is counted in
 * files that are not those that were written.
 *
 * @throws AppError corrupt/archive_damaged when the manifest cannot be read
 */
export async function inspectArchive(
  store: Store,
  folder: string,
  options: ReadBackOptions = {},
): Promise<ArchiveVerification> {
  const { manifest, bytes } = await readManifest(store, folder);
  const { checks, contents } = await readBack(store, folder, manifest, options);
  const files = manifest.tables.flatMap((table) => table.files);
  return {
    quarter: manifest.quarter,
    location: `${store.url}/${folder}`,
    manifestSha256: sha256(bytes),
    previousManifestSha256: manifest.previous_manifest_sha256,
    digest: manifest.digest,
    files: files.length,
    rows: files.reduce((sum, { rows }) => sum + rows, 0),
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    checks: [
      check(
        'manifest',
        [],
        `of ${manifest.quarter}, archived ${manifest.archived.at} by ${manifest.archived.by}`,
      ),
      ...checks,
      ...(contents === undefined ? [] : compare(manifest, contents)),
    ],
  };
}

/** That of a quarter of a hundred thousand parts is smaller; what is larger is none, and need not be held in memory to know. */
const MOST_MANIFEST = 128 * 1024 * 1024;

/** The manifest of an archive, and its bytes. @throws AppError corrupt/archive_damaged, not_found/not_in_store */
export async function readManifest(
  store: Store,
  folder: string,
): Promise<{ manifest: Manifest; bytes: Buffer }> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of await store.open(`${folder}/${MANIFEST}`)) {
    length += (chunk as Buffer).length;
    if (length > MOST_MANIFEST) {
      const fault = `it has more than ${MOST_MANIFEST} bytes`;
      requireSound([check('manifest', [fault], '')], `${store.url}/${folder}`);
    }
    chunks.push(chunk as Buffer);
  }
  const bytes = Buffer.concat(chunks);
  try {
    return { manifest: parseManifest(bytes), bytes };
  } catch (error) {
    if (!isAppError(error, 'corrupt')) throw error;
    requireSound([check('manifest', [error.detail.replace(/\.$/, '')], '')], `${store.url}/${folder}`);
    throw error;
  }
}

/**
 * Reads files back from the store they were put in, compares them with what was declared of them, and looks at the
 * rows. The manifest itself may be there or not.
 */
export async function readBack(
  store: Store,
  folder: string,
  declared: Declared,
  { signal, onProgress }: ReadBackOptions,
): Promise<ReadBack> {
  return withWorkDirectory(async (directory) => {
    const files = declared.tables.flatMap((table) => table.files);
    const total = 2 * files.reduce((sum, { bytes }) => sum + bytes, 0);
    let done = 0;
    const onBytes = (bytes: number) => {
      done += bytes;
      onProgress?.({ what: `read ${declared.quarter} back, in bytes`, done, total });
    };
    const { checks, places } = await fetchFiles(store, folder, files, directory, { signal, onBytes });
    if (places.size < files.length) return { checks, contents: undefined };

    const inside = [...places.values()].map((file) => dirname(file));
    const duck = await openDuck({ directories: [directory, ...new Set(inside)], signal });
    try {
      const contents = await readContents(duck, declared, places, { signal, onBytes });
      checks.push(...contents.checks);
      // Rows in another order are still rows, and can be counted.
      if (contents.checks.some(({ name, ok }) => !ok && name !== 'order'))
        return { checks, contents: undefined };
      checks.push(...(await checkBooks(duck, declared)));
      return { checks, contents: { ...contents, ledgers: await readTotals(duck) } };
    } finally {
      duck.close();
    }
  });
}

/** Where each sound file is on this machine, by its path in the archive, and what is wrong with the others. */
async function fetchFiles(
  store: Store,
  folder: string,
  files: readonly ManifestFile[],
  directory: string,
  options: FetchOptions,
): Promise<{ checks: Check[]; places: Map<string, string> }> {
  const stored = new Set((await store.list(folder)).map(({ path }) => path.slice(folder.length + 1)));
  const declared = new Set([MANIFEST, ...files.map(({ path }) => path)]);
  const misplaced = [
    ...files.filter(({ path }) => !stored.has(path)).map(({ path }) => `${path} is missing`),
    ...[...stored].filter((path) => !declared.has(path)).map((path) => `${path} does not belong here`),
  ];
  const damaged: string[] = [];
  const places = new Map<string, string>();
  for (const { path, bytes, sha256 } of files) {
    if (!stored.has(path)) continue;
    const found = await fetchFile(store, `${folder}/${path}`, directory, options);
    if (found.bytes !== bytes) damaged.push(`${path} has ${found.bytes} bytes instead of ${bytes}`);
    else if (found.sha256 !== sha256) damaged.push(`${path} has another SHA-256`);
    else places.set(path, found.file);
  }
  const checks = [
    check('files', misplaced, `all ${files.length} are there, and no other`),
    check('checksums', damaged, 'the bytes are those that were written'),
  ];
  return { checks, places };
}

/** @throws AppError corrupt/archive_damaged when a check failed */
export function requireSound(checks: readonly Check[], location: string): void {
  const failed = checks.filter(({ ok }) => !ok);
  if (failed.length === 0) return;
  const faults = failed.map(({ name, detail }) => `${name}: ${detail}`).join('. ');
  const detail = `The archive in ${location} is not what it has to be. ${faults}.`;
  throw new AppError('corrupt', 'archive_damaged', detail);
}

/** What the manifest says against what its files hold. */
function compare(manifest: Manifest, contents: NonNullable<ReadBack['contents']>): Check[] {
  const digests = manifest.tables.flatMap(({ name, digest }) => {
    const found = contents.tables.find((table) => table.name === name)?.digest;
    return digest === found ? [] : [`the digest of ${name} is ${found} instead of ${digest}`];
  });
  if (manifest.digest !== contents.digest) {
    digests.push(`the digest of the quarter is ${contents.digest} instead of ${manifest.digest}`);
  }
  const declared = manifest.ledgers.map(({ name: _, ...ledger }) => ledger);
  const totals = canonicalJson(declared) === canonicalJson(contents.ledgers);
  return [
    check('digests', digests, `the rows are those of ${manifest.digest}`),
    check(
      'totals',
      totals ? [] : [`they are ${JSON.stringify(contents.ledgers)}`],
      'of each ledger and currency as declared',
    ),
  ];
}
