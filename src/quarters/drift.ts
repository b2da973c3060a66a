import type { Drift } from '../core/plan-drift.ts';
import { isQuarterName } from '../core/quarter.ts';
import type { Db } from '../db/schema.ts';
import {
  type Aspect,
  aspects,
  type Difference,
  type Fact,
  readStructures,
  type Structure,
} from './drift-read.ts';
import { remedyOf } from './drift-remedy.ts';

/** What each is called in a report, and what a person does where nothing is mended by itself. */
const words: Readonly<Record<Aspect, { code: string; noun: string; advice: string }>> = {
  columns: {
    code: 'columns_differ',
    noun: 'columns',
    advice: 'Alter the partition; a quarter with other columns cannot be archived.',
  },
  defaults: { code: 'defaults_differ', noun: 'defaults', advice: 'Set or drop the default.' },
  checks: {
    code: 'checks_differ',
    noun: 'checks',
    advice: 'Drop what was added, or add it to the table, whose partitions then all get it.',
  },
  bounds: {
    code: 'bounds_unchecked',
    noun: 'CHECK of the bounds',
    advice: 'Drop the constraint quarter_bounds of the partition, then run `quartermaster reconcile --fix`.',
  },
  indexes: {
    code: 'indexes_differ',
    noun: 'indexes',
    advice:
      'Drop what was added; what is missing, create it CONCURRENTLY on the partition and attach it (ALTER INDEX … ATTACH PARTITION).',
  },
  grants: {
    code: 'grants_differ',
    noun: 'grants',
    advice: 'Grant or revoke on the partition, so that nobody may do there what the table forbids.',
  },
  owner: { code: 'owner_differ', noun: 'owner', advice: 'Change it (ALTER TABLE … OWNER TO).' },
  storage: {
    code: 'storage_differ',
    noun: 'storage',
    advice:
      'Change it back (ALTER TABLE … SET LOGGED, SET TABLESPACE) when nobody needs the table, unless it is meant.',
  },
  statistics: {
    code: 'statistics_differ',
    noun: 'statistics',
    advice: 'Create or drop them on the partition (CREATE STATISTICS).',
  },
  triggers: {
    code: 'triggers_differ',
    noun: 'triggers',
    advice: 'Drop what was added: nothing may change a row on its way.',
  },
  security: {
    code: 'security_differ',
    noun: 'row security',
    advice: 'Set it on the partition as on the table (ALTER TABLE … ROW LEVEL SECURITY).',
  },
  replication: {
    code: 'replication_differ',
    noun: 'replica identity',
    advice: 'Set it as on the table (ALTER TABLE … REPLICA IDENTITY).',
  },
};

/**
 * Compares every attached partition with its table in all that LIKE, the grants and ATTACH once made alike: somebody
 * may have changed one of them since. The order of columns and the names of indexes are no difference.
 *
 * @param only the name of the one partition that is wanted
 */
export async function readDifferences(db: Db, only?: string): Promise<Difference[]> {
  return differencesOf(await readStructures(db, only));
}

function differencesOf(structures: readonly Structure[]): Difference[] {
  const parents = new Map(structures.filter((one) => one.parent === null).map((one) => [one.name, one]));
  return structures.flatMap((partition) => {
    const parent = parents.get(partition.parent ?? '');
    return parent === undefined ? [] : compare(parent, partition);
  });
}

/** Every difference as a sentence that says what to do. */
export async function structureDrift(db: Db): Promise<Drift[]> {
  const structures = await readStructures(db);
  const locked = structures.filter(({ facts }) => facts === null);
  return [
    ...differencesOf(structures).map(driftOf),
    ...locked.map(({ schema, name }) => {
      const relation = `${schema}.${name}`;
      const detail = `${relation} could not be compared: another session keeps everybody out of it. Run this again when that is over.`;
      return { code: 'not_compared', relation, detail };
    }),
  ];
}

export function driftOf(difference: Difference): Drift {
  const { code, partition, parent, quarter, lacks, has } = difference;
  const { noun, advice } = words[difference.aspect];
  const relation = `${partition.schema}.${partition.name}`;
  const what = [
    ...(lacks.length > 0 ? [`lacks ${textsOf(lacks)}`] : []),
    ...(has.length > 0 ? [`has ${textsOf(has)}`] : []),
  ].join(' and ');
  const remedy = remedyOf(difference);
  const mend = 'Run `quartermaster reconcile --fix`, which mends it.';
  const toDo = [...(remedy.mends ? [mend] : []), ...(remedy.leaves ? [advice] : [])].join(' ');
  const detail = `${relation} differs from ${parent.schema}.${parent.name} in its ${noun}: it ${what}. ${toDo}`;
  return { code, relation, detail, ...(quarter === undefined ? {} : { quarter }) };
}

function compare(parent: Structure, partition: Structure): Difference[] {
  const [, suffix = ''] = partition.name.split(`${parent.name}_`, 2);
  const quarter = partition.name === `${parent.name}_${suffix}` && isQuarterName(suffix) ? suffix : undefined;
  const [given, facts] = [parent.facts, partition.facts];
  if (given === null || facts === null) return [];
  return aspects.flatMap((aspect) => {
    const wanted = aspect === 'bounds' ? boundsOf(partition, quarter, facts.bounds) : given[aspect];
    const found = facts[aspect];
    const lacks = wanted.filter(({ text }) => !found.some((one) => one.text === text));
    const has = found.filter(({ text }) => !wanted.some((one) => one.text === text));
    if (lacks.length === 0 && has.length === 0) return [];
    return [{ aspect, code: words[aspect].code, parent, partition, quarter, lacks, has }];
  });
}

/** What the CHECK of the bounds should say: what the partition takes, where it is a quarter. */
function boundsOf(
  { bounds }: Structure,
  quarter: string | undefined,
  found: readonly Fact[],
): readonly Fact[] {
  return quarter === undefined || bounds === null ? found : [{ text: bounds }];
}

function textsOf(facts: readonly Fact[]): string {
  return facts.map(({ text }) => text).join(', ');
}
