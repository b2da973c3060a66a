import { identifier } from '../db/identifier.ts';
import { isLeftoverName } from '../db/partition-index.ts';
import type { Difference, Fact } from './drift-read.ts';

/** How a difference is mended. Nothing of it reads or changes a row, and nothing that was added is taken away. */
export interface Remedy {
  /** Short statements, run together in one transaction. */
  readonly statements: readonly string[];
  /** Indexes of the table that are built on the partition, without keeping anybody waiting. */
  readonly indexes: readonly string[];
  /** Indexes of the partition that a build of ours left half made. */
  readonly leftovers: readonly string[];
  /** The CHECK of the bounds: made, or read through, without keeping anybody waiting. */
  readonly bounds: 'add' | 'validate' | undefined;
  readonly mends: boolean;
  /** True when something stays that is for a person to decide. */
  readonly leaves: boolean;
}

type Statements = { readonly statements: string[]; readonly leaves: boolean };

/** What `--fix` does about a difference. A partition that was not made here is never touched. */
export function remedyOf(difference: Difference): Remedy {
  const { aspect, partition, quarter } = difference;
  const nothing = {
    statements: [],
    indexes: [],
    leftovers: [],
    bounds: undefined,
    mends: false,
    leaves: true,
  };
  if (quarter === undefined || !partition.plain) return nothing;
  if (aspect === 'indexes') return indexRemedy(difference);
  if (aspect === 'bounds') return boundsRemedy(difference);
  const { statements, leaves } = statementsOf(difference);
  return { ...nothing, statements, leaves, mends: statements.length > 0 };
}

function statementsOf({ aspect, partition, lacks, has }: Difference): Statements {
  const table = identifier(partition.schema, partition.name);
  const alter = (text: string) => `ALTER TABLE ${table} ${text}`;
  const column = ({ name }: Fact) => identifier(name ?? '');
  // Of what is on both sides, such as a default that was changed, the table's is set and nothing need be dropped.
  const surplus = has.filter((one) => !lacks.some((other) => same(one, other)));
  switch (aspect) {
    case 'owner':
      return { statements: lacks.map((one) => alter(`OWNER TO ${column(one)}`)), leaves: false };
    case 'grants':
      return {
        statements: [
          ...has.map((one) => `REVOKE ${one.value} ON ${table} FROM ${roleSql(one)}`),
          ...lacks.map(
            (one) =>
              `GRANT ${one.value} ON ${table} TO ${roleSql(one)}${one.kind === null ? '' : ' WITH GRANT OPTION'}`,
          ),
        ],
        leaves: false,
      };
    case 'defaults':
      return {
        statements: [
          ...lacks.map((one) => alter(`ALTER COLUMN ${column(one)} SET DEFAULT ${one.value}`)),
          ...surplus.map((one) => alter(`ALTER COLUMN ${column(one)} DROP DEFAULT`)),
        ],
        leaves: false,
      };
    case 'statistics': {
      const targets = (facts: readonly Fact[]) => facts.filter(({ kind }) => kind === 'target');
      // Made of plain columns, and not beside others of the same: which of two is meant a person knows.
      const missing = lacks.filter(
        (one) =>
          isOfColumns(one) && !has.some((other) => other.kind === 'extended' && other.name === one.name),
      );
      return {
        statements: [
          ...targets(lacks).map((one) => alter(`ALTER COLUMN ${column(one)} SET STATISTICS ${one.value}`)),
          ...targets(surplus).map((one) => alter(`ALTER COLUMN ${column(one)} SET STATISTICS -1`)),
          ...missing.map((one) => statisticsSql(partition, one)),
        ],
        leaves: [...lacks, ...has].some((one) => one.kind !== 'target' && !missing.includes(one)),
      };
    }
    case 'storage':
      return {
        statements: [
          ...has
            .filter(({ kind }) => kind === 'option')
            .map(({ name }) => alter(`RESET (${optionSql(name)})`)),
          ...lacks
            .filter(({ kind }) => kind === 'stored')
            .map((one) => alter(`ALTER COLUMN ${column(one)} SET STORAGE ${one.value}`)),
          ...lacks
            .filter(({ kind }) => kind === 'compressed')
            .map((one) => alter(`ALTER COLUMN ${column(one)} SET COMPRESSION ${one.value}`)),
        ],
        // Written anew with everybody kept out: a change of persistence or of the tablespace.
        leaves: [...lacks, ...has].some(({ kind }) => kind === null),
      };
    default:
      return { statements: [], leaves: true };
  }
}

function indexRemedy({ partition, lacks, has }: Difference): Remedy {
  const leftovers = has.filter(
    ({ name, value, kind }) =>
      name === null && kind === 'invalid' && isLeftoverName(partition.name, value ?? ''),
  );
  // With other options of its own it is there; to build it anew is for a person to decide.
  const missing = lacks.filter(
    // One that belongs to a constraint would have to become one of the partition's first.
    (one) => one.kind !== 'constraint' && !has.some((other) => other.name === one.name),
  );
  return {
    statements: [],
    indexes: missing.map(({ value }) => value ?? ''),
    leftovers: leftovers.map(({ value }) => value ?? ''),
    bounds: undefined,
    mends: missing.length + leftovers.length > 0,
    leaves:
      has.some((one) => !leftovers.includes(one) && !isBuilt(partition.name, one)) ||
      lacks.some((one) => !missing.includes(one)),
  };
}

/** A whole index of our making that was not attached yet: the build goes on from it. */
function isBuilt(partition: string, { name, value }: Fact): boolean {
  return name === null && isLeftoverName(partition, value ?? '');
}

function boundsRemedy({ lacks, has }: Difference): Remedy {
  const [wanted] = lacks;
  const [found] = has;
  const bounds =
    wanted === undefined
      ? undefined
      : found === undefined
        ? ('add' as const)
        : found.text === `${wanted.text} NOT VALID`
          ? ('validate' as const)
          : undefined;
  return {
    statements: [],
    indexes: [],
    leftovers: [],
    bounds,
    mends: bounds !== undefined,
    leaves: bounds === undefined,
  };
}

function isOfColumns({ kind, name, value }: Fact): boolean {
  return kind === 'extended' && typeof value === 'string' && /^[a-z_]+(, [a-z_]+)+$/.test(name ?? '');
}

/** Under the name that LIKE would have given it. What it holds comes with the next ANALYZE. */
function statisticsSql({ schema, name }: Difference['partition'], { name: columns, value }: Fact): string {
  const own = identifier(schema, `${name}_${(columns ?? '').split(', ').join('_')}_stat`);
  return `CREATE STATISTICS ${own} (${value}) ON ${columns} FROM ${identifier(schema, name)}`;
}

function same(a: Fact, b: Fact): boolean {
  return a.name === b.name && (a.kind ?? null) === (b.kind ?? null);
}

function roleSql({ name }: Fact): string {
  return name === '' || name === null || name === undefined ? 'PUBLIC' : identifier(name);
}

/** `toast.autovacuum_enabled`: the prefix is no part of the name. */
function optionSql(name: string | null | undefined): string {
  return (name ?? '')
    .split('.')
    .map((part) => identifier(part))
    .join('.');
}
