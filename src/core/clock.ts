/** Where the time comes from. Injected everywhere, so that a test can stand in any quarter it likes. */
export interface Clock {
  now(): Date;
}

/** The machine's clock: the only place that asks it. */
export const systemClock: Clock = { now: () => new Date() };

/** A clock that stands still at `instant`. */
export function fixedClock(instant: Date | string): Clock {
  const at = new Date(instant);
  return { now: () => new Date(at) };
}

/** Seconds since `start()` was called, monotonic: for durations, never for dates. */
export function stopwatch(): () => number {
  const start = performance.now();
  return () => (performance.now() - start) / 1000;
}
