import {
  addLanes,
  combineDigests,
  digestSelect,
  type Lanes,
  lanesOf,
  noLanes,
  type TableDigest,
  tableDigest,
} from '../core/digest.ts';
import { assert, isAppError } from '../core/errors.ts';
import { canonicalJson } from '../core/json.ts';
import { throwIfAborted } from '../platform/retry.ts';
import { type Check, check } from './check.ts';
import { type Duck, literal, literals } from './duckdb.ts';
import type { FetchOptions } from './fingerprint.ts';
import { parquetType } from './format.ts';
import { countFalling, readKeys } from './keys.ts';
import type { Manifest, ManifestFile, ManifestTable } from './manifest.ts';

/** What a manifest says before its digests are known. */
export type Declared = Pick<Manifest, 'quarter' | 'starts_at' | 'ends_at'> & {
  readonly tables: readonly Omit<ManifestTable, 'digest'>[];
};

/** What the files of an archive hold, whatever its manifest says of it. */
export interface Contents {
  readonly tables: readonly TableDigest[];
  /** Of the tables of kind `quarter`. */
  readonly digest: string;
  readonly checks: readonly Check[];
}

/** The columns by which the tables of an archive are held against each other. */
const needed: Readonly<Record<string, readonly string[]>> = {
  transactions: ['ledger_id', 'created_at', 'id', 'status', 'currency'],
  entries: ['ledger_id', 'account_id', 'created_at', 'version', 'transaction_id', 'amount', 'balance_after'],
  quarter_balances: ['ledger_id', 'account_id', 'opening', 'debits', 'credits', 'closing'],
  accounts: ['ledger_id', 'id', 'currency'],
  currencies: ['code', 'exponent'],
};

/**
 * Reads every row of every file once: are the columns those declared, and how many rows with what digest are there?
 * Afterwards the tables can be asked for by their names.
 *
 * @param files where each file of the archive is on this machine, by its path in the archive
 */
export async function readContents(
  duck: Duck,
  declared: Declared,
  files: ReadonlyMap<string, string>,
  options: FetchOptions,
): Promise<Contents> {
  const columnFaults = missingColumns(declared);
  const rowFaults: string[] = [];
  const orderFaults: string[] = [];
  const digests: (TableDigest & Pick<ManifestTable, 'kind'>)[] = [];
  for (const table of declared.tables) {
    let lanes = noLanes;
    for (const part of table.files) {
      const { path, rows, bytes } = part;
      throwIfAborted(options.signal);
      const place = files.get(path) ?? '';
      const source = `read_parquet(${literal(place)})`;
      const found = await readPart(duck, table, source);
      options.onBytes?.(bytes);
      if (typeof found === 'string') {
        columnFaults.push(`${path} ${found}`);
        continue;
      }
      if (found.rows !== BigInt(rows)) rowFaults.push(`${path} has ${found.rows} rows instead of ${rows}`);
      lanes = addLanes(lanes, found);
      if (columnFaults.length === 0) orderFaults.push(...(await findOrderFaults(duck, table, part, place)));
    }
    digests.push({ kind: table.kind, name: table.name, rows: lanes.rows, digest: tableDigest(lanes) });
    const places = table.files.map(({ path }) => files.get(path) ?? '');
    if (columnFaults.length === 0) {
      await duck.rows(`CREATE VIEW "${table.name}" AS SELECT * FROM read_parquet(${literals(places)})`);
    }
  }
  return {
    tables: digests,
    digest: combineDigests(digests.filter(({ kind }) => kind === 'quarter')),
    checks: [
      check('columns', columnFaults, 'of every file as declared'),
      check('rows', rowFaults, `${digests.reduce((sum, { rows }) => sum + rows, 0n)} in all`),
      check('order', orderFaults, 'of every file that of its key, from its first key to its last'),
    ],
  };
}

function missingColumns({ tables }: Declared): string[] {
  return Object.entries(needed).flatMap(([name, columns]) => {
    const found = tables.find((table) => table.name === name)?.columns.map((column) => column.name);
    if (found === undefined) return [`there is no table ${name}`];
    return columns.filter((column) => !found.includes(column)).map((column) => `${name} has no ${column}`);
  });
}

async function findColumnFault(
  duck: Duck,
  table: Pick<ManifestTable, 'columns'>,
  source: string,
): Promise<string | undefined> {
  const found = await duck.rows<{ column_name: string; column_type: string }>(
    `DESCRIBE SELECT * FROM ${source}`,
  );
  const has = found.map((column) => `${column.column_name} ${column.column_type}`).join(', ');
  const wanted = table.columns.map(({ name, type }) => `${name} ${parquetType(type)}`).join(', ');
  return has === wanted ? undefined : `has the columns ${has} instead of ${wanted}`;
}

/**
 * The rows of a file in ascending order, the first and the last with the keys that are declared: then all of them lie
 * between, and as the declared keys ascend from file to file, so do all rows of the table.
 */
async function findOrderFaults(
  duck: Duck,
  table: Pick<ManifestTable, 'columns' | 'key'>,
  { path, rows, first_key, last_key }: ManifestFile,
  place: string,
): Promise<string[]> {
  const falling = await countFalling(duck, table, `read_parquet(${literal(place)})`);
  const { first, last } = await readKeys(duck, table, place, rows);
  const sides = [
    { name: 'begins', found: first, declared: first_key },
    { name: 'ends', found: last, declared: last_key },
  ].filter(({ found, declared }) => canonicalJson(found) !== canonicalJson(declared));
  return [
    ...(falling === 0n ? [] : [`${falling} rows of ${path} do not come after the one before them`]),
    ...sides.map(({ name, found, declared }) => `${path} ${name} with ${found} instead of ${declared}`),
  ];
}

/** What was found in one file, or how it cannot be read. */
export async function readPart(
  duck: Duck,
  table: Pick<ManifestTable, 'columns'>,
  source: string,
): Promise<Lanes | string> {
  try {
    const fault = await findColumnFault(duck, table, source);
    if (fault !== undefined) return fault;
    const [found] = await duck.rows<Parameters<typeof lanesOf>[0]>(digestSelect(table, 'duckdb', source));
    assert(found, 'an aggregate has one row');
    return lanesOf(found);
  } catch (error) {
    if (!isAppError(error, 'duckdb_failed')) throw error;
    return `cannot be read as Parquet: ${error.detail}`;
  }
}
