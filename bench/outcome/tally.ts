import { percentile } from '../figures.ts';
import type { Kind } from './mix.ts';
import type { Side } from './requests.ts';

export const phases = ['spread', 'hot', 'burst'] as const;
export type Phase = (typeof phases)[number];

/** What came of one side's traffic of one phase of one round. */
export interface Turn {
  readonly side: Side;
  readonly phase: Phase;
  readonly round: number;
  /** Milliseconds of each request that was answered as it should be. */
  readonly times: Readonly<Record<Kind, readonly number[]>>;
  readonly failures: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** Processor seconds of PostgreSQL, and the bytes it read beyond its own buffers. */
  readonly cpu: number;
  readonly bytes: number;
  /** Statements that were slow: those that somebody waited for, and those of background work. */
  readonly slow: number;
  readonly slowInBackground: number;
}

/** What one side's turns of a round come to together. */
export interface Measures {
  /** Processor seconds of PostgreSQL, and MiB it read, for 1,000 requests that were answered. */
  readonly cpu: number;
  readonly read: number;
  /** Milliseconds: the mean of all, the 95th percentile of lists, the mean of reports. */
  readonly latency: number;
  readonly listP95: number;
  readonly report: number;
  /** Answered a second. */
  readonly rate: number;
}

/** @throws Error where there is nothing to measure by, because not one of a kind was answered in the time */
export function measuresOf(turns: readonly Turn[]): Measures {
  const of = (kind: Kind) => turns.flatMap(({ times }) => times[kind]);
  const all = turns.flatMap(({ times }) => Object.values(times).flat());
  const [lists, reports] = [of('list'), of('report')];
  for (const [kind, times] of Object.entries({ lists, reports })) {
    if (times.length > 0) continue;
    const { side, round } = turns[0] ?? { side: 'no side', round: 0 };
    throw new Error(`No ${kind} were answered by ${side} in round ${round}: give more --seconds.`);
  }
  const total = (part: (turn: Turn) => number) => turns.reduce((sum, turn) => sum + part(turn), 0);
  return {
    cpu: (1000 * total(({ cpu }) => cpu)) / all.length,
    read: (1000 * total(({ bytes }) => bytes)) / 2 ** 20 / all.length,
    latency: mean(all),
    listP95: percentile(lists, 0.95),
    report: mean(reports),
    rate: all.length / total(({ seconds }) => seconds),
  };
}

export function answered({ times }: Pick<Turn, 'times'>): number {
  return Object.values(times).reduce((sum, { length }) => sum + length, 0);
}

export function failed({ failures }: Pick<Turn, 'failures'>, kind: Kind | '' = ''): number {
  return Object.entries(failures).reduce(
    (sum, [what, times]) => (what.startsWith(kind) ? sum + times : sum),
    0,
  );
}

export function mean(values: readonly number[]): number {
  if (values.length === 0) throw new Error('There is no mean of nothing.');
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
