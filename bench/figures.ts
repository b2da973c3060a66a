/** What a bench prints, one line each: our side against the other, both measured in the same run. */
export interface Figure {
  /** What is measured, and after the slash what it is held against. */
  readonly figure: string;
  readonly unit: string;
  /** How many rows it rests on. */
  readonly rows: number;
  readonly ours: number;
  readonly other: number;
  /** How many times better ours is: more is better, whatever the unit. */
  readonly ratio: number;
  /** The ratio to reach; null where none was set. */
  readonly goal: number | null;
}

/** Whether more of a unit is better, as of transactions per second, or less, as of milliseconds. */
const BETTER = { 'tx/s': 'more', 'rows/s': 'more', ms: 'less', MiB: 'less' } as const;
export type Unit = keyof typeof BETTER;

/** The medians of both sides as a figure. */
export function figureOf(
  what: { readonly figure: string; readonly unit: Unit; readonly rows: number; readonly goal: number | null },
  ours: readonly number[],
  other: readonly number[],
): Figure {
  const [a, b] = [median(ours), median(other)];
  const ratio = BETTER[what.unit] === 'more' ? a / b : b / a;
  return {
    figure: what.figure,
    unit: what.unit,
    rows: what.rows,
    ours: rounded(a),
    other: rounded(b),
    ratio: rounded(ratio),
    goal: what.goal,
  };
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
