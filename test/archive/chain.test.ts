import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { verifyChain } from '../../src/archive/chain.ts';
import { openDiskStore } from '../../src/archive/disk-store.ts';
import { type Manifest, manifestText, sha256 } from '../../src/archive/manifest.ts';
import type { Store } from '../../src/archive/store.ts';
import { putManifest, writeArchive } from './books.ts';

let directory: string;
let store: Store;
let manifests: Manifest[];
const hash = (manifest: Manifest | undefined) => sha256(manifestText(manifest as Manifest));
const put = (quarter: string, manifest: Manifest) => putManifest(store, `ledger/${quarter}`, manifest);

/** Three archives, not in the order of their quarters. The chain looks at manifests only. */
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'test-chain-'));
  store = openDiskStore(directory);
  const manifest = await writeArchive(store, 'aside/2024q1');
  manifests = [];
  for (const quarter of ['2024q1', '2023q4', '2024q2']) {
    const previous = manifests.length === 0 ? null : hash(manifests.at(-1));
    const next = { ...manifest, quarter, previous_manifest_sha256: previous };
    manifests.push(await put(quarter, next));
  }
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe('the chain of archives', () => {
  it('is followed from the first to the last', async () => {
    expect(await verifyChain(store, 'ledger')).toEqual({
      quarters: ['2024q1', '2023q4', '2024q2'],
      head: hash(manifests[2]),
    });
    expect(await verifyChain(store, 'nobody')).toEqual({ quarters: [], head: null });
  });

  it('is broken by any change of a manifest that another follows, however slight', async () => {
    const manifest = manifests[1] as Manifest;
    await put('2023q4', { ...manifest, archived: { ...manifest.archived, by: 'eve' } });
    await expect(verifyChain(store, 'ledger')).rejects.toMatchObject({
      kind: 'corrupt',
      code: 'chain_broken',
      detail: expect.stringContaining('nothing leads from 2023q4 to 2024q2'),
    });
  });

  it('is broken by a manifest that was taken out', async () => {
    await store.remove('ledger/2024q1/manifest.json');
    await expect(verifyChain(store, 'ledger')).rejects.toMatchObject({
      code: 'chain_broken',
      detail: expect.stringContaining('nothing leads from the beginning to 2023q4, 2024q2'),
    });
  });

  it('is broken by one that was put in', async () => {
    await put('2022q1', { ...(manifests[1] as Manifest), quarter: '2022q1' });
    await expect(verifyChain(store, 'ledger')).rejects.toMatchObject({
      code: 'chain_broken',
      detail: expect.stringContaining('both follow the same manifest'),
    });
  });
});
