import { bestFirst, covers, isSame } from './index-cover.ts';
import type { DeclaredIndex } from './index-declared.ts';
import type { Counted, IndexFacts } from './index-facts.ts';
import { dropSql, type Finding, finding, nameOf } from './index-finding.ts';

export interface Knowledge {
  readonly facts: readonly IndexFacts[];
  readonly declared: readonly DeclaredIndex[];
  readonly counted: Counted;
}

/** Indexes whose work another one does. None of those that are left takes two findings to do without. */
export function findCovered({ facts, declared }: Knowledge): Finding[] {
  const names = new Set(declared.map(({ name }) => name));
  const owners = facts.filter(
    (one) => one.on !== 'detached' && one.isValid && (one.on !== 'partition' || one.parent === undefined),
  );
  const dropped = new Set<IndexFacts>();
  const found: Finding[] = [];
  // Whichever is worth least goes first; it has to be covered by one that stays.
  for (const one of owners.toSorted(bestFirst(names)).toReversed()) {
    if (one.isConstraint || names.has(one.name)) continue;
    const others = facts.filter(
      (other) =>
        other !== one &&
        !dropped.has(other) &&
        other.isValid &&
        other.schema === one.schema &&
        other.table === one.table,
    );
    const by = others.find((other) => isSame(other, one)) ?? others.find((other) => covers(other, one));
    if (by === undefined) continue;
    dropped.add(one);
    const same = isSame(by, one);
    const detail = same
      ? `${nameOf(one)} is the same as ${nameOf(by)}.`
      : `${nameOf(one)} is the beginning of ${nameOf(by)}, which does for its queries too.`;
    found.push(finding(same ? 'duplicate' : 'redundant', one, detail, dropSql(one), sizeOf(one, facts)));
  }
  return found.sort((a, b) => (a.index < b.index ? -1 : 1));
}

/** Indexes that no query has read. */
export function findUnused({ facts, declared, counted }: Knowledge): Finding[] {
  const since = counted.since?.toISOString().slice(0, 10) ?? 'an unknown day';
  return facts.flatMap((one): Finding[] => {
    if (one.on === 'detached' || (one.on === 'partition' && one.parent !== undefined)) return [];
    if (one.isUnique || one.isConstraint || !one.isValid) return [];
    const scans = partsOf(one, facts).reduce((sum, part) => sum + part.scans, one.scans);
    if (scans > 0) return [];
    const wanted = declared.find(({ name }) => name === one.name);
    const bytes = sizeOf(one, facts);
    const elsewhere = `What a replica reads by it is counted there and not here.`;
    if (wanted === undefined) {
      const detail = `${nameOf(one)} was not read since ${since}, or since it was made. ${elsewhere}`;
      return [finding('unused', one, detail, dropSql(one), bytes)];
    }
    const detail = `${nameOf(one)} was not read since ${since}. Leave it: it is there for ${wanted.queries.join(', ') || wanted.file}. ${elsewhere}`;
    return [{ ...finding('idle', one, detail, null, 0n), queries: wanted.queries }];
  });
}

function partsOf(one: IndexFacts, facts: readonly IndexFacts[]): IndexFacts[] {
  return facts.filter(
    (part) => part.parent === one.name && part.schema === one.schema && part.rootTable === one.table,
  );
}

function sizeOf(one: IndexFacts, facts: readonly IndexFacts[]): bigint {
  return partsOf(one, facts).reduce((sum, part) => sum + part.bytes, one.bytes);
}
