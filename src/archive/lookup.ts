import { dirname } from 'node:path';
import { AppError } from '../core/errors.ts';
import { literal, literals, openDuck } from './duckdb.ts';
import { fetchFile } from './fingerprint.ts';
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

/** The tables that a transaction is read from. */
const needed = ['transactions', 'entries', 'accounts'];

/**
 * Looks a transaction up in the archive of its quarter. Each file it reads is first compared with its hash: what is
 * found here is booked upon.
 *
 * @param id a version 7 UUID; `createdAt` is the millisecond in it
 * @throws AppError corrupt/archive_damaged, not_found/not_in_store
 */
export async function findInArchive(
  store: Store,
  folder: string,
  { ledgerId, id, createdAt }: { ledgerId: number; id: string; createdAt: Date },
): Promise<ArchivedTransaction | undefined> {
  const { manifest } = await readManifest(store, folder);
  return withWorkDirectory(async (directory) => {
    const places = new Map<string, string[]>();
    for (const table of manifest.tables.filter(({ name }) => needed.includes(name))) {
      const files: string[] = [];
      for (const { path, bytes, sha256 } of table.files) {
        const found = await fetchFile(store, `${folder}/${path}`, directory, {});
        if (found.bytes !== bytes || found.sha256 !== sha256) throw damaged(store, folder, path);
        files.push(found.file);
      }
      places.set(table.name, files);
    }
    const parquet = (table: string) => `read_parquet(${literals(places.get(table) ?? [])})`;
    const inside = [...places.values()].flat().map((file) => dirname(file));
    const duck = await openDuck({ directories: [directory, ...new Set(inside)] });
    try {
      const own = `ledger_id = ${ledgerId} AND created_at = to_timestamp(${createdAt.getTime()} / 1000.0)`;
      const [transaction] = await duck.rows<Omit<ArchivedTransaction, 'entries'>>(`
        SELECT user_id, status, currency, amount::VARCHAR AS amount, reference_code, description,
               epoch_ms(effective_at)::DOUBLE AS effective_ms, reverses, settles, metadata
        FROM ${parquet('transactions')}
        WHERE ${own} AND id = ${literal(id)}`);
      if (transaction === undefined) return undefined;
      const entries = await duck.rows<ArchivedEntry>(`
        SELECT a.entity_id, a.group_type, a.currency, e.amount::VARCHAR AS amount,
               e.balance_after::VARCHAR AS balance_after, e.version::VARCHAR AS version
        FROM (SELECT unnest(account_ids) AS named, generate_subscripts(account_ids, 1) AS place
              FROM ${parquet('transactions')}
              WHERE ${own} AND id = ${literal(id)}) AS n
        JOIN (SELECT * FROM ${parquet('entries')} WHERE ${own} AND transaction_id = ${literal(id)}) AS e
          ON e.account_id = n.named
        JOIN ${parquet('accounts')} AS a ON a.ledger_id = e.ledger_id AND a.id = e.account_id
        ORDER BY n.place, e.version`);
      return { ...transaction, entries };
    } finally {
      duck.close();
    }
  });
}

function damaged(store: Store, folder: string, path: string): AppError {
  const detail = `The archive in ${store.url}/${folder} is damaged: ${path} is not the file that was written.`;
  return new AppError('corrupt', 'archive_damaged', detail);
}
