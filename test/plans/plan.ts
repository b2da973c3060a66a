import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CompiledQuery, sql } from 'kysely';
import { packageRoot } from '../../src/db/root.ts';
import type { Db, Trx } from '../../src/db/schema.ts';

/** How PostgreSQL plans a prepared statement: for the parameters it is given, or once for all. */
export const modes = ['force_custom_plan', 'force_generic_plan'] as const;
export type Mode = (typeof modes)[number];

/** What a plan may do. All that is not named here is a fault. */
export interface Shape {
  /** By the names of migrations, whatever the partitions call theirs: each must be used, and no other. */
  readonly indexes: readonly string[];
  /** The quarters that are looked into. All others are left out, or never come to be executed. */
  readonly quarters?: readonly string[];
  /** Pages of 8 KiB that are looked at, at most. */
  readonly buffers: number;
  /** Indexes of these that must be read without their table. */
  readonly indexOnly?: readonly string[];
  /** Small tables that may be read as they are. */
  readonly seqScans?: readonly string[];
  /** A sort may take so many rows; none otherwise. */
  readonly sorted?: number;
  /** Rows that may be read and passed over; none otherwise. */
  readonly removed?: number;
}

interface Node {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly 'Rows Removed by Join Filter'?: number;
  readonly 'Heap Fetches'?: number;
  readonly 'Shared Hit Blocks'?: number;
  readonly 'Shared Read Blocks'?: number;
  readonly Plans?: readonly Node[];
}

/** A statement of sql/queries, or one that a builder makes. */
export type Statement = string | { readonly sql: string; readonly parameters: readonly unknown[] };

/** The faults of a statement's plan, with the plan; empty where it is as it should be. */
export async function planFaults(
  db: Db,
  mode: Mode,
  statement: Statement,
  parameters: readonly unknown[],
  shape: Shape,
  prepare: (trx: Trx) => Promise<unknown> = async () => {},
): Promise<string> {
  const text = typeof statement === 'string' ? await readStatement(statement) : statement.sql;
  const trx = await db.startTransaction().execute();
  try {
    await prepare(trx);
    const root = await explain(
      trx,
      mode,
      text,
      typeof statement === 'string' ? parameters : statement.parameters,
    );
    const faults = faultsOf(root, shape, await parentIndexes(trx));
    return faults.length === 0 ? '' : `${mode}: ${faults.join('; ')}\n${render(root)}`;
  } finally {
    await trx.rollback().execute();
  }
}

async function readStatement(name: string): Promise<string> {
  return readFile(join(packageRoot(), 'sql', 'queries', `${name}.sql`), 'utf8');
}

/** EXECUTE takes its parameters as literals, whose types are those of the casts in the statement. */
async function explain(trx: Trx, mode: Mode, text: string, parameters: readonly unknown[]): Promise<Node> {
  const run = (statement: string) => trx.executeQuery<Record<string, unknown>>(CompiledQuery.raw(statement));
  await run(`SET LOCAL plan_cache_mode = ${mode}`);
  await run(`PREPARE examined AS ${text}`);
  const values = parameters.length === 0 ? '' : `(${parameters.map(literal).join(', ')})`;
  try {
    const { rows } = await run(
      `EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE examined${values}`,
    );
    return (rows as unknown as [{ 'QUERY PLAN': [{ Plan: Node }] }])[0]['QUERY PLAN'][0].Plan;
  } finally {
    await run('DEALLOCATE examined').catch(() => {});
  }
}

function literal(value: unknown): string {
  if (value === null) return 'NULL';
  const text = Array.isArray(value) ? `{${value.map((one) => `"${one}"`).join(',')}}` : String(value);
  return `'${text.replaceAll("'", "''")}'`;
}

/** What the index of a partition is called in the table it is a part of. */
async function parentIndexes(trx: Trx): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ child: string; parent: string }>`
    SELECT c.relname AS child, p.relname AS parent
    FROM pg_catalog.pg_inherits AS i
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid AND c.relkind = 'i'
    JOIN pg_catalog.pg_class AS p ON p.oid = i.inhparent`.execute(trx);
  return new Map(rows.map(({ child, parent }) => [child, parent]));
}

