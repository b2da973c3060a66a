import type { QuarterState } from './lifecycle.ts';
import type { FoundPartition } from './partition.ts';
import type { Calendar } from './quarter.ts';

/** What a plan needs of the state row. */
export interface KnownQuarter {
  readonly quarter: string;
  readonly state: QuarterState;
  readonly starts_at: Date;
  readonly ends_at: Date;
}

export interface Situation {
  /** The partitioned tables, in the order in which they are worked on. */
  readonly tables: readonly string[];
  readonly found: readonly FoundPartition[];
  readonly known: readonly KnownQuarter[];
  readonly calendar: Calendar;
  readonly now: Date;
  readonly premake: number;
  /** No quarter before the one that holds this instant is created. */
  readonly oldest: Date;
  /** Quarters that are wanted besides, both ends included; the gap to those that exist is filled. */
  readonly wanted?: { readonly from: string; readonly to: string };
}
