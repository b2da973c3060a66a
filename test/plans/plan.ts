import type { Examined, Node, Writes } from './examine.ts';
import { pagesOf } from './rendering.ts';

/** What a plan may do. All that is not named here is a fault. */
export interface Shape {
  /**
   * By the names of migrations, whatever the partitions call theirs: each must be used, and no other. `any` where so few rows are
   * concerned that one is as good as another.
   */
  readonly indexes: readonly string[] | 'any';
  /** The quarters that are looked into. All others are left out, or never come to be executed. */
  readonly quarters?: readonly string[];
  /** Tables and partitions that the plan has at all, executed or not, at most: each is planned, and locked. */
  readonly planned?: number;
  /** Pages of 8 KiB that are looked at, at most. */
  readonly buffers: number;
  /** Indexes of these that must be read without their table. */
  readonly indexOnly?: readonly string[];
  /** Small tables that may be read as they are. */
  readonly seqScans?: readonly string[];
  /** A sort may take so many rows; none otherwise. */
  readonly sorted?: number;
  /** Whether rows may be joined by a hash of those that are given. */
  readonly hashed?: boolean;
  /** Rows that may be read and passed over; none otherwise. */
  readonly removed?: number;
  /** What is done to the rows of which table or partition; nothing otherwise. */
  readonly writes?: Writes;
}

/** What a plan does that its shape does not allow. */
export function faultsOf({ root, parents, writes }: Examined, shape: Shape): string[] {
  // A plan holds more than is executed: partitions a full page makes needless, branches that a parameter closes.
  const nodes = flatten(root).filter((node) => node['Actual Loops'] > 0);
  const nameOf = (node: Node) => parents.get(node['Index Name'] ?? '') ?? node['Index Name'] ?? '';
  const faults = [...indexFaults(nodes, shape, nameOf), ...nodes.flatMap((node) => stepFaults(node, shape))];
  const quarters = [...new Set(nodes.flatMap(quarterOf))].sort();
  if (shape.quarters !== undefined && quarters.join() !== [...shape.quarters].sort().join()) {
    faults.push(`looked into ${quarters.join(', ')}`);
  }
  const planned = new Set(flatten(root).flatMap((node) => node['Relation Name'] ?? []));
  if (planned.size > (shape.planned ?? planned.size)) {
    faults.push(`${planned.size} tables are planned, ${shape.planned} may be`);
  }
  // A filter of quartermaster's own small tables passes over their rows by the way.
  const removed = nodes
    .filter((node) => !shape.seqScans?.includes(node['Relation Name'] ?? ''))
    .reduce((sum, node) => sum + removedBy(node), 0);
  if (removed > (shape.removed ?? 0))
    faults.push(`${removed} rows are passed over, ${shape.removed ?? 0} may be`);
  const buffers = pagesOf(root);
  if (buffers > shape.buffers) faults.push(`${buffers} buffers, ${shape.buffers} may be`);
  const [written, expected] = [JSON.stringify(writes), JSON.stringify(shape.writes ?? {})];
  if (written !== expected) faults.push(`writes ${written}, and not ${expected}`);
  return faults;
}

function indexFaults(nodes: readonly Node[], shape: Shape, nameOf: (node: Node) => string): string[] {
  // By the last of them an INSERT finds what is there already.
  const names = nodes.flatMap((node) => [nameOf(node), ...(node['Conflict Arbiter Indexes'] ?? [])]);
  const used = new Set(names.filter((name) => name !== ''));
  const { indexes } = shape;
  const faults: string[] = [];
  if (indexes !== 'any') {
    for (const name of used) if (!indexes.includes(name)) faults.push(`${name} is used`);
    for (const name of indexes) if (!used.has(name)) faults.push(`${name} is not used`);
  }
  for (const node of nodes) {
    const [type, fetches] = [node['Node Type'], node['Heap Fetches'] ?? 0];
    if (shape.indexOnly?.includes(nameOf(node)) && (type !== 'Index Only Scan' || fetches > 0)) {
      faults.push(`${nameOf(node)} is not read alone: ${type}, ${fetches} heap fetches`);
    }
  }
  return faults;
}

function stepFaults(node: Node, shape: Shape): string[] {
  const faults: string[] = [];
  const [table, type] = [node['Relation Name'] ?? '', node['Node Type']];
  if (/Seq Scan$/.test(type) && !isEmpty(node) && !shape.seqScans?.includes(table))
    faults.push(`${type} on ${table}`);
  if (/Sort/.test(type)) {
    const taken = (node.Plans ?? []).reduce((sum, child) => sum + rowsOf(child), 0);
    if (taken > (shape.sorted ?? -1)) faults.push(`${type} of ${taken} rows`);
  }
  if (/Gather|Merge Join/.test(type) || (type === 'Hash Join' && !shape.hashed)) faults.push(`a ${type}`);
  return faults;
}

/** An empty partition has nothing to look into, however it is done. */
function isEmpty(node: Node): boolean {
  return node['Node Type'] === 'Seq Scan' && rowsOf(node) === 0 && pagesOf(node) === 0;
}

function quarterOf(node: Node): string[] {
  const quarter = /_(\d{4}q[1-4])$/.exec(node['Relation Name'] ?? '')?.[1];
  return quarter === undefined || isEmpty(node) ? [] : [quarter];
}

function removedBy(node: Node): number {
  const rows =
    (node['Rows Removed by Filter'] ?? 0) +
    (node['Rows Removed by Index Recheck'] ?? 0) +
    (node['Rows Removed by Join Filter'] ?? 0);
  return rows * node['Actual Loops'];
}

function rowsOf(node: Node): number {
  return node['Actual Rows'] * node['Actual Loops'];
}

function flatten(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}
