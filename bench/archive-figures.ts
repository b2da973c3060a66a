import { measureRound, type Round } from './archive-contest.ts';
import type { ClosedQuarter } from './archive-data.ts';
import type { Bench } from './bench.ts';
import { median } from './figures.ts';

const MIB = 1024 * 1024;

/** Measures the quarters in alternating rounds, so that whatever the machine does meanwhile befalls all of them. */
export async function measureArchiving(bench: Bench, quarters: readonly ClosedQuarter[]): Promise<void> {
  const rounds = new Map<ClosedQuarter, Round[]>(quarters.map((quarter) => [quarter, []]));
  for (let round = 1; round <= bench.options.rounds; round++) {
    for (const [quarter, measured] of rounds) {
      const one = await measureRound(bench, quarter);
      measured.push(one);
      const seconds = ({ seconds }: { seconds: number }) => `${seconds.toFixed(2)} s`;
      bench.say(
        `  ${quarter.rows} rows, round ${round}: ours ${seconds(one.ours)}, copy ${seconds(one.copy)}, copy in key order ${seconds(one.ordered)}, gzip ${seconds(one.gzip)}; ours ${mib(one.ours.bytes)}, gzip ${mib(one.gzip.bytes)}; memory ${mib(one.ours.memory)}`,
      );
    }
  }
  for (const [{ rows }, measured] of rounds) printQuarter(bench, rows, measured);
  const peaks = [...rounds].map(([{ rows }, measured]) => ({
    rows,
    memory: measured.map(({ ours }) => ours.memory / MIB),
  }));
  const [smaller, larger] = [peaks.at(0), peaks.at(-1)];
  // Less is better: the most at the larger size is held against the most at the smaller.
  if (smaller !== undefined && larger !== undefined && larger !== smaller && bench.wants('archive.memory')) {
    const what = { figure: 'archive.memory', unit: 'MiB', rows: larger.rows, goal: 0.9 } as const;
    bench.print(what, larger.memory, smaller.memory);
  }
}

function printQuarter(bench: Bench, rows: number, measured: readonly Round[]): void {
  const rate = (side: 'ours' | 'copy' | 'gzip') => measured.map((round) => rows / round[side].seconds);
  if (bench.wants('archive/copy'))
    bench.print({ figure: 'archive/copy', unit: 'rows/s', rows, goal: 0.6 }, rate('ours'), rate('copy'));
  if (bench.wants('archive/gzip'))
    bench.print({ figure: 'archive/gzip', unit: 'rows/s', rows, goal: 1 }, rate('ours'), rate('gzip'));
  if (bench.wants('archive.size/gzip')) {
    const sizes = (side: 'ours' | 'gzip') => measured.map((round) => round[side].bytes / MIB);
    bench.print({ figure: 'archive.size/gzip', unit: 'MiB', rows, goal: 1.4 }, sizes('ours'), sizes('gzip'));
  }
  const ordered = median(measured.map(({ ordered: { seconds }, ours }) => seconds / ours.seconds));
  bench.say(`  ${rows} rows: against a copy in key order the ratio is ${ordered.toFixed(2)}`);
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
