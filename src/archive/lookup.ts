import { AppError } from '../core/errors.ts';
import { literal, literals, openDuck } from './duckdb.ts';
import { fetchFile } from './fingerprint.ts';
import { MANIFEST } from './format.ts';
import { compareKeys, type RowKey } from './keys.ts';
import { type ManifestFile, type ManifestTable, sha256 } from './manifest.ts';
import type { Store } from './store.ts';
import { readManifest } from './verify.ts';
import { withWorkDirectory } from './work-directory.ts';

/** A transaction as its archive holds it. What is wider than a number keeps comes as text. */
export interface ArchivedTransaction {
  readonly user_id: string;
  readonly status: 'SUCCESS' | 'FAILED';
  readonly currency: string;
  readonly amount: string;
  readonly reference_code: string | null;
  readonly description: string | null;
  /** Milliseconds since 1970. */
  readonly effective_ms: number | null;
  readonly reverses: string | null;
  readonly settles: string | null;
  /** A JSON document. */
  readonly metadata: string | null;
  /** Account by account, in the order in which the transaction names them. */
  readonly entries: readonly ArchivedEntry[];
}

export interface ArchivedEntry {
  readonly entity_id: string;
  readonly group_type: string;
  readonly currency: string;
  readonly amount: string;
  readonly balance_after: string;
  readonly version: string;
}

/** What is looked for, and in which archive: whoever could write to the store could put another there. */
export interface ArchivedKey {
  readonly ledgerId: number;
  /** A version 7 UUID; `createdAt` is the millisecond in it. */
  readonly id: string;
  readonly createdAt: Date;
  /** Of the manifest that was recorded when the quarter was archived. */
  readonly manifestSha256: string;
}

/**
 * Looks a transaction up in the archive of its quarter. Only parts are fetched that can hold it, its entries and its
 * accounts by their keys. Each is first compared with its hash: what is found here is booked upon.
 *
 * @throws AppError corrupt/archive_damaged, not_found/not_in_store
 */
export async function findInArchive(
  store: Store,
  folder: string,
  { ledgerId, id, createdAt, manifestSha256 }: ArchivedKey,
): Promise<ArchivedTransaction | undefined> {
  const { manifest, bytes: text } = await readManifest(store, folder);
  if (sha256(text) !== manifestSha256) throw damaged(store, folder, MANIFEST);
  return withWorkDirectory(async (directory) => {
    const place = store.localPath?.(folder);
    const duck = await openDuck({ directories: [directory, ...(place === undefined ? [] : [place])] });

    /** What stands after FROM to read the parts in which a row may be whose key begins with one of these. */
    async function partsWith(name: string, keys: readonly RowKey[]): Promise<string | undefined> {
      const table = manifest.tables.find((one) => one.name === name);
      const parts = table?.files.filter((file) => keys.some((key) => mayHold(table, file, key))) ?? [];
      const files: string[] = [];
      for (const { path, bytes, sha256 } of parts) {
        const found = await fetchFile(store, `${folder}/${path}`, directory, {});
        if (found.bytes !== bytes || found.sha256 !== sha256) throw damaged(store, folder, path);
        files.push(found.file);
      }
      return files.length === 0 ? undefined : `read_parquet(${literals(files)})`;
    }

    try {
      const ledger = String(ledgerId);
      const instant = createdAt.toISOString().replace('Z', '000Z');
      const own = `ledger_id = ${ledgerId} AND created_at = ${literal(instant)}::TIMESTAMPTZ`;
      const transactions = await partsWith('transactions', [[ledger, instant, id]]);
      if (transactions === undefined) return undefined;
      const [transaction] = await duck.rows<Omit<ArchivedTransaction, 'entries'> & { accounts: string }>(`
        SELECT user_id, status, currency, amount::VARCHAR AS amount, reference_code, description,
               epoch_ms(effective_at)::DOUBLE AS effective_ms, reverses, settles, metadata,
               array_to_string(account_ids, ',') AS accounts
        FROM ${transactions}
        WHERE ${own} AND id = ${literal(id)}`);
      if (transaction === undefined) return undefined;
      const { accounts: named, ...found } = transaction;
      const ids = named === '' ? [] : named.split(',');
      const keys = ids.map((account) => [ledger, account]);
      const entries = await partsWith(
        'entries',
        keys.map((key) => [...key, instant]),
      );
      const accounts = await partsWith('accounts', keys);
      if (entries === undefined || accounts === undefined) return { ...found, entries: [] };
      // The ids stand in the text, so that the files' statistics say which few of their rows are read.
      const mine = ids.map((account) => BigInt(account)).join(', ');
      return {
        ...found,
        entries: await duck.rows<ArchivedEntry>(`
          SELECT a.entity_id, a.group_type, a.currency, e.amount::VARCHAR AS amount,
                 e.balance_after::VARCHAR AS balance_after, e.version::VARCHAR AS version
          FROM (SELECT * FROM ${entries}
                WHERE ${own} AND account_id IN (${mine}) AND transaction_id = ${literal(id)}) AS e
          JOIN (SELECT * FROM ${accounts} WHERE ledger_id = ${ledgerId} AND id IN (${mine})) AS a ON a.id = e.account_id
          ORDER BY list_position([${mine}]::BIGINT[], e.account_id), e.version`),
      };
    } finally {
      duck.close();
    }
  });
}

/** True when a row whose key begins so may be in the part. */
function mayHold(table: ManifestTable, { first_key, last_key }: ManifestFile, key: RowKey): boolean {
  if (first_key === null || last_key === null) return false;
  return compareKeys(table, key, first_key) >= 0 && compareKeys(table, key, last_key) <= 0;
}

function damaged(store: Store, folder: string, path: string): AppError {
  const detail = `The archive in ${store.url}/${folder} is damaged: ${path} is not the file that was written.`;
  return new AppError('corrupt', 'archive_damaged', detail);
}
