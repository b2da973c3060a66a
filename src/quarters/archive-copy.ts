import { type ArchiveTable, archiveTables } from '../archive/format.ts';
import type { ManifestFile, ManifestTable } from '../archive/manifest.ts';
import { type Part, withPartWriter } from '../archive/parquet.ts';
import { digestSelect, lanesOf, tableDigest } from '../core/digest.ts';
import { assert } from '../core/errors.ts';
import { quarterTables } from '../core/tables.ts';
import { type RowStream, type Snapshot, withSnapshot } from '../db/copy.ts';
import { identifier } from '../db/identifier.ts';
import { partitionSql } from '../db/partition.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import type { QuarterRow } from './registry.ts';

/** A table of which all parts are in the store. */
export type CopiedTable = Omit<ManifestTable, 'digest'> & {
  /** As PostgreSQL counts it; of a table of the quarter it was counted when that was closed. */
  readonly digest: string | undefined;
};

export interface CopyOptions {
  readonly folder: string;
  /** Throws when the work is not ours any more; asked before anything is put into the store. */
  readonly requireLock: () => Promise<void>;
}

/**
 * Copies a closed quarter, table by table in the order of its keys, into Parquet parts in the store. Each table is read
 * in a transaction of its own: a closed quarter does not change, and a snapshot held for the whole of it would keep
 * vacuum from the rest of the database.
 */
export async function copyQuarter(
  house: QuarterHouse,
  run: QuarterRun,
  row: QuarterRow,
  options: CopyOptions,
): Promise<CopiedTable[]> {
  const { quarter } = row;
  const total = Number((row.transactions ?? 0n) + (row.entries ?? 0n));
  const files = new Map<string, ManifestFile[]>(archiveTables.map(({ name }) => [name, []]));
  const store = async ({ name }: ArchiveTable, { path, rows, bytes, sha256, file }: Part) => {
    await options.requireLock();
    await house.store.put(`${options.folder}/${path}`, file);
    files.get(name)?.push({ path, rows, bytes, sha256 });
    await run.step?.(`archive.stored ${path}`);
  };
  return withPartWriter({ signal: run.signal, store }, async (write) => {
    const copied: CopiedTable[] = [];
    let before = 0;
    for (const table of archiveTables) {
      await withSnapshot(house.database, run.signal, async (snapshot) => {
        const stream = snapshot.copy(selectOf(table, quarter));
        const onRows = (rows: number) => {
          const done = Math.min(before + rows, total);
          run.onProgress?.({ what: `copy ${quarter}, in rows`, done, total });
        };
        await write(table, watched(stream, onRows));
        before += stream.rows;
        const { name, kind, key, columns } = table;
        const digest = kind === 'context' ? await digestOf(snapshot, table, quarter) : undefined;
        // Its files are all there when the writer is done.
        copied.push({ name, kind, rows: stream.rows, digest, key, columns, files: files.get(name) ?? [] });
      });
    }
    return copied;
  });
}

async function* watched(stream: RowStream, onRows: (rows: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of stream) {
    onRows(stream.rows);
    yield chunk as Buffer;
  }
}

async function digestOf(snapshot: Snapshot, table: ArchiveTable, quarter: string): Promise<string> {
  const from = `(${selectOf(table, quarter)}) AS ${identifier(table.name)}`;
  return tableDigest(lanesOf(await snapshot.one(digestSelect(table, 'postgres', from))));
}

/** The rows of a table that belong to the quarter, in the order of the archive. COPY takes no parameters. */
function selectOf(table: ArchiveTable, quarter: string): string {
  const columns = table.columns.map(({ name }) => identifier(name)).join(', ');
  const key = table.key.map((name) => identifier(name)).join(', ');
  return `SELECT ${columns} FROM ${sourceOf(table.name, quarter)} ORDER BY ${key}`;
}

function sourceOf(name: string, quarter: string): string {
  const table = quarterTables.find((one) => one.name === name);
  if (table !== undefined) return partitionSql(table, quarter);
  const source = contextSources[name];
  assert(source, `${name} has no source in the database`);
  return source(quarter);
}

/** The name of a quarter is checked where it comes from, by its row; here it is only digits and a q. */
const balancesOf = (quarter: string) =>
  `ledger.quarter_balances WHERE ledger_id IN (SELECT id FROM ledger.ledgers) AND quarter = '${quarter}'`;

/** What is needed to read a quarter: its trial balance, the accounts it names, and the exponents of its currencies. */
const contextSources: Readonly<Record<string, (quarter: string) => string>> = {
  quarter_balances: balancesOf,
  accounts: (quarter) => `ledger.accounts WHERE (ledger_id, id) IN (
    SELECT ledger_id, account_id FROM ${balancesOf(quarter)}
    UNION SELECT ledger_id, unnest(account_ids) FROM ${sourceOf('transactions', quarter)})`,
  currencies: () => 'ledger.currencies',
};
