import { AppError } from '../core/errors.ts';
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

/**
 * Follows the manifests of a ledger set from the first to the last: each names the SHA-256 of the one archived before
 * it, so that none can be changed, taken out or put in without all later ones being written anew. The order is that of
 * archiving, which is as a rule but not always that of the quarters.
 *
 * @throws AppError corrupt/chain_broken, corrupt/archive_damaged
 */
export async function verifyChain(store: Store, ledgerSet: string): Promise<ChainVerification> {
  const files = (await store.list(ledgerSet)).filter(({ path }) => path.endsWith(`/${MANIFEST}`));
  const after = new Map<string | null, { quarter: string; hash: string }>();
  for (const { path } of files) {
    const { manifest, bytes } = await readManifest(store, path.slice(0, -MANIFEST.length - 1));
    const twin = after.get(manifest.previous_manifest_sha256);
    if (twin !== undefined)
      throw broken(store, ledgerSet, `${twin.quarter} and ${manifest.quarter} both follow the same manifest`);
    after.set(manifest.previous_manifest_sha256, { quarter: manifest.quarter, hash: sha256(bytes) });
  }
  const quarters: string[] = [];
  let head: string | null = null;
  for (let next = after.get(null); next !== undefined; next = after.get(head)) {
    quarters.push(next.quarter);
    head = next.hash;
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
  return { quarters, head };
}

function broken(store: Store, ledgerSet: string, what: string): AppError {
  const detail = `The chain of archives in ${store.url}/${ledgerSet} is broken: ${what}.`;
  return new AppError('corrupt', 'chain_broken', detail);
}
