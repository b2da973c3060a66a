import { type Column, type QuarterTable, quarterTables } from '../core/tables.ts';

/** The version of the archive's format. A reader that meets a higher one says so and stops. */
export const FORMAT_VERSION = 1;

/** The name of the manifest in the folder of an archive. */
export const MANIFEST = 'manifest.json';

/**
 * The rows of a row group, the least that is read for a single row: as few as DuckDB writes without the statistics and
 * dictionaries of the groups costing more than they save. Ten times as many take half again as long to write.
 */
export const ROW_GROUP_ROWS = 20_480;

/** A table as it stands in an archive. */
export interface ArchiveTable {
  readonly name: string;
  /** `quarter`: its rows leave with the quarter and make up its digest. `context`: what is needed to read them. */
  readonly kind: 'quarter' | 'context';
  readonly columns: readonly Column[];
  /** The order of its rows, from the first part to the last. */
  readonly key: readonly string[];
}

/** The tables of an archive, those of the quarter first. */
export const archiveTables: readonly ArchiveTable[] = [
  ...quarterTables.map(({ name, columns, key }: QuarterTable) => ({
    name,
    kind: 'quarter' as const,
    columns,
    key,
  })),
  {
    name: 'quarter_balances',
    kind: 'context',
    key: ['ledger_id', 'account_id'],
    columns: [
      { name: 'ledger_id', type: 'integer' },
      { name: 'account_id', type: 'bigint' },
      { name: 'opening', type: 'bigint' },
      { name: 'debits', type: 'bigint' },
      { name: 'credits', type: 'bigint' },
      { name: 'closing', type: 'bigint' },
    ],
  },
  {
    name: 'accounts',
    kind: 'context',
    key: ['ledger_id', 'id'],
    columns: [
      { name: 'ledger_id', type: 'integer' },
      { name: 'id', type: 'bigint' },
      { name: 'entity_id', type: 'text' },
      { name: 'group_type', type: 'text' },
      { name: 'currency', type: 'text' },
      { name: 'name', type: 'text' },
      { name: 'status', type: 'text' },
      { name: 'created_at', type: 'timestamptz' },
    ],
  },
  {
    name: 'currencies',
    kind: 'context',
    key: ['code'],
    columns: [
      { name: 'code', type: 'text' },
      { name: 'exponent', type: 'integer' },
    ],
  },
];

/** `transactions/part-0000.parquet`, below the folder of the archive. */
export function partPath(table: string, index: number): string {
  return `${table}/part-${String(index).padStart(4, '0')}.parquet`;
}

/**
 * The type of a column in Parquet, by DuckDB's name, kept to what Spark and Trino read as well: uuid and jsonb are
 * strings, an instant is microseconds in UTC.
 */
export function parquetType(type: Column['type']): string {
  return parquetTypes[type];
}

const parquetTypes: Readonly<Record<Column['type'], string>> = {
  integer: 'INTEGER',
  bigint: 'BIGINT',
  text: 'VARCHAR',
  uuid: 'VARCHAR',
  jsonb: 'VARCHAR',
  timestamptz: 'TIMESTAMP WITH TIME ZONE',
  'bigint[]': 'BIGINT[]',
};
