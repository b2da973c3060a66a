import type { Random } from '../distributions.ts';

/** Something that happens to a soak. `pick` is a number from 0 to 1 that chooses whom it happens to. */
export interface Mishap {
  readonly atMs: number;
  readonly what: (typeof kinds)[number]['what'];
  readonly pick: number;
  readonly other: number;
}

/** What happens, and how often beside the others. */
const kinds = [
  { what: 'kill worker', weight: 5 },
  { what: 'kill writer', weight: 3 },
  { what: 'kill loader', weight: 2 },
  { what: 'kill reader', weight: 1 },
  { what: 'kill postgres', weight: 1.5 },
  { what: 'end sessions', weight: 2 },
  { what: 'weather', weight: 4 },
  { what: 'load', weight: 2 },
  { what: 'deed', weight: 9 },
] as const;

/** From one mishap to the next, on the average; and how long a server lives at least. */
const EVERY_MS = 1500;
const SERVER_MS = 15_000;

/** All that will happen, decided before anything does: the same seed, the same plan. */
export function planMishaps(random: Random, forMs: number): Mishap[] {
  const mishaps: Mishap[] = [];
  let serverSince = 0;
  for (let atMs = 2000; ; ) {
    atMs += -Math.log(1 - random()) * EVERY_MS;
    if (atMs >= forMs) return mishaps;
    const what = choose(random);
    const mishap = { atMs, what, pick: random(), other: random() };
    if (what === 'kill postgres') {
      if (atMs - serverSince < SERVER_MS) continue;
      serverSince = atMs;
    }
    mishaps.push(mishap);
  }
}

function choose(random: Random): Mishap['what'] {
  let left = random() * kinds.reduce((sum, { weight }) => sum + weight, 0);
  for (const { what, weight } of kinds) {
    left -= weight;
    if (left < 0) return what;
  }
  return 'deed';
}

/** One of a list. */
export function pickOne<T>(list: readonly T[], pick: number): T | undefined {
  return list[Math.floor(pick * list.length)];
}
