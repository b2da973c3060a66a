import { type ArchiveTable, archiveTables } from '../archive/format.ts';
import type { ManifestFile, ManifestTable } from '../archive/manifest.ts';
import { type Part, type PartWork, withPartWriter } from '../archive/parquet.ts';
import { openProof, type ProvedContents, provingOrder } from '../archive/proof.ts';
import { digestSelect, lanesOf, tableDigest } from '../core/digest.ts';
import { type RowStream, type Snapshot, withSnapshot } from '../db/copy.ts';
import { identifier } from '../db/identifier.ts';
import type { StoredPart } from './archive-parts.ts';
import { orderedRowsOf, rowsOf } from './archive-select.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import type { QuarterRow } from './registry.ts';

/** A table of which all parts are in the store. */
export type CopiedTable = Omit<ManifestTable, 'digest'> & {
  /** As PostgreSQL counts it; of a table of the quarter it was counted when that was closed. */
  readonly digest: string | undefined;
};

/** What is in the store now, and what it was found to hold when it was read back. */
export interface Copy {
  readonly tables: readonly CopiedTable[];
  readonly contents: ProvedContents;
}

export interface CopyOptions {
  readonly folder: string;
  /** What an earlier run has stored. */
  readonly parts: readonly StoredPart[];
  /** Throws when the work is not ours any more; asked before anything is put into the store. */
  readonly requireLock: () => Promise<void>;
  /** Told of each part that is in the store. */
  readonly keep: (table: string, part: Omit<Part, 'file'>) => Promise<void>;
}

/**
 * Copies a closed quarter, table by table in the order of its keys, into Parquet parts in the store, and reads each
 * part back from there while the next ones are on their way.
 *
 * All tables are read in one snapshot. It lasts as long as the copy, and keeps vacuum from rows that die meanwhile. A
 * resumed run has another snapshot than the one that was killed, which is the same to the rows: behind the fence nothing
 * of the quarter changes, what is not behind it was fixed at its close, and all of it is compared in the end.
 *
 * @throws AppError corrupt/archive_damaged when a part does not come back as it was written
 */
export async function copyQuarter(
  house: QuarterHouse,
  run: QuarterRun,
  row: QuarterRow,
  { folder, parts, requireLock, keep }: CopyOptions,
): Promise<Copy> {
  const { quarter, starts_at, ends_at } = row;
  const bounds = { quarter, starts_at: starts_at.toISOString(), ends_at: ends_at.toISOString() };
  const proof = openProof(house.store, folder, bounds, run.signal);
  const progress = openProgress(run, row, parts);
  const files = new Map<string, ManifestFile[]>(archiveTables.map(({ name }) => [name, []]));
  const prove = async (table: ArchiveTable, file: ManifestFile, work: PartWork) => {
    await proof.add(table, file, work);
    files.get(table.name)?.push(file);
  };
  const store = async (table: ArchiveTable, { file, ...part }: Part, work: PartWork) => {
    await requireLock();
    await house.store.put(`${folder}/${part.path}`, file, { signal: run.signal });
    await run.step?.(`archive.stored ${part.path}`);
    await keep(table.name, part);
    await run.step?.(`archive.kept ${part.path}`);
    progress.stored(part.bytes);
    const { path, rows, bytes, sha256, firstKey, lastKey } = part;
    await prove(table, { path, rows, bytes, sha256, first_key: firstKey, last_key: lastKey }, work);
  };
  const place = house.store.localPath?.(folder);
  const options = {
    signal: run.signal,
    store,
    directories: place === undefined ? [] : [place],
    ...(house.partBytes === undefined ? {} : { partBytes: house.partBytes }),
  };

  return withPartWriter(options, async (write, work) => {
    const digests = new Map<string, string>();
    for (const table of provingOrder) {
      for (const { isLast: _, table: of, ...file } of parts)
        if (of === table.name) await prove(table, file, work);
    }
    await withSnapshot(house.database, run.signal, async (snapshot) => {
      for (const table of provingOrder) {
        const before = parts.filter((part) => part.table === table.name);
        const last = before.at(-1);
        if (!last?.isLast) {
          const stream = snapshot.copy(orderedRowsOf(table, quarter, last?.last_key ?? undefined));
          await write(table, progress.watch(table, stream), before.length);
        }
      }
      // At the end, for then the last parts are still being converted and read back.
      for (const table of provingOrder.filter(({ kind }) => kind === 'context'))
        digests.set(table.name, await digestOf(snapshot, table, quarter));
    });
    await work.settled();
    const tables = archiveTables.map(({ name, kind, key, columns }) => {
      const own = files.get(name) ?? [];
      const rows = own.reduce((sum, file) => sum + file.rows, 0);
      return { name, kind, rows, digest: digests.get(name), key, columns, files: own };
    });
    return { tables, contents: await proof.contents(work) };
  });
}

/** Says how far the copy has come: rows of the quarter that were read, bytes that are in the store. */
function openProgress(run: QuarterRun, row: QuarterRow, parts: readonly StoredPart[]) {
  const total = Number((row.transactions ?? 0n) + (row.entries ?? 0n));
  const ofQuarter = archiveTables.filter(({ kind }) => kind === 'quarter').map(({ name }) => name);
  let done = parts.reduce((sum, { table, rows }) => sum + (ofQuarter.includes(table) ? rows : 0), 0);
  let bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  const tell = () =>
    run.onProgress?.({ what: `copy ${row.quarter}, in rows`, done: Math.min(done, total), total, bytes });
  tell();
  return {
    stored(more: number): void {
      bytes += more;
      tell();
    },
    async *watch({ kind }: ArchiveTable, stream: RowStream): AsyncGenerator<Buffer> {
      let before = 0;
      for await (const chunk of stream) {
        if (kind === 'quarter') {
          done += stream.rows - before;
          before = stream.rows;
          tell();
        }
        yield chunk as Buffer;
      }
    },
  };
}

async function digestOf(snapshot: Snapshot, table: ArchiveTable, quarter: string): Promise<string> {
  const from = `(${rowsOf(table, quarter)}) AS ${identifier(table.name)}`;
  return tableDigest(lanesOf(await snapshot.one(digestSelect(table, 'postgres', from))));
}
