import type { Quarter } from './quarter.ts';

/** The instants a partition takes, `[from, to)`; undefined is without a bound. */
export interface Range {
  readonly from: Date | undefined;
  readonly to: Date | undefined;
}

/** A partition of one of our tables, or a relation outside that bears the name of one. */
export interface FoundPartition {
  /** The partitioned table's name. */
  readonly table: string;
  readonly schema: string;
  readonly name: string;
  /** The quarter its name says; undefined when the name is not of our making. */
  readonly quarter: string | undefined;
  /** `detaching`: a concurrent detach was interrupted, and no reader sees its rows. */
  readonly attachment: 'attached' | 'detaching' | 'standalone';
  /** undefined when it stands alone. */
  readonly bounds: Range | 'default' | undefined;
  /** A plain table with our CHECK of the bounds: what a create of ours leaves. */
  readonly ours: boolean;
  /** It has the constraint that refuses every row. */
  readonly fenced: boolean;
  /** Asked of the DEFAULT partition and of those that stand alone; of the others false. */
  readonly empty: boolean;
}

/** True when both take the same instants. */
export function sameRange(bounds: FoundPartition['bounds'], quarter: Quarter): boolean {
  if (bounds === undefined || bounds === 'default') return false;
  return bounds.from?.getTime() === quarter.start.getTime() && bounds.to?.getTime() === quarter.end.getTime();
}

/**
 * What keeps a partition of the table from being attached: another one that takes some of the quarter's instants, or
 * a DEFAULT partition with rows, which an attach would have to read through while it keeps everybody out.
 */
export function obstacle(
  table: string,
  quarter: Quarter,
  found: readonly FoundPartition[],
): FoundPartition | undefined {
  return found.find(({ bounds, ...one }) => {
    if (one.table !== table || bounds === undefined) return false;
    if (bounds === 'default') return !one.empty;
    const begins = bounds.from === undefined || bounds.from < quarter.end;
    return begins && (bounds.to === undefined || bounds.to > quarter.start);
  });
}

/** An empty table of ours that was never attached. Nothing is lost with it. */
export function isLeftover(one: FoundPartition | undefined): boolean {
  return one?.attachment === 'standalone' && one.ours && one.empty && !one.fenced;
}