function faultsOf(root: Node, shape: Shape, parents: ReadonlyMap<string, string>): string[] {
  const faults: string[] = [];
  // A plan holds more than is executed: partitions a full page makes needless, branches that a parameter closes.
  const nodes = flatten(root).filter((node) => node['Actual Loops'] > 0);
  const nameOf = (node: Node) => parents.get(node['Index Name'] ?? '') ?? node['Index Name'] ?? '';
  const used = new Set(nodes.map(nameOf).filter((name) => name !== ''));
  for (const name of used) if (!shape.indexes.includes(name)) faults.push(`${name} is used`);
  for (const name of shape.indexes) if (!used.has(name)) faults.push(`${name} is not used`);

  const quarters = new Set<string>();
  let removed = 0;
  for (const node of nodes) {
    const table = node['Relation Name'] ?? '';
    const type = node['Node Type'];
    const loops = node['Actual Loops'];
    const rows = node['Actual Rows'] * loops;
    const pages = pagesOf(node);
    removed +=
      loops *
      ((node['Rows Removed by Filter'] ?? 0) +
        (node['Rows Removed by Index Recheck'] ?? 0) +
        (node['Rows Removed by Join Filter'] ?? 0));
    // An empty partition has nothing to look into, however it is done.
    const isEmpty = type === 'Seq Scan' && rows === 0 && pages === 0;
    const quarter = /_(\d{4}q[1-4])$/.exec(table)?.[1];
    if (quarter !== undefined && !isEmpty) quarters.add(quarter);
    if (/Seq Scan$/.test(type) && !isEmpty && !shape.seqScans?.includes(table))
      faults.push(`${type} on ${table}`);
    if (/Sort/.test(type)) {
      const taken = (node.Plans ?? []).reduce(
        (sum, child) => sum + child['Actual Rows'] * child['Actual Loops'],
        0,
      );
      if (taken > (shape.sorted ?? -1)) faults.push(`${type} of ${taken} rows`);
    }
    if (/Gather|Hash Join|Merge Join/.test(type)) faults.push(`a ${type}`);
    if (
      shape.indexOnly?.includes(nameOf(node)) &&
      (type !== 'Index Only Scan' || (node['Heap Fetches'] ?? 0) > 0)
    ) {
      faults.push(`${nameOf(node)} is not read alone: ${type}, ${node['Heap Fetches'] ?? 0} heap fetches`);
    }
  }
  // A filter of quartermaster's own small tables passes over their rows by the way.
  const small = nodes
    .filter((node) => shape.seqScans?.includes(node['Relation Name'] ?? ''))
    .reduce((sum, node) => sum + (node['Rows Removed by Filter'] ?? 0) * node['Actual Loops'], 0);
  removed -= small;
  if (removed > (shape.removed ?? 0))
    faults.push(`${removed} rows are passed over, ${shape.removed ?? 0} may be`);
  if (shape.quarters !== undefined && [...quarters].sort().join() !== [...shape.quarters].sort().join()) {
    faults.push(`looked into ${[...quarters].sort().join(', ')}`);
  }
  const buffers = pagesOf(root);
  if (buffers > shape.buffers) faults.push(`${buffers} buffers, ${shape.buffers} may be`);
  return faults;
}

function flatten(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}

function pagesOf(node: Node): number {
  return (node['Shared Hit Blocks'] ?? 0) + (node['Shared Read Blocks'] ?? 0);
}

function render(node: Node, depth = 0): string {
  const where = [node['Index Name'], node['Relation Name']].filter(Boolean).join(' on ');
  const removed = node['Rows Removed by Filter'] ?? node['Rows Removed by Join Filter'];
  const line = `${'  '.repeat(depth)}${node['Node Type']} ${where} (rows=${node['Actual Rows']} loops=${node['Actual Loops']}${
    removed === undefined ? '' : ` removed=${removed}`
  } buffers=${pagesOf(node)})`;
  return [line, ...(node.Plans ?? []).map((child) => render(child, depth + 1))].join('\n');
}
