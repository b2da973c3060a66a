import { type FoundPartition, isLeftover, obstacle, sameRange } from './partition.ts';
import type { Quarter } from './quarter.ts';
import type { KnownQuarter, Situation } from './situation.ts';

/** Something that is not as it should be and that no plan mends by itself. `detail` says what to do. */
export interface Drift {
  readonly code: string;
  readonly quarter?: string | undefined;
  readonly relation?: string | undefined;
  readonly detail: string;
}

/** Partitions that were made elsewhere. They may be meant, so they are named and left alone. */
export function foreignDrift(found: readonly FoundPartition[]): Drift[] {
  return found.flatMap((one) => {
    if (one.attachment === 'standalone') return [];
    const relation = `${one.schema}.${one.name}`;
    const parent = `${one.schema}.${one.table}`;
    if (one.bounds === 'default') {
      const detail = `${relation} is a DEFAULT partition: it forbids a concurrent detach and makes every attach read it. Move its rows into their quarters and drop it.`;
      return [{ code: 'default_partition', relation, detail }];
    }
    if (one.quarter !== undefined) return [];
    const detail = `${relation} is a partition of ${parent} that was not made here; no quarter can be created where it lies. Detach it, or rename it if it is a quarter.`;
    return [{ code: 'foreign_partition', relation, detail }];
  });
}

/**
 * What is wrong with one quarter.
 *
 * @param row its state row, undefined when there is none yet
 * @param mine its partition in each of the tables, in their order
 */
export function quarterDrift(
  quarter: Quarter,
  row: KnownQuarter | undefined,
  mine: readonly (FoundPartition | undefined)[],
  { tables, found, calendar }: Situation,
): Drift[] {
  const drift: Drift[] = [];
  const add = (code: string, one: FoundPartition | string, detail: string) => {
    const relation = typeof one === 'string' ? one : `${one.schema}.${one.name}`;
    drift.push({ code, quarter: quarter.name, relation, detail: `${relation} ${detail}` });
  };
  const state = row?.state ?? 'planned';
  const online = state === 'closed' || state === 'archived' || state === 'restored';
  for (const [i, table] of tables.entries()) {
    const one = mine[i];
    if (one === undefined) {
      const blocked = obstacle(table, quarter, found);
      if (state === 'planned' || state === 'open') {
        if (blocked !== undefined)
          add('range_occupied', blocked, `lies where ${table} of ${quarter.name} should be. Detach it.`);
        else if (state === 'open')
          add(
            'partition_lost',
            table,
            `of ${quarter.name} was gone; it is made again, empty. Look for its rows.`,
          );
      } else if (online || state === 'detached') {
        add(
          'partition_missing',
          table,
          state === 'closed'
            ? `of ${quarter.name} is gone, and the quarter was never archived. Restore the table from a backup of the database.`
            : `of ${quarter.name} is gone, and the quarter is ${state}. Run \`quartermaster quarters restore ${quarter.name}\`.`,
        );
      }
    } else if (one.attachment === 'attached') {
      if (!sameRange(one.bounds, quarter))
        add('bounds_differ', one, `does not take exactly ${rangeText(quarter)}. Detach it and attach it so.`);
      if (state === 'detached' || state === 'dropped')
        add('attached_again', one, `is attached, and the quarter is ${state}. Detach it.`);
      else if (online && !one.fenced)
        add(
          'fence_missing',
          one,
          `takes rows, and the quarter is ${state}. Run \`quartermaster reconcile --fix\`: it fences the quarter again when it still holds what was closed.`,
        );
      else if (!online && one.fenced)
        add(
          'close_unfinished',
          one,
          'takes no rows, and the quarter is open: a close is under way or was killed. Close the quarter.',
        );
    } else if (one.attachment === 'standalone' && state !== 'detached') {
      if (state === 'dropped' && one.ours) {
        add(
          'restore_unfinished',
          one,
          `is there, and the quarter was dropped: a restore is under way or was killed. Run \`quartermaster quarters restore ${quarter.name}\` again, or drop the table by hand.`,
        );
      } else if (state === 'dropped') {
        add(
          'stands_after_drop',
          one,
          'is there, and the quarter was dropped. It is left alone: look whose it is, and drop or rename it by hand.',
        );
      } else if (state === 'archived' || state === 'restored') {
        const [verb, done, code] =
          state === 'archived'
            ? (['detach', 'detached', 'detach_unfinished'] as const)
            : (['release', 'released', 'release_unfinished'] as const);
        if (mine.some((other) => other?.attachment !== 'standalone'))
          add(
            code,
            one,
            `is ${done} and others are not: a ${verb} is under way or was killed. Run \`quartermaster quarters ${verb} ${quarter.name}\`.`,
          );
      } else if (online || !isLeftover(one)) {
        add(
          'stands_alone',
          one,
          `is not attached, and the quarter is ${state}. ${attachAdvice(one, quarter)}`,
        );
      }
    }
  }
  const { start, end } = calendar.quarter(quarter.name);
  if (row !== undefined && !sameRange({ from: start, to: end }, quarter)) {
    add(
      'zone_rules_changed',
      quarter.name,
      `is kept as ${rangeText(quarter)}; the zone's rules now say ${rangeText({ start, end })}. The stored bounds stay.`,
    );
  }
  return drift;
}

function attachAdvice({ schema, table, name }: FoundPartition, { start, end }: Quarter): string {
  return `If it holds the rows of the quarter: ALTER TABLE ${schema}.${table} ATTACH PARTITION ${schema}.${name} FOR VALUES FROM ('${start.toISOString()}') TO ('${end.toISOString()}'). Else rename it.`;
}

function rangeText({ start, end }: Pick<Quarter, 'start' | 'end'>): string {
  return `${start.toISOString()} to ${end.toISOString()}`;
}
