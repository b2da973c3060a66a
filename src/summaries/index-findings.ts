import type { Bloat } from './index-bloat.ts';
import { isSame } from './index-cover.ts';
import type { IndexFacts } from './index-facts.ts';
import { dropSql, type Finding, finding, nameOf } from './index-finding.ts';
import { findCovered, findUnused, type Knowledge } from './index-needless.ts';

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

/** All that was read. */
interface Material extends Knowledge {
  readonly bloats: readonly Bloat[];
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
      ...facts.flatMap((one) => broken(one, facts)),
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

/**
 * Why an index that is not valid is none to be built anew: it is of a REINDEX CONCURRENTLY that died, of the new one or of the old
 * one; or another one was built instead. Undefined where it is not so.
 */
export function leftoverOf(one: IndexFacts, facts: readonly IndexFacts[]): string | undefined {
  if (one.isValid || one.builder !== undefined || one.on === 'partitioned') return undefined;
  // What belongs to the index of a table cannot be dropped by itself.
  if (one.parent !== undefined) return undefined;
  if (/_cc(new|old)\d*$/.test(one.name)) return 'was left by a REINDEX CONCURRENTLY that was killed';
  const instead = facts.find(
    (other) =>
      other.isValid && other.schema === one.schema && other.table === one.table && isSame(other, one),
  );
  return instead && `was left by a build that was killed, and ${nameOf(instead)} does its work`;
}

/** A whole table's index is broken by its partitions, and is looked at with those. */
function broken(one: IndexFacts, facts: readonly IndexFacts[]): Finding[] {
  if (one.isValid || one.builder !== undefined || one.on === 'partitioned') return [];
  const name = nameOf(one);
  const left = leftoverOf(one, facts);
  const useless = 'Writes keep it up to date, and nothing reads it.';
  if (left !== undefined)
    return [finding('leftover', one, `${name} ${left}. ${useless}`, dropSql(one), one.bytes)];
  const detail = `${name} is not valid: its build was killed or failed. ${useless}`;
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
