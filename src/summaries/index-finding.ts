import { identifier } from '../db/identifier.ts';
import type { IndexFacts } from './index-facts.ts';

export type FindingKind =
  | 'missing'
  | 'invalid'
  | 'leftover'
  | 'bloated'
  | 'duplicate'
  | 'redundant'
  | 'unused'
  | 'idle'
  | 'not_hot';

/** What is wrong with an index, and the statement that would mend it. */
export interface Finding {
  readonly kind: FindingKind;
  readonly index: string;
  readonly table: string;
  /** A sentence for people. */
  readonly detail: string;
  /** SQL, or a command; null where there is no one statement for it. */
  readonly mend: string | null;
  /** What that would free. */
  readonly bytes: bigint;
  /** Statements of `sql/queries` that suffer. */
  readonly queries: readonly string[];
}

/** Of a partitioned table it cannot be done CONCURRENTLY. */
export function dropSql(one: IndexFacts): string {
  const name = nameOf(one);
  return one.on === 'partitioned'
    ? `BEGIN; SET LOCAL lock_timeout = '1s'; DROP INDEX ${name}; COMMIT`
    : `DROP INDEX CONCURRENTLY ${name}`;
}

/** As SQL, quoted only where it has to be. */
export function nameOf({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return [schema, name].map((part) => (/^[a-z_][a-z0-9_]*$/.test(part) ? part : identifier(part))).join('.');
}

export function finding(
  kind: FindingKind,
  one: IndexFacts,
  detail: string,
  mend: string | null,
  bytes: bigint,
): Finding {
  return {
    kind,
    index: `${one.schema}.${one.name}`,
    table: `${one.schema}.${one.table}`,
    detail,
    mend,
    bytes,
    queries: [],
  };
}
