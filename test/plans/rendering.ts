import type { Examined, Node } from './examine.ts';

/** Facts of a step that make its shape, in the order in which they are shown. */
const facts = [
  ...['One-Time Filter', 'Index Cond', 'Recheck Cond', 'TID Cond', 'Order By', 'Filter'],
  ...['Hash Cond', 'Merge Cond', 'Join Filter', 'Cache Key', 'Group Key', 'Sort Key', 'Presorted Key'],
  ...['Conflict Resolution', 'Conflict Arbiter Indexes', 'Conflict Filter'],
];

/** Pages that a step and those below it looked at. */
export function pagesOf(node: Node): number {
  return (node['Shared Hit Blocks'] ?? 0) + (node['Shared Read Blocks'] ?? 0);
}

/**
 * The shape of a plan: its steps, indexes and conditions, and which were never executed. Neither costs nor counts are in it. Partitions
 * and their indexes are called as their tables', and those that do the same are told together.
 */
export function shapeText({ root, parents }: Examined): string {
  return shapeLines(root, parents).join('\n');
}

function shapeLines(node: Node, parents: ReadonlyMap<string, string>): string[] {
  const never = node['Actual Loops'] === 0 ? ', never executed' : '';
  const lines = [`${titleOf(node, parents)}${never}`];
  for (const fact of facts) {
    const value = node[fact];
    if (value !== undefined) lines.push(`    ${fact}: ${plain([value].flat().join(', '))}`);
  }
  let last = '';
  let times = 0;
  const tell = () => {
    if (times === 0) return;
    const [first = '', ...others] = last.split('\n');
    lines.push(
      `  -> ${first}${times > 1 ? `, ${times} alike` : ''}`,
      ...others.map((line) => `     ${line}`),
    );
  };
  for (const child of node.Plans ?? []) {
    const text = shapeLines(child, parents).join('\n');
    if (text === last) {
      times++;
      continue;
    }
    tell();
    [last, times] = [text, 1];
  }
  tell();
  return lines;
}

function titleOf(node: Node, parents: ReadonlyMap<string, string>): string {
  const index = node['Index Name'] === undefined ? undefined : nameOfIndex(node['Index Name'], parents);
  const table = node['Relation Name'] ?? node['Function Name'] ?? node['CTE Name'];
  return [
    node['Parent Relationship'] === 'InitPlan' || node['Parent Relationship'] === 'SubPlan'
      ? `${node['Subplan Name']}: `
      : '',
    node.Operation === undefined ? '' : `${node.Operation} `,
    node.Strategy === undefined || node.Strategy === 'Plain' ? '' : `${node.Strategy} `,
    node['Join Type'] === undefined || node['Join Type'] === 'Inner' ? '' : `${node['Join Type']} `,
    node['Node Type'],
    node['Scan Direction'] === 'Backward' ? ' backward' : '',
    index === undefined ? '' : ` of ${index}`,
    table === undefined ? '' : ` on ${String(table).replace(/_\d{4}q[1-4]$/, '_*')}`,
  ].join('');
}

function nameOfIndex(name: string, parents: ReadonlyMap<string, string>): string {
  return parents.get(name) ?? name;
}

/** Aliases of partitions are numbered, tables have another number in each database, and literals may be of any length. */
function plain(condition: string): string {
  return condition
    .replace(/\b([a-z]+)_\d+(?=\.)/g, '$1')
    .replace(/'\d+'::oid/g, "'…'::oid")
    .replace(/'((?:[^']|'')*)'/g, (literal) => (literal.length > 40 ? "'…'" : literal));
}

/** The same plan with what was counted, to see why it is not as it should be. */
export function countedText({ root, parents }: Examined): string {
  return countedLines(root, parents, 0).join('\n');
}

function countedLines(node: Node, parents: ReadonlyMap<string, string>, depth: number): string[] {
  const removed = node['Rows Removed by Filter'] ?? node['Rows Removed by Join Filter'];
  const where = [node['Index Name'], node['Relation Name']].filter(Boolean).join(' on ');
  const line = `${'  '.repeat(depth)}${node['Node Type']} ${where} (rows=${node['Actual Rows']} loops=${node['Actual Loops']}${
    removed === undefined ? '' : ` removed=${removed}`
  } buffers=${pagesOf(node)})`;
  return [line, ...(node.Plans ?? []).flatMap((child) => countedLines(child, parents, depth + 1))];
}
