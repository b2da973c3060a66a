import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Contents, Declared } from '../../src/archive/contents.ts';
import { archiveTables, FORMAT_VERSION, MANIFEST } from '../../src/archive/format.ts';
import { type Manifest, type ManifestFile, manifestText } from '../../src/archive/manifest.ts';
import { withPartWriter } from '../../src/archive/parquet.ts';
import type { Store } from '../../src/archive/store.ts';
import { readBack } from '../../src/archive/verify.ts';

/** Rows of each table as CSV, as COPY would send them. */
export type Rows = Readonly<Record<string, readonly string[]>>;

const id = (n: number) => `018cc251-f400-7000-8000-00000000000${n}`;
const zero = (n: number) => n.toString().padStart(2, '0');
const instant = (n: number) => `2024-02-${zero(n)} 10:00:00.00${n}+00`;

/** Four payments of 1, 2, 3 and 4 EUR from account 1 to account 2, which began with 5.00 and -5.00, and one that failed. */
export const soundBooks: Rows = {
  transactions: [1, 2, 3, 4, 5].map(
    (n) => `1,${instant(n)},${id(n)},,${n === 5 ? 'FAILED' : 'SUCCESS'},EUR,${n}00,"",,,,,"{1,2}",`,
  ),
  entries: [
    ...[1, 2, 3, 4].map((n) => `1,1,${instant(n)},${n + 7},${id(n)},-${n}00,${500 - 50 * n * (n + 1)}`),
    ...[1, 2, 3, 4].map((n) => `1,2,${instant(n)},${n},${id(n)},${n}00,${50 * n * (n + 1) - 500}`),
  ],
  quarter_balances: ['1,1,500,1000,0,-500', '1,2,-500,0,1000,500'],
  accounts: [
    '1,1,user-1,WALLET,EUR,Ada,ACTIVE,2024-01-01 00:00:00+00',
    '1,2,user-2,WALLET,EUR,,ACTIVE,2024-01-01 00:00:00+00',
  ],
  currencies: ['EUR,2', 'JPY,0'],
};

/**
 * Writes an archive of 2024q1 into the folder of the store, a part for every two rows unless told otherwise, with a manifest that agrees with
 * the rows whether the books are sound or not. `change` may still spoil the manifest.
 */
export async function writeArchive(
  store: Store,
  folder: string,
  options: {
    readonly rows?: Rows;
    readonly previous?: string | null;
    readonly partBytes?: number;
    readonly change?: (manifest: Manifest) => Manifest;
  } = {},
): Promise<Manifest> {
  const rows = { ...soundBooks, ...options.rows };
  const files = new Map<string, ManifestFile[]>(archiveTables.map(({ name }) => [name, []]));
  await withPartWriter(
    {
      partBytes: options.partBytes ?? 1,
      store: async ({ name }, { file, path, rows, bytes, sha256, firstKey, lastKey }) => {
        await store.put(`${folder}/${path}`, file);
        files.get(name)?.push({ path, rows, bytes, sha256, first_key: firstKey, last_key: lastKey });
      },
    },
    async (write) => {
      for (const table of archiveTables) await write(table, chunksOf(rows[table.name] ?? []));
    },
  );
  const declared: Declared = {
    quarter: '2024q1',
    starts_at: '2024-01-01T00:00:00.000Z',
    ends_at: '2024-04-01T00:00:00.000Z',
    tables: archiveTables.map((table) => ({
      ...table,
      rows: rows[table.name]?.length ?? 0,
      files: files.get(table.name) ?? [],
    })),
  };
  const { contents } = await readBack(store, folder, declared, {});
  const manifest: Manifest = {
    format: 'quartermaster-archive',
    format_version: FORMAT_VERSION,
    ledger_set: 'ledger',
    ...declared,
    zone: 'UTC',
    closed: { by: 'ada', at: '2024-04-11T00:00:00.000Z' },
    archived: {
      by: 'ada',
      at: '2024-04-12T00:00:00.000Z',
      reason: null,
      software: 'quartermaster 0.1.0',
      requested_by: null,
      requested_at: null,
      approved_by: null,
      approved_at: null,
    },
    previous_manifest_sha256: options.previous ?? null,
    digest: contents?.digest ?? '',
    tables: declared.tables.map((table) => ({ ...table, digest: digestOf(contents, table.name) })),
    ledgers: contents?.ledgers.map((ledger) => ({ ...ledger, name: 'council' })) ?? [],
  };
  return putManifest(store, folder, options.change?.(manifest) ?? manifest);
}

export async function putManifest(store: Store, folder: string, manifest: Manifest): Promise<Manifest> {
  await inDirectory(async (directory) => {
    await writeFile(join(directory, MANIFEST), manifestText(manifest));
    await store.put(`${folder}/${MANIFEST}`, join(directory, MANIFEST));
  });
  return manifest;
}

export async function inDirectory<T>(action: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'test-archive-'));
  try {
    return await action(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Changes the bytes of a file where it lies. */
export async function spoil(file: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  await writeFile(file, change(await readFile(file)));
}

async function* chunksOf(rows: readonly string[]): AsyncGenerator<Buffer> {
  for (let i = 0; i < rows.length; i += 2) yield Buffer.from(`${rows.slice(i, i + 2).join('\n')}\n`);
}

function digestOf(contents: Contents | undefined, name: string): string {
  return contents?.tables.find((table) => table.name === name)?.digest ?? '';
}
