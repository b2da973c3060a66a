import { identifier } from '../db/identifier.ts';
import type { Bloat } from './index-bloat.ts';
import { bestFirst, covers, isSame } from './index-cover.ts';
import type { DeclaredIndex } from './index-declared.ts';
import type { Counted, IndexFacts } from './index-facts.ts';

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

export interface Thresholds {
  /** Both have to be passed before an index is called bloated. */
  readonly bloatShare: number;
  readonly bloatBytes: bigint;
  /** Scans have to have been counted for so long before an index is called unused. */
  readonly unusedDays: number;
  readonly hotShare: number;
  /** Fewer updates than that tell nothing. */
  readonly hotUpdates: number;
}

export const thresholds: Thresholds = {
  bloatShare: 0.3,
  bloatBytes: 16n * 1024n * 1024n,
  unusedDays: 30,
  hotShare: 0.9,
  hotUpdates: 1000,
};

export interface Findings {
  readonly findings: readonly Finding[];
  /** For how many whole days scans have been counted; undefined when that is not known. */
  readonly countedDays: number | undefined;
  /** Indexes without a scan that cannot be judged yet. */
  readonly tooEarly: readonly string[];
}

interface Material {
  readonly facts: readonly IndexFacts[];
  readonly declared: readonly DeclaredIndex[];
  readonly bloats: readonly Bloat[];
  readonly counted: Counted;
}

/** What is wrong, from what was read: pure. The gravest comes first. */
export function findFindings(material: Material, limits: Thresholds = thresholds): Findings {
  const { facts, counted } = material;
  const days = counted.since && Math.floor((counted.now.getTime() - counted.since.getTime()) / 86_400_000);
  const unscanned = findUnused(material);
  const covered = findCovered(material);
  const named = new Set(covered.map(({ index }) => index));
  const isRipe = days !== undefined && days >= limits.unusedDays;
  return {
    findings: [
      ...findMissing(material),
      ...facts.flatMap(broken),
      ...findBloated(material, limits),
      ...covered,
      // What is to go because another one does its work need not be told of twice.
      ...(isRipe ? unscanned.filter(({ index }) => !named.has(index)) : []),
      ...findNotHot(material, limits),
    ],
    countedDays: days,
    tooEarly: isRipe ? [] : unscanned.filter(({ kind }) => kind === 'unused').map(({ index }) => index),
  };
}

/** True for an index of a REINDEX CONCURRENTLY that died: of the new one, or of the old one. */
export function isLeftover({ name, isValid, builder }: IndexFacts): boolean {
  return !isValid && builder === undefined && /_cc(new|old)\d*$/.test(name);
}

/** A whole table's index is broken by its partitions, and is looked at with those. */
function broken(one: IndexFacts): Finding[] {
  if (one.isValid || one.builder !== undefined || one.on === 'partitioned') return [];
  const name = nameOf(one);
  if (isLeftover(one)) {
    const detail = `${name} was left by a REINDEX CONCURRENTLY that was killed. Every write keeps it up to date, and nothing reads it.`;
    return [finding('leftover', one, detail, `DROP INDEX CONCURRENTLY ${name}`, one.bytes)];
  }
  const detail = `${name} is not valid: its build was killed or failed. Writes keep it up to date, and nothing reads it.`;
  return [finding('invalid', one, detail, `REINDEX INDEX CONCURRENTLY ${name}`, 0n)];
}

function findMissing({ facts, declared }: Material): Finding[] {
  return declared.flatMap((wanted): Finding[] => {
    const found = facts.find(
      (one) => one.name === wanted.name && (wanted.schema === undefined || one.schema === wanted.schema),
    );
    // Keys of plain tables are known by the queries alone; where the table itself is not there, nobody asks.
    const table = `${wanted.schema ?? found?.schema ?? 'ledger'}.${wanted.table ?? found?.table ?? wanted.name.replace(/_pkey$/, '')}`;
    const base = {
      index: `${wanted.schema ?? 'ledger'}.${wanted.name}`,
      table,
      bytes: 0n,
      queries: wanted.queries,
    };
    const suffer = wanted.queries.length === 0 ? '' : ` Without it suffer: ${wanted.queries.join(', ')}.`;
    // The columns of other keys stand in the migration that made their table.
    const key = wanted.key && `ALTER TABLE ${table} ADD PRIMARY KEY (${wanted.key.join(', ')})`;
    const mend = wanted.file === undefined ? (key ?? null) : `quartermaster indexes build ${wanted.file}`;
    if (found === undefined || (wanted.table !== undefined && found.table !== wanted.table)) {
      return [{ ...base, kind: 'missing', detail: `${base.index} is not there.${suffer}`, mend }];
    }
    if (found.on !== 'partitioned') return [];
    const partitions = new Set(facts.filter((one) => one.rootTable === found.table).map((one) => one.table));
    const whole = new Set(
      facts
        .filter((one) => one.parent === found.name && one.rootTable === found.table && one.isValid)
        .map((one) => one.table),
    );
    const lacking = [...partitions].filter((partition) => !whole.has(partition)).sort();
    if (found.isValid && lacking.length === 0) return [];
    const which =
      lacking.length === 0
        ? 'is not marked as complete'
        : `is not there, or not valid, on ${lacking.join(', ')}`;
    return [{ ...base, kind: 'missing', detail: `${base.index} ${which}.${suffer}`, mend }];
  });
}

