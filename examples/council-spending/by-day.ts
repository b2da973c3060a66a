import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Rows in the order of their days; those of one day in the order in which they came. */
export interface DaySorter {
  add(day: string, row: string): void;
  /** All rows, a month at a time. To be called once, after the last `add`. */
  months(): Generator<string[]>;
  close(): void;
}

const BUFFERED = 8 * 1024 * 1024;

/** Sorts with the memory of one month, however many there are: rows wait in one temporary file a month. */
export function createDaySorter(): DaySorter {
  const directory = mkdtempSync(join(tmpdir(), 'council-spending-'));
  const buckets = new Map<string, string[]>();
  const seen = new Set<string>();
  let buffered = 0;

  function flush(): void {
    for (const [month, lines] of buckets) appendFileSync(join(directory, month), `${lines.join('\n')}\n`);
    buckets.clear();
    buffered = 0;
  }

  return {
    add: (day, row) => {
      const month = day.slice(0, 7);
      // A row may hold line ends of its own; as JSON it is one line.
      const line = day + JSON.stringify(row);
      const lines = buckets.get(month);
      if (lines) lines.push(line);
      else buckets.set(month, [line]);
      seen.add(month);
      buffered += line.length;
      if (buffered > BUFFERED) flush();
    },
    *months() {
      flush();
      for (const month of [...seen].sort()) {
        const lines = readFileSync(join(directory, month), 'utf8').trimEnd().split('\n');
        const rows = lines.map((line) => ({
          day: line.slice(0, 10),
          row: JSON.parse(line.slice(10)) as string,
        }));
        // Array.prototype.sort is stable.
        yield rows.sort((a, b) => (a.day < b.day ? -1 : a.day > b.day ? 1 : 0)).map(({ row }) => row);
      }
    },
    close: () => rmSync(directory, { recursive: true, force: true }),
  };
}
