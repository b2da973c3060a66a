import type { QuarterPolicy } from '../../jobs/quarter-plan.ts';
import type { Calendar } from '../core/quarter.ts';
import type { Metrics } from '../platform/metrics.ts';

/** What a page is made of beside the figures. */
export interface PageOptions {
  readonly calendar: Calendar;
  readonly policy: QuarterPolicy;
  /** The jobs of this version; `interval` in seconds, of those that have a schedule. */
  readonly jobs: readonly FigureJob[];
  /** The moment of the page. */
  readonly now: Date;
  /** Seconds since the reading. */
  readonly age: number;
}

export interface FigureJob {
  readonly name: string;
  readonly interval: number | undefined;
}

export type Replace = Metrics['replace'];

/** The one series of a gauge without labels, or none. */
export function only(value: number | null | undefined): { labels: Record<never, string>; value: number }[] {
  return value === null || value === undefined ? [] : [{ labels: {}, value }];
}
