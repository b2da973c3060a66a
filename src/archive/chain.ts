import { AppError, isAppError } from '../core/errors.ts';
import { throwIfAborted } from '../platform/retry.ts';
import { MANIFEST } from './format.ts';
import { sha256 } from './manifest.ts';
import type { Store } from './store.ts';
import { readManifest } from './verify.ts';

export interface ChainVerification {
  /** The quarters in the order in which they were archived. */
  readonly quarters: readonly string[];
  /** Of the last manifest: who keeps it elsewhere can tell later that nothing before it was changed. */
  readonly head: string | null;
}

export interface ChainOptions {
  /** The only quarters that count; without it every one that has a manifest. */
  readonly quarters?: readonly string[] | undefined;
  /**
   * The SHA-256 of a manifest that is known from elsewhere. A chain that was written anew from some manifest on agrees
   * with itself, and only what was kept apart from it tells: it has to lead through this one.
   */
  readonly known?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Follows the manifests of a ledger set from the first to the last: each names the SHA-256 of the one archived before
 * it, so that none can be changed, taken out or put in without all later ones being written anew. The order is that of
 * archiving, which is as a rule but not always that of the quarters.
 *
 * @throws AppError corrupt/chain_broken, corrupt/archive_damaged
 */
export async function verifyChain(
  store: Store,
  ledgerSet: string,
  { quarters: wanted, known, signal }: ChainOptions = {},
): Promise<ChainVerification> {
  const folders =
    wanted?.map((quarter) => folderOf(ledgerSet, quarter)) ?? (await archivesIn(store, ledgerSet));
  const after = new Map<string | null, { quarter: string; hash: string }>();
  for (const folder of folders) {
    throwIfAborted(signal);
    const { manifest, bytes } = await readManifest(store, folder).catch((error: unknown) => {
      if (!isAppError(error, 'not_in_store')) throw error;
      throw broken(store, ledgerSet, `the manifest in ${folder} is missing`);
    });
    if (folder !== folderOf(ledgerSet, manifest.quarter))
      throw broken(store, ledgerSet, `${folder} holds the archive of ${manifest.quarter}`);
    const twin = after.get(manifest.previous_manifest_sha256);
    if (twin !== undefined)
      throw broken(store, ledgerSet, `${twin.quarter} and ${manifest.quarter} both follow the same manifest`);
    after.set(manifest.previous_manifest_sha256, { quarter: manifest.quarter, hash: sha256(bytes) });
  }
  const quarters: string[] = [];
  const hashes = new Set<string>();
  let head: string | null = null;
  for (let next = after.get(null); next !== undefined; next = after.get(head)) {
    quarters.push(next.quarter);
    head = next.hash;
    hashes.add(head);
  }
  const lost = [...after.values()]
    .map(({ quarter }) => quarter)
    .filter((quarter) => !quarters.includes(quarter));
  if (lost.length > 0) {
    const last = quarters.at(-1) ?? 'the beginning';
    throw broken(
      store,
      ledgerSet,
      `nothing leads from ${last} to ${lost.join(', ')}; a manifest is missing or was changed`,
    );
  }
  if (known !== undefined && !hashes.has(known))
    throw broken(store, ledgerSet, `it does not lead through the manifest ${known}; it was written anew`);
  return { quarters, head };
}

/** The folders below another that are archives, in order; a folder is one when it has a manifest. */
export async function archivesIn(store: Store, folder: string): Promise<string[]> {
  return (await store.list(folder))
    .filter(({ path }) => path.endsWith(`/${MANIFEST}`))
    .map(({ path }) => path.slice(0, -MANIFEST.length - 1));
}

function folderOf(ledgerSet: string, quarter: string): string {
  return `${ledgerSet}/${quarter}`;
}

function broken(store: Store, ledgerSet: string, what: string): AppError {
  const detail = `The chain of archives in ${store.url}/${ledgerSet} is broken: ${what}.`;
  return new AppError('corrupt', 'chain_broken', detail);
}
