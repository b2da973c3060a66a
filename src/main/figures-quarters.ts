import { quarterStates, transitionOf } from '../core/lifecycle.ts';
import { writableUntil } from '../core/plan.ts';
import { quarterTables } from '../core/tables.ts';
import type { Figures, PartitionFigures } from '../db/figures.ts';
import { PENDING_DETACH } from '../db/measurements.ts';
import { openSteps } from './figures-overdue.ts';
import { only, type PageOptions, type Replace } from './figures-series.ts';

const tableNames = quarterTables.map(({ name }) => name);
const partitionStates = ['open', 'closed', 'restored', 'pending_detach', 'detached'] as const;
/** The steps that are missed when they do not happen by themselves. */
const missedVerbs = ['close', 'archive', 'detach', 'drop'] as const;

/** How the partitions stand, and how long rows have somewhere to go. */
export function showPartitions(replace: Replace, figures: Figures, { now, age }: PageOptions): void {
  const { partitions, quarters, measurements } = figures;
  const restored = new Set(
    quarters.filter(({ state }) => state === 'restored').map(({ quarter }) => quarter),
  );
  // All there may be, for what is not there is none and not unknown.
  const groups = tableNames.flatMap((table) =>
    partitionStates.map((state) => {
      const some = partitions.filter((one) => one.table === table && stateOf(one, restored) === state);
      return { labels: { table, state }, some };
    }),
  );
  replace(
    'partitions',
    groups.map(({ labels, some }) => ({ labels, value: some.length })),
  );
  replace(
    'partition_bytes',
    groups.map(({ labels, some }) => ({ labels, value: sum(some.map(({ bytes }) => bytes)) })),
  );
  // Anew for each page: it is right through the end of a quarter, however old the reading is.
  const horizon = writableUntil(tableNames, partitions, now);
  replace('horizon_seconds', only(secondsBetween(now, horizon)));
  const ages = pendingDetaches(figures).map((label) => {
    const seen = measurements.find((one) => one.metric === PENDING_DETACH && one.label === label);
    return (seen?.value ?? 0) + age;
  });
  replace('pending_detach_age_seconds', only(ages.length === 0 ? undefined : Math.max(...ages)));
}

/** Where finance is, and what its archives are like. */
export function showQuarters(replace: Replace, figures: Figures, options: PageOptions): void {
  const { quarters, archives } = figures;
  const { now, calendar, policy } = options;
  replace(
    'quarters',
    quarterStates.map((state) => ({
      labels: { state },
      value: quarters.filter((one) => one.state === state).length,
    })),
  );
  replace('quarters_held', only(quarters.filter((one) => one.hold_reason !== null).length));
  // Where one person is enough nobody waits for a second, whatever was asked when it took two.
  const awaited = quarters.flatMap(({ state, asked }) =>
    policy.archiveApproval === 'required'
      ? asked.filter(({ verb, approved }) => !approved && transitionOf(verb).from.includes(state))
      : [],
  );
  replace('approvals_waiting', only(awaited.length));
  const steps = openSteps(quarters, calendar, policy);
  replace(
    'quarter_step_overdue_seconds',
    missedVerbs.flatMap((verb) => {
      const ages = steps
        .filter((step) => step.verb === verb && step.since <= now)
        .map(({ since }) => secondsBetween(since, now));
      return ages.length === 0 ? [] : [{ labels: { verb }, value: Math.max(...ages) }];
    }),
  );
  replace('archives', only(archives.count));
  replace('archive_bytes', only(archives.bytes));
  replace(
    'archive_rows',
    Object.entries(archives.rows).map(([table, value]) => ({ labels: { table }, value })),
  );
  replace(
    'archive_fixity_age_seconds',
    only(archives.readAt === null ? undefined : secondsBetween(archives.readAt, now)),
  );
}

/** By what the detaches are known that are half done: each by its own name, should the same partition be half detached again. */
export function pendingDetaches({ partitions }: Pick<Figures, 'partitions'>): string[] {
  return partitions
    .filter(({ attachment }) => attachment === 'detaching')
    .map(({ schema, name, change }) => `${schema}.${name} ${change}`);
}

function stateOf({ attachment, quarter, fenced }: PartitionFigures, restored: ReadonlySet<string>) {
  if (attachment === 'standalone') return 'detached';
  if (attachment === 'detaching') return 'pending_detach';
  if (quarter !== undefined && restored.has(quarter)) return 'restored';
  return fenced ? 'closed' : 'open';
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}

/** 0 where it is the other way round: clocks differ by a little. */
function secondsBetween(from: Date, to: Date): number {
  return Math.max(0, (to.getTime() - from.getTime()) / 1000);
}
