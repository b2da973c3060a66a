import type { Quarter } from '../core/quarter.ts';

/** Some days of one quarter, to be worked off together. */
export interface Chunk<Day> {
  readonly quarter: Quarter;
  readonly days: readonly Day[];
}

interface Named {
  readonly ledgerId: number;
  readonly day: string;
}

/**
 * What is to be worked off, by quarter. The newest quarter comes first and of it the newest days, for that is where people post and
 * look; a quarter of which a chunk is under way is left alone meanwhile, so that its days have one writer.
 */
export interface Backlog<Day extends Named> {
  /** What was found marked now. Days that wait already, or whose quarter was given up, are not added again. */
  add(quarters: readonly { readonly quarter: Quarter; readonly days: readonly Day[] }[]): void;
  /** At most so many days of the newest quarter that nobody works on. */
  take(most: number): Chunk<Day> | undefined;
  /** The chunk is done, and its quarter free again. */
  finish(chunk: Chunk<Day>): void;
  /** Nothing more of this quarter is given out. */
  giveUp(quarter: Quarter): void;
  /** Quarters that wait and on which nobody works. */
  free(): number;
  /** Quarters that wait, and days that do. */
  quarters(): number;
  days(): number;
}

export function createBacklog<Day extends Named>(): Backlog<Day> {
  const waiting = new Map<string, { quarter: Quarter; days: Map<string, Day> }>();
  const busy = new Set<string>();
  const givenUp = new Set<string>();
  return {
    add(quarters) {
      for (const { quarter, days } of quarters) {
        if (givenUp.has(quarter.name)) continue;
        const found = waiting.get(quarter.name) ?? { quarter, days: new Map<string, Day>() };
        // A later look may have seen more marks of the same day.
        for (const day of days) found.days.set(`${day.ledgerId} ${day.day}`, day);
        const newestFirst = [...found.days].sort(([, a], [, b]) =>
          a.day < b.day ? 1 : a.day > b.day ? -1 : 0,
        );
        waiting.set(quarter.name, { quarter, days: new Map(newestFirst) });
      }
    },
    take(most) {
      const [name] = [...waiting.keys()].filter((one) => !busy.has(one)).sort((a, b) => (a < b ? 1 : -1));
      const found = name === undefined ? undefined : waiting.get(name);
      if (name === undefined || found === undefined) return undefined;
      const taken = [...found.days].slice(0, most);
      for (const [key] of taken) found.days.delete(key);
      if (found.days.size === 0) waiting.delete(name);
      busy.add(name);
      return { quarter: found.quarter, days: taken.map(([, day]) => day) };
    },
    finish: ({ quarter }) => void busy.delete(quarter.name),
    giveUp({ name }) {
      givenUp.add(name);
      waiting.delete(name);
    },
    free: () => [...waiting.keys()].filter((name) => !busy.has(name)).length,
    quarters: () => waiting.size,
    days: () => [...waiting.values()].reduce((sum, { days }) => sum + days.size, 0),
  };
}
