/** A column as the archive, the digest and the DDL know it. `type` is PostgreSQL's name. */
export interface Column {
  readonly name: string;
  readonly type: 'integer' | 'bigint' | 'text' | 'timestamptz' | 'uuid' | 'jsonb' | 'bigint[]';
}

/** A table kept in quarter partitions by `created_at`. */
export interface QuarterTable {
  readonly schema: string;
  readonly name: string;
  /** In the table's own order, which is also the order of the archive. */
  readonly columns: readonly Column[];
  /** The primary key: the order in which rows are archived. */
  readonly key: readonly string[];
}

/**
 * The one list of tables that live and leave by quarter. Every verb walks it; none knows a table by name, so a
 * table added here (and in a migration) is created, closed, archived and detached with the others.
 */
export const quarterTables: readonly QuarterTable[] = [
  {
    schema: 'ledger',
    name: 'transactions',
    key: ['ledger_id', 'created_at', 'id'],
    columns: [
      { name: 'ledger_id', type: 'integer' },
      { name: 'created_at', type: 'timestamptz' },
      { name: 'id', type: 'uuid' },
      { name: 'user_id', type: 'text' },
      { name: 'status', type: 'text' },
      { name: 'currency', type: 'text' },
      { name: 'amount', type: 'bigint' },
      { name: 'reference_code', type: 'text' },
      { name: 'description', type: 'text' },
      { name: 'effective_at', type: 'timestamptz' },
      { name: 'reverses', type: 'uuid' },
      { name: 'settles', type: 'uuid' },
      { name: 'account_ids', type: 'bigint[]' },
      { name: 'metadata', type: 'jsonb' },
    ],
  },
  {
    schema: 'ledger',
    name: 'entries',
    key: ['ledger_id', 'account_id', 'created_at', 'version'],
    columns: [
      { name: 'ledger_id', type: 'integer' },
      { name: 'account_id', type: 'bigint' },
      { name: 'created_at', type: 'timestamptz' },
      { name: 'version', type: 'bigint' },
      { name: 'transaction_id', type: 'uuid' },
      { name: 'amount', type: 'bigint' },
      { name: 'balance_after', type: 'bigint' },
    ],
  },
];

/** `transactions` of `2026q1` is the table `transactions_2026q1` in the same schema. */
export function partitionName(table: QuarterTable, quarter: string): string {
  return `${table.name}_${quarter}`;
}
