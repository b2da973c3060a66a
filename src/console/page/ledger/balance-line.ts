/** A balance from an instant on. Minor units. */
export interface BalanceStep {
  readonly at: number;
  readonly balance: bigint;
}

/** A line to be drawn in a box of `width` by `height`, from left to right in time. */
export interface BalanceLine {
  /** The `d` of an SVG path: steps, for a balance stays as it is until the next entry. */
  readonly path: string;
  readonly lowest: bigint;
  readonly highest: bigint;
  /** Where nothing is, when that lies within the box. */
  readonly zero: number | undefined;
}

/** Oldest first. Amounts are scaled as integers: a float would be off for what is very large. */
export function balanceLine(
  steps: readonly BalanceStep[],
  width: number,
  height: number,
): BalanceLine | undefined {
  const [first, last] = [steps[0], steps.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  let [lowest, highest] = [first.balance, first.balance];
  for (const { balance } of steps) {
    if (balance < lowest) lowest = balance;
    if (balance > highest) highest = balance;
  }
  const span = highest - lowest;
  const time = last.at - first.at;
  const y = (balance: bigint) =>
    span === 0n
      ? height / 2
      : height - Number(((balance - lowest) * 1_000_000n) / span) * (height / 1_000_000);
  const x = (at: number) => (time === 0 ? width : ((at - first.at) / time) * width);
  let path = `M0 ${round(y(first.balance))}`;
  for (const step of steps.slice(1)) path += `H${round(x(step.at))}V${round(y(step.balance))}`;
  if (steps.length === 1) path += `H${width}`;
  return {
    path,
    lowest,
    highest,
    zero: lowest <= 0n && highest >= 0n && span > 0n ? round(y(0n)) : undefined,
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
