import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDiskStore } from '../../src/archive/disk-store.ts';
import { type Manifest, manifestText, sha256 } from '../../src/archive/manifest.ts';
import type { Store } from '../../src/archive/store.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createEntry } from '../../src/main/entry.ts';
import { putManifest, spoil, writeArchive } from '../archive/books.ts';

let directory: string;
let store: Store;
let second: Manifest;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'test-cli-archive-'));
  store = openDiskStore(directory);
  const first = await writeArchive(store, 'ledger/2024q1');
  const previous = sha256(manifestText(first));
  second = await writeArchive(store, 'ledger/2024q2', {
    previous,
    change: (manifest) => ({ ...manifest, quarter: '2024q2' }),
  });
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** Runs `quartermaster archive verify` with no setting at all, and a configuration that must not be asked for. */
async function verify(path: string, ...options: string[]) {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const entry = createEntry({ version: '1.2.3', clock: systemClock, signal: new AbortController().signal });
  const readConfig = () => {
    throw new Error('there are no settings');
  };
  const kit = { entry: { ...entry, readConfig }, out, err };
  const code = await runCommandLine(kit, ['archive', 'verify', join(directory, path), ...options]);
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

const flip = (bytes: Buffer) =>
  Buffer.from(bytes.map((byte, i) => (i === bytes.length >> 1 ? byte ^ 1 : byte)));

describe('quartermaster archive verify', () => {
  it('of one archive says what was looked at', async () => {
    const { code, out } = await verify('ledger/2024q1');
    expect(out).toMatch(/^2024q1: 19 rows in 10 files/);
    for (const name of ['files', 'checksums', 'rows', 'order', 'transactions', 'trial balance', 'digests'])
      expect(out).toContain(`  ok     ${name}: `);
    expect(code).toBe(0);
  });

  it('of one that is damaged says which check failed, and ends accordingly', async () => {
    await spoil(join(directory, 'ledger/2024q1/entries/part-0000.parquet'), flip);
    const { code, out, err } = await verify('ledger/2024q1');
    expect(out).toContain('  FAULT  checksums: entries/part-0000.parquet has another SHA-256');
    expect(out).toContain('  ok     files: ');
    expect(err).toContain('[archive_damaged]');
    expect(code).toBe(exitCodes.corrupt);
    const asJson = await verify('ledger/2024q1', '--json');
    expect(JSON.parse(asJson.out).checks).toContainEqual(
      expect.objectContaining({ name: 'checksums', ok: false }),
    );
    expect(asJson.code).toBe(exitCodes.corrupt);
  });

  it('of a folder looks at every archive in it and at their chain, whether or not one is damaged', async () => {
    const sound = await verify('ledger', '--json');
    expect(sound.code).toBe(0);
    const head = sha256(manifestText(second));
    expect(JSON.parse(sound.out)).toMatchObject({
      archives: [
        { folder: 'ledger/2024q1', ok: true },
        { folder: 'ledger/2024q2', ok: true },
      ],
      chains: [{ folder: 'ledger', ok: true, quarters: ['2024q1', '2024q2'], head }],
    });
    await spoil(join(directory, 'ledger/2024q1/entries/part-0000.parquet'), flip);
    const damaged = await verify('.');
    expect(damaged.out).toMatch(
      /2024q1[\s\S]*FAULT[\s\S]*2024q2[\s\S]*digests[\s\S]*2 archives, from 2024q1 to 2024q2/,
    );
    expect(damaged.err).toContain('ledger/2024q1 is damaged. [archive_damaged]');
    expect(damaged.code).toBe(exitCodes.corrupt);
  });

  it('of the chain alone reads no rows, and knows a manifest that was noted before', async () => {
    const head = sha256(manifestText(second));
    await rm(join(directory, 'ledger/2024q1/entries'), { recursive: true });
    expect(await verify('ledger', '--chain-only', '--head', head)).toMatchObject({ code: 0 });
    await putManifest(store, 'ledger/2024q2', { ...second, closed: { ...second.closed, by: 'eve' } });
    expect(await verify('ledger', '--chain-only')).toMatchObject({ code: 0 });
    const replaced = await verify('ledger/2024q2', '--chain-only', '--head', head);
    expect(replaced).toMatchObject({ code: exitCodes.corrupt });
    expect(replaced.err).toContain('[chain_broken]');
    await rm(join(directory, 'ledger/2024q1/manifest.json'));
    expect(await verify('ledger', '--chain-only')).toMatchObject({ code: exitCodes.corrupt });
  });

  it('finds nothing where there is nothing', async () => {
    expect(await verify('elsewhere')).toMatchObject({ code: exitCodes.not_found });
  });
});

describe('quartermaster archive verify --quarters', () => {
  it('looks at these alone, and says which of them are not there', async () => {
    const { code, out } = await verify('ledger', '--quarters', '2024q2..', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      archives: [{ folder: 'ledger/2024q2', ok: true }],
      chains: [{ quarters: ['2024q1', '2024q2'] }],
    });
    const missing = await verify('ledger', '--quarters', '2023q4..2024q1');
    expect(missing).toMatchObject({ code: exitCodes.not_found, out: '' });
    expect(missing.err).toContain('There is no archive of 2023q4 there. There are those of 2024q1, 2024q2.');
    expect(await verify('ledger', '--quarters', '2024')).toMatchObject({ code: exitCodes.invalid });
  });
});
