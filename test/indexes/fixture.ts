import { sql } from 'kysely';
import type { Db } from '../../src/db/schema.ts';

/** What an index looks like all over: `name valid` of the table's own, and of each partition with the one it is attached to. */
export async function indexesLike(db: Db, pattern: string): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    SELECT concat_ws(' ', x.relname, CASE WHEN i.indisvalid THEN 'valid' ELSE 'INVALID' END, 'on ' || t.relname,
             'of ' || (SELECT p.relname FROM pg_inherits AS h JOIN pg_class AS p ON p.oid = h.inhparent
                       WHERE h.inhrelid = x.oid)) AS line
    FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid JOIN pg_class AS t ON t.oid = i.indrelid
    WHERE x.relname LIKE ${pattern}
    ORDER BY x.relname`.execute(db);
  return rows.map(({ line }) => line);
}

/** The index of an example, complete: on the table and on each of these partitions. */
export function complete(quarters: readonly string[], name = 'currency_idx'): string[] {
  return [
    ...quarters.map((q) => `transactions_${q}_${name} valid on transactions_${q} of transactions_${name}`),
    `transactions_${name} valid on transactions`,
  ];
}

export const EXAMPLE = {
  name: 'example.sql',
  text: 'CREATE INDEX transactions_currency_idx ON ledger.transactions (ledger_id, currency, created_at DESC);',
};
