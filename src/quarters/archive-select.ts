import type { ArchiveTable } from '../archive/format.ts';
import { keyColumns, type RowKey } from '../archive/keys.ts';
import { assert } from '../core/errors.ts';
import { quarterTables } from '../core/tables.ts';
import { identifier } from '../db/identifier.ts';
import { partitionSql } from '../db/partition.ts';

/** Where the rows of a table of the archive come from. */
interface Source {
  readonly from: string;
  readonly where: readonly string[];
  /** Columns that bear another name there. */
  readonly names: Readonly<Record<string, string>>;
}

/** The rows of a table that belong to the quarter, as a SELECT. COPY takes no parameters: the values stand in the text. */
export function rowsOf(table: ArchiveTable, quarter: string): string {
  return select(table, quarter, []);
}

/**
 * The same in the order of the archive.
 *
 * @param after only the rows that come after this key
 */
export function orderedRowsOf(table: ArchiveTable, quarter: string, after?: RowKey): string {
  const { names } = sourceOf(table.name, quarter);
  const keys = keyColumns(table);
  // Texts in the order of their bytes: the files are read where nobody knows the database's collation.
  const order = keys.map(
    ({ name, type }) => `${identifier(names[name] ?? name)}${type === 'text' ? ' COLLATE "C"' : ''}`,
  );
  const values = keys.map(({ type }, i) => `${quoted(after?.[i] ?? '')}::${type}`);
  const rest = after === undefined ? [] : [`(${order.join(', ')}) > (${values.join(', ')})`];
  return `${select(table, quarter, rest)} ORDER BY ${order.join(', ')}`;
}

function select(table: ArchiveTable, quarter: string, more: readonly string[]): string {
  const { from, where, names } = sourceOf(table.name, quarter);
  const columns = table.columns.map(
    ({ name }) => `${identifier(names[name] ?? name)} AS ${identifier(name)}`,
  );
  const conditions = [...where, ...more];
  const filter = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  return `SELECT ${columns.join(', ')} FROM ${from}${filter}`;
}

function sourceOf(name: string, quarter: string): Source {
  const table = quarterTables.find((one) => one.name === name);
  if (table !== undefined) return { from: partitionSql(table, quarter), where: [], names: {} };
  const source = contextSources[name];
  assert(source, `${name} has no source in the database`);
  return source(quarter);
}

/**
 * What is needed to read a quarter, as it was when that was closed: its trial balance, the accounts it names, and its
 * currencies with their exponents.
 */
const contextSources: Readonly<Record<string, (quarter: string) => Source>> = {
  quarter_balances: (quarter) => ({
    from: 'ledger.quarter_balances',
    where: ['ledger_id IN (SELECT id FROM ledger.ledgers)', `quarter = ${quoted(quarter)}`],
    names: {},
  }),
  accounts: (quarter) => ({
    from: 'ledger.quarter_accounts',
    where: ['ledger_id IN (SELECT id FROM ledger.ledgers)', `quarter = ${quoted(quarter)}`],
    names: { id: 'account_id' },
  }),
  currencies: (quarter) => ({
    from: 'quartermaster.quarter_currencies',
    where: [`quarter = ${quoted(quarter)}`],
    names: {},
  }),
};

/** A text as a literal, whatever the session makes of backslashes. */
function quoted(text: string): string {
  return `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