function findBloated({ bloats }: Material, limits: Thresholds): Finding[] {
  return bloats
    .filter(({ share, wasted }) => share > limits.bloatShare && wasted > limits.bloatBytes)
    .sort((a, b) => (a.wasted < b.wasted ? 1 : -1))
    .map(({ index, wasted, share }) => {
      const name = nameOf(index);
      const detail = `${Math.round(share * 100)} % of ${name} is empty space.`;
      return finding('bloated', index, detail, `REINDEX INDEX CONCURRENTLY ${name}`, wasted);
    });
}

/** Indexes whose work another one does. None of those that are left takes two findings to do without. */
function findCovered({ facts, declared }: Material): Finding[] {
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

function findUnused({ facts, declared, counted }: Material): Finding[] {
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

/** Whether the updates of balances pass by their indexes, as they are meant to. */
function findNotHot({ facts, counted }: Material, limits: Thresholds): Finding[] {
  const { updates, hotUpdates, fillfactor, oldestTransaction } = counted;
  if (updates < limits.hotUpdates || hotUpdates / updates >= limits.hotShare) return [];
  const share = `Only ${Math.floor((hotUpdates / updates) * 100)} % of ${updates} updates of ledger.balances were HOT: each of the others writes to every index, and bloats the table.`;
  const extra = facts.find((one) => one.schema === 'ledger' && one.table === 'balances' && !one.isConstraint);
  const base = {
    kind: 'not_hot' as const,
    index: 'ledger.balances_pkey',
    table: 'ledger.balances',
    queries: [],
  };
  if (extra !== undefined) {
    const detail = `${share} ${nameOf(extra)} is an index too many: the table is to have none but its key.`;
    return [{ ...base, detail, mend: dropSql(extra), bytes: extra.bytes }];
  }
  if (fillfactor > 50) {
    const detail = `${share} Its pages have no room: fillfactor is ${fillfactor}, and half of each should be free.`;
    return [{ ...base, detail, mend: 'ALTER TABLE ledger.balances SET (fillfactor = 50)', bytes: 0n }];
  }
  const age = oldestTransaction > 60 ? `; the oldest now is ${Math.round(oldestTransaction)} s old` : '';
  const detail = `${share} Its pages are full of old rows, which transactions that last long keep from being cleaned away${age}. Find out who keeps them open.`;
  return [{ ...base, detail, mend: 'VACUUM ledger.balances', bytes: 0n }];
}

function partsOf(one: IndexFacts, facts: readonly IndexFacts[]): IndexFacts[] {
  return facts.filter(
    (part) => part.parent === one.name && part.schema === one.schema && part.rootTable === one.table,
  );
}

function sizeOf(one: IndexFacts, facts: readonly IndexFacts[]): bigint {
  return partsOf(one, facts).reduce((sum, part) => sum + part.bytes, one.bytes);
}

/** Of a partitioned table it cannot be done CONCURRENTLY. */
function dropSql(one: IndexFacts): string {
  const name = nameOf(one);
  return one.on === 'partitioned'
    ? `BEGIN; SET LOCAL lock_timeout = '1s'; DROP INDEX ${name}; COMMIT`
    : `DROP INDEX CONCURRENTLY ${name}`;
}

/** As SQL, quoted only where it has to be. */
export function nameOf({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return [schema, name].map((part) => (/^[a-z_][a-z0-9_]*$/.test(part) ? part : identifier(part))).join('.');
}

function finding(
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
