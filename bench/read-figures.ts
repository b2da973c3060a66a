import { isDeepStrictEqual } from 'node:util';
import type { Bench } from './bench.ts';
import { median } from './figures.ts';
import type { Contest } from './read-contests.ts';

/** The contests over one database. */
export interface Arena {
  readonly rows: number;
  readonly contests: readonly Contest[];
}

/** How many keys are asked for on both sides and compared, before anything is measured. */
const COMPARED = 20;
const WARM_UP_SECONDS = 1;

/** How often a figure of ours may grow: by 1.3 times. */
const GROWTH_GOAL = 0.77;

/**
 * Measures all contests, prints a figure of each, and at the end how the slowest of ours grew from the smallest to the
 * largest database. All databases are measured in turn, so that what drifts in the machine is not taken for growth.
 */
export async function measureReading(bench: Bench, arenas: readonly Arena[]): Promise<void> {
  const largest = arenas.at(-1) as Arena;
  const grown: { small: number[]; large: number[] }[] = [];
  for (const [index, { figure, goal }] of largest.contests.entries()) {
    if (!bench.wants(`${figure}/naive`) && !bench.wants('read.growth')) continue;
    bench.say(figure);
    const sides = arenas.map(({ rows, contests }) => ({
      rows,
      contest: contests[index] as Contest,
      ours: [] as number[],
      naive: [] as number[],
    }));
    for (const { contest } of sides) await requireSameAnswers(contest);
    for (let round = 1; round <= bench.options.rounds; round++) {
      for (const which of ['ours', 'naive'] as const) {
        for (const side of sides) {
          if (round === 1) await warmUp(side.contest, which);
          side[which].push(await timeOf(bench, side.contest, which));
        }
      }
    }
    for (const { rows, ours, naive } of sides) {
      const name = rows === largest.rows ? figure : `${figure}@${rows}`;
      bench.print({ figure: `${name}/naive`, unit: 'ms', rows, goal }, ours, naive);
    }
    const [small, large] = [sides[0], sides.at(-1)];
    // What has no goal is there to be known: a user who has ten times the rows gets a longer answer too.
    if (small && large && small !== large && goal !== null)
      grown.push({ small: small.ours, large: large.ours });
  }
  const growth = ({ small, large }: (typeof grown)[number]) => median(large) / median(small);
  const worst = grown.sort((a, b) => growth(b) - growth(a))[0];
  if (worst === undefined || !bench.wants('read.growth')) return;
  bench.print(
    { figure: 'read.growth', unit: 'ms', rows: largest.rows, goal: GROWTH_GOAL },
    worst.large,
    worst.small,
  );
}

/** @throws Error where the two ways do not find the same: then one of them is not worth timing */
async function requireSameAnswers({ figure, keys, answers }: Contest): Promise<void> {
  for (const key of keys.slice(0, COMPARED)) {
    const [ours, naive] = await answers(key);
    if (isDeepStrictEqual(ours, naive)) continue;
    const told = [ours, naive].map((answer) => JSON.stringify(answer).slice(0, 500)).join('\n');
    throw new Error(`The answers to ${figure} of ${JSON.stringify(key)} differ:\n${told}`);
  }
}

async function warmUp(contest: Contest, side: 'ours' | 'naive'): Promise<void> {
  const until = performance.now() + WARM_UP_SECONDS * 1000;
  for (const key of contest.keys) {
    await contest[side](key);
    if (performance.now() > until) return;
  }
}

/** The median of as many calls as the time allows, at least of one, in milliseconds: one at a time over all keys. */
async function timeOf(bench: Bench, contest: Contest, side: 'ours' | 'naive'): Promise<number> {
  const { keys } = contest;
  const times: number[] = [];
  const until = performance.now() + bench.options.seconds * 1000;
  while (times.length === 0 || performance.now() < until) {
    const key = keys[times.length % keys.length] as string;
    const start = performance.now();
    await contest[side](key);
    times.push(performance.now() - start);
  }
  return median(times);
}
