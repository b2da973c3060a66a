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

  it('is broken by an archive in the folder of another quarter', async () => {
    await put('2024q3', { ...(manifests[2] as Manifest), previous_manifest_sha256: hash(manifests[2]) });
    await expect(verifyChain(store, 'ledger')).rejects.toMatchObject({
      code: 'chain_broken',
      detail: expect.stringContaining('ledger/2024q3 holds the archive of 2024q2'),
    });
  });

  it('is that of the quarters that count, when they are named: another may be on its way', async () => {
    await put('2024q3', { ...(manifests[2] as Manifest), quarter: '2024q3' });
    const quarters = ['2024q1', '2023q4', '2024q2'];
    expect(await verifyChain(store, 'ledger', { quarters })).toMatchObject({ quarters });
    await expect(verifyChain(store, 'ledger', { quarters: [...quarters, '2025q1'] })).rejects.toMatchObject({
      code: 'chain_broken',
      detail: expect.stringContaining('the manifest in ledger/2025q1 is missing'),
    });
  });

  it('that was written anew from some manifest on is told from the one that is known', async () => {
    const known = hash(manifests[1]);
    expect(await verifyChain(store, 'ledger', { known })).toMatchObject({ head: hash(manifests[2]) });
    const changed = { ...(manifests[1] as Manifest), closed: { by: 'eve', at: '2024-04-11T00:00:00.000Z' } };
    await put('2023q4', changed);
    await put('2024q2', { ...(manifests[2] as Manifest), previous_manifest_sha256: hash(changed) });
    expect((await verifyChain(store, 'ledger')).quarters).toHaveLength(3);
    await expect(verifyChain(store, 'ledger', { known })).rejects.toMatchObject({
      code: 'chain_broken',
      detail: expect.stringContaining(`does not lead through the manifest ${known}`),
    });
  });
});
