import type { Figures } from '../../src/db/figures.ts';

/** Figures of a database with nothing in it, but for what a test says. */
export function emptyFigures(some: Partial<Figures> = {}): Figures {
  return {
    partitions: [],
    quarters: [],
    archives: { count: 0, bytes: 0, rows: {}, readAt: null },
    queues: [],
    outcomes: [],
    summaries: { days: 0, seconds: 0 },
    measurements: [],
    updates: { all: 0, hot: 0 },
    freeze: { age: 1, limit: 200_000_000 },
    server: { connections: 1, limit: 97 },
    ...some,
  };
}

/** The value of one series on a page, by its name without the prefix and its labels; NaN where it is not there. */
export function figureOf(page: string, series: string): number {
  const line = page.split('\n').find((one) => one.startsWith(`quartermaster_${series} `));
  return line === undefined ? Number.NaN : Number(line.slice(line.lastIndexOf(' ')));
}

/** The series of a metric on a page, as `{labels} value`, in their order. */
export function seriesOf(page: string, name: string): string[] {
  return page
    .split('\n')
    .filter((line) => new RegExp(`^quartermaster_${name}[{ ]`).test(line))
    .map((line) => line.slice(`quartermaster_${name}`.length).trim())
    .sort();
}
