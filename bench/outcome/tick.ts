const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

/** At two in the morning the worker looks which quarters have ended, as jobs/quarter-tick.ts has it. */
const TICK = 120 * MINUTE;

/** How long the bench may take, in minutes. */
export function minutesFor(rows: number): number {
  return 10 + Math.ceil(rows / 250_000);
}

/**
 * Whether the worker would begin to close the quarters of the bench before it is over: which is done once a quarter, and would
 * be counted as if it belonged to the traffic.
 */
export function meetsTick(now: Date, minutes: number): boolean {
  const sinceMidnight = now.getTime() % DAY;
  const untilTick = (TICK - sinceMidnight + DAY) % DAY;
  return untilTick < minutes * MINUTE;
}
