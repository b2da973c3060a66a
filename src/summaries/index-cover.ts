import type { IndexFacts } from './index-facts.ts';

type Definition = Pick<
  IndexFacts,
  | 'name'
  | 'on'
  | 'parent'
  | 'isUnique'
  | 'isConstraint'
  | 'method'
  | 'keys'
  | 'includes'
  | 'predicate'
  | 'tail'
>;

/** Two indexes of one table that hold the same in the same order, and refuse the same. */
export function isSame(a: Definition, b: Definition): boolean {
  return (
    a.isUnique === b.isUnique &&
    a.method === b.method &&
    takesOneNull(a) === takesOneNull(b) &&
    a.predicate === b.predicate &&
    isAlike(a.keys, b.keys) &&
    isAlike(a.includes.toSorted(), b.includes.toSorted())
  );
}

/** Whether a query that goes by `one` can go by `other` of the same table: it begins alike, and has all that is stored. */
export function covers(other: Definition, one: Definition): boolean {
  if (one.isUnique || one.method !== 'btree' || other.method !== 'btree') return false;
  if (one.predicate !== other.predicate || one.keys.length > other.keys.length) return false;
  if (!one.keys.every((key, at) => key === other.keys[at])) return false;
  // A key says more of a column than its name, which comes first; of an expression it is the whole text.
  const stored = [...other.includes, ...other.keys.map(columnOf)];
  return one.includes.every((column) => stored.includes(column));
}

/** A unique index that takes one NULL and no second one. */
function takesOneNull({ tail }: Definition): boolean {
  return / NULLS NOT DISTINCT/.test(tail);
}

/** Behind the column stand numbers: its class of operators, collation and direction. */
function columnOf(key: string): string {
  return key.replace(/( \d+)+$/, '');
}

function isAlike(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, at) => one === b[at]);
}

/** Orders indexes by what they are worth: constraints, declared ones, unique ones, those of the whole table, longer ones. */
export function bestFirst(declared: ReadonlySet<string>): (a: Definition, b: Definition) => number {
  const worth = (one: Definition): number[] => [
    one.isConstraint ? 1 : 0,
    declared.has(one.name) ? 1 : 0,
    one.isUnique ? 1 : 0,
    one.parent === undefined && one.on === 'partition' ? 0 : 1,
    one.keys.length,
    one.includes.length,
  ];
  return (a, b) => {
    const [ours, theirs] = [worth(a), worth(b)];
    const at = ours.findIndex((value, place) => value !== theirs[place]);
    if (at >= 0) return (theirs[at] ?? 0) - (ours[at] ?? 0);
    return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
  };
}
