/** What a bench prints, one line each: our side against the other, both measured in the same run. */
export interface Figure {
  /** What is measured, and after the slash what it is held against. */
  readonly figure: string;
  readonly unit: Unit;
  /** How many rows it rests on. */
  readonly rows: number;
  readonly ours: number;
  readonly other: number;
  /**
   * How many times better ours is: more is better, whatever the unit. null where no number says so: of what is counted,
   * and where there was nothing to divide by.
   */
  readonly ratio: number | null;
  /**
   * The ratio to reach; null where none was set. Of what is counted, as errors are, it is no ratio but what ours may come to at
   * most: none is so much better than many as no ratio can tell.
   */
  readonly goal: number | null;
}

/** Whether more of a unit is better, as of transactions per second, or less, as of milliseconds. */
const BETTER = {
  'tx/s': 'more',
  'rows/s': 'more',
  ms: 'less',
  s: 'less',
  MiB: 'less',
  'req/s': 'more',
  count: 'less',
} as const;
export type Unit = keyof typeof BETTER;

/** The medians of both sides as a figure. */
export function figureOf(
  what: { readonly figure: string; readonly unit: Unit; readonly rows: number; readonly goal: number | null },
  ours: readonly number[],
  other: readonly number[],
): Figure {
  const [a, b] = [median(ours), median(other)];
  const ratio = BETTER[what.unit] === 'more' ? a / b : b / a;
  const isRatio = what.unit !== 'count' && Number.isFinite(ratio);
  return {
    figure: what.figure,
    unit: what.unit,
    rows: what.rows,
    ours: rounded(a),
    other: rounded(b),
    ratio: isRatio ? rounded(ratio) : null,
    goal: what.goal,
  };
}

/** Whether the goal is reached; undefined where none was set. A ratio that no number tells reaches none. */
export function isReached({ unit, ours, ratio, goal }: Figure): boolean | undefined {
  if (goal === null) return undefined;
  return unit === 'count' ? ours <= goal : ratio !== null && ratio >= goal;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) throw new Error('There is no median of nothing.');
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** The smallest value that so great a part of all values, from 0 to 1, does not exceed: the nearest-rank method. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = Float64Array.from(values).sort();
  const found = sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)];
  if (found === undefined) throw new Error('There is no percentile of nothing.');
  return found;
}

/** To three significant digits, but no whole digit is lost: more would be noise. */
export function rounded(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
