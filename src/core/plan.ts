import { type FoundPartition, isLeftover, obstacle, type Range, sameRange } from './partition.ts';
import { type Drift, foreignDrift, quarterDrift } from './plan-drift.ts';
import { compareQuarters, nextName, type Quarter } from './quarter.ts';
import type { KnownQuarter, Situation } from './situation.ts';

/** So many quarters at once are a wrong date far more often than a wish: a century of them. */
export const QUARTER_LIMIT = 400;

/** A quarter to be opened, or completed. */
export interface Provision {
  readonly quarter: Quarter;
  /** Tables whose partition is missing. */
  readonly create: readonly string[];
  /** Tables whose partition is an empty, unattached leftover: dropped and made again. */
  readonly replace: readonly string[];
  /** With these every table has the quarter's partition, so that it is open; else something is in the way. */
  readonly whole: boolean;
}

export interface Plan {
  /** Interrupted detaches. Until they are finalised the rest of the plan is preliminary. */
  readonly finalize: readonly FoundPartition[];
  /** The current quarter first, then those ahead, then the past, newest first. */
  readonly provision: readonly Provision[];
  /** Quarters whose tables have all left: only the state row lags. An archived one was detached, a restored one released. */
  readonly left: readonly { readonly quarter: string; readonly verb: 'detach' | 'release' }[];
  readonly drift: readonly Drift[];
}

/**
 * Compares what should be with what is. Pure: it reads no clock and no catalog, and a plan that was carried out plans
 * nothing the next time. What was not made here is reported, never adopted.
 */
export function planQuarters(situation: Situation): Plan {
  const { found, tables, calendar, now, oldest } = situation;
  const known = new Map(situation.known.map((row) => [row.quarter, row]));
  const current = calendar.quarterOf(now).name;
  const first = calendar.quarterOf(oldest).name;
  const drift: Drift[] = foreignDrift(found);
  const provision: Provision[] = [];
  const left: Plan['left'][number][] = [];

  for (const quarter of expectedQuarters(situation, known)) {
    const row = known.get(quarter.name);
    const mine = tables.map((table) =>
      found.find((one) => one.table === table && one.quarter === quarter.name),
    );
    drift.push(...quarterDrift(quarter, row, mine, situation));
    if (row === undefined || row.state === 'planned' || row.state === 'open') {
      const create = tables.filter((table, i) => !mine[i] && !obstacle(table, quarter, found));
      const replace = tables.filter((_, i) => isLeftover(mine[i]));
      const attached = mine.filter((one) => one?.attachment === 'attached' && sameRange(one.bounds, quarter));
      const tooOld = compareQuarters(quarter.name, first) < 0 && row?.state !== 'open';
      const missing = create.length + replace.length;
      const whole = attached.length + missing === tables.length;
      const lags = row?.state !== 'open' && whole && missing === 0;
      if (lags || (!tooOld && missing > 0)) provision.push({ quarter, create, replace, whole });
    } else if (mine.every((one) => one?.attachment === 'standalone')) {
      if (row.state === 'archived') left.push({ quarter: quarter.name, verb: 'detach' });
      if (row.state === 'restored') left.push({ quarter: quarter.name, verb: 'release' });
    }
  }
  return {
    finalize: found.filter((one) => one.attachment === 'detaching'),
    provision: provision.sort((a, b) => byUrgency(a.quarter.name, b.quarter.name, current)),
    left,
    drift,
  };
}

/** Until when every table takes rows, going on from `now` through our own partitions; `now` itself when one does not. */
export function writableUntil(tables: readonly string[], found: readonly FoundPartition[], now: Date): Date {
  const ends = tables.map((table) => {
    let end = now;
    for (;;) {
      const next = found.find(
        ({ bounds, ...one }) =>
          one.table === table &&
          one.quarter !== undefined &&
          one.attachment === 'attached' &&
          !one.fenced &&
          bounds !== undefined &&
          bounds !== 'default' &&
          bounds.to !== undefined &&
          (bounds.from === undefined || bounds.from <= end) &&
          bounds.to > end,
      );
      if (next === undefined) return end;
      end = (next.bounds as Range).to as Date;
    }
  });
  return new Date(Math.min(...ends.map(Number)));
}

/**
 * All quarters from the oldest to the newest one that is known, found or wanted. Stored bounds are kept, and a
 * quarter without a row takes its bounds from its neighbours' where they have one: should the zone's rules change,
 * quarters still tile.
 */
function expectedQuarters(
  { calendar, found, now, premake, wanted }: Situation,
  known: ReadonlyMap<string, KnownQuarter>,
): Quarter[] {
  const current = calendar.quarterOf(now).name;
  const names = [current, nextName(current, premake), ...known.keys()];
  for (const one of found)
    if (one.quarter !== undefined && one.attachment !== 'standalone') names.push(one.quarter);
  if (wanted !== undefined) names.push(wanted.from, wanted.to);
  names.sort(compareQuarters);
  const quarters = calendar.range(names[0] as string, names.at(-1) as string);
  return quarters.map(({ name, start, end }, i) => {
    const row = known.get(name);
    if (row !== undefined) return { name, start: row.starts_at, end: row.ends_at };
    const before = known.get(quarters[i - 1]?.name ?? '');
    const after = known.get(quarters[i + 1]?.name ?? '');
    return { name, start: before?.ends_at ?? start, end: after?.starts_at ?? end };
  });
}

function byUrgency(a: string, b: string, current: string): number {
  const [pastA, pastB] = [compareQuarters(a, current) < 0, compareQuarters(b, current) < 0];
  if (pastA !== pastB) return pastA ? 1 : -1;
  return pastA ? compareQuarters(b, a) : compareQuarters(a, b);
}
