import type { Bench } from './bench.ts';
import { cpuSeconds } from './cpu-time.ts';
import type { Distribution } from './distributions.ts';
import { median } from './figures.ts';
import type { LoadGenerator } from './load.ts';
import type { LoadOutcome, LoadPlan } from './load-plan.ts';

/** Over which the postings are spread. */
export const ACCOUNTS = 100_000;

const SINGLE = { batch: 1, connections: 64 } as const;
const BATCH = { batch: 500, connections: 8 } as const;

const figures = [
  { figure: 'write.single.spread/textbook', goal: 5, ...SINGLE, distribution: 'spread' },
  { figure: 'write.single.zipf/textbook', goal: null, ...SINGLE, distribution: 'zipf' },
  { figure: 'write.single.hot/textbook', goal: 10, ...SINGLE, distribution: 'hot' },
  { figure: 'write.batch.spread/textbook', goal: 10, ...BATCH, distribution: 'spread' },
  { figure: 'write.batch.hot/textbook', goal: 20, ...BATCH, distribution: 'hot' },
] as const satisfies { figure: string; goal: number | null; distribution: Distribution }[];

const P99 = { figure: 'write.p99/textbook', goal: 2 } as const;
/** The load at which the longest waits are compared, as a part of what the textbook side can do at most. */
const OFFERED = 0.7;

const WARM_UP_SECONDS = 2;
/** Before all: until the code is compiled and what may be cached is. */
const FIRST_WARM_UP_SECONDS = 6;

export interface Target {
  readonly origin: string;
  readonly key: string;
  readonly pid: number;
}

export interface Sides {
  readonly ours: Target;
  readonly textbook: Target;
  /** The process of the server that both use; undefined where it is not ours. */
  readonly postgres: number | undefined;
}
type Side = 'ours' | 'textbook';

type Shape = Pick<LoadPlan, 'connections' | 'batch' | 'distribution' | 'rate'>;

/** Measures and prints the figures of posting; returns how many transactions each side acknowledged in all. */
export async function measurePosting(
  bench: Bench,
  generator: LoadGenerator,
  sides: Sides,
): Promise<Record<Side, number>> {
  const { rounds, seconds } = bench.options;
  const acknowledged = { ours: 0, textbook: 0 };
  let textbookRate: number | undefined;

  async function measure(side: Side, shape: Shape, round: number, length = seconds): Promise<LoadOutcome> {
    const spent = stopwatches({ server: sides[side].pid, PostgreSQL: sides.postgres });
    const { origin, key } = sides[side];
    const outcome = await generator.run({
      origin,
      key,
      ...shape,
      ledger: 'bench',
      accounts: ACCOUNTS,
      withKeys: bench.options.keys,
      warmUpSeconds: WARM_UP_SECONDS,
      seconds: length,
      seed: round,
    });
    acknowledged[side] += outcome.acknowledged;
    bench.say(`  ${side.padEnd(8)} ${describe(outcome)}; ${spent(outcome.acknowledged)}`);
    return outcome;
  }

  /** Both sides in turn, so that what drifts in the machine or grows in the tables meets both. */
  async function bothSides(name: string, shape: Shape): Promise<Record<Side, LoadOutcome[]>> {
    bench.say(name);
    const outcomes: Record<Side, LoadOutcome[]> = { ours: [], textbook: [] };
    for (let round = 1; round <= rounds; round++) {
      outcomes.ours.push(await measure('ours', shape, round));
      outcomes.textbook.push(await measure('textbook', shape, round));
    }
    return outcomes;
  }

  bench.say('Warming up');
  for (const shape of [BATCH, SINGLE]) {
    const plan = { ...shape, distribution: 'spread', rate: undefined } as const;
    for (const side of ['ours', 'textbook'] as const) await measure(side, plan, 0, FIRST_WARM_UP_SECONDS);
  }

  for (const { figure, goal, ...shape } of figures) {
    if (!bench.wants(figure)) continue;
    const { ours, textbook } = await bothSides(figure, { ...shape, rate: undefined });
    const rows = total([...ours, ...textbook]);
    bench.print({ figure, unit: 'tx/s', rows, goal }, ours.map(perSecond), textbook.map(perSecond));
    if (figure === 'write.single.spread/textbook') textbookRate = median(textbook.map(perSecond));
  }

  if (bench.wants(P99.figure)) {
    const spread = { ...SINGLE, distribution: 'spread' as const, rate: undefined };
    textbookRate ??= perSecond(await measure('textbook', spread, 1));
    const rate = Math.round(OFFERED * textbookRate);
    const { ours, textbook } = await bothSides(`${P99.figure} at ${rate} requests/s`, { ...spread, rate });
    const rows = total([...ours, ...textbook]);
    bench.print(
      { ...P99, unit: 'ms', rows },
      ours.map(({ p99 }) => p99),
      textbook.map(({ p99 }) => p99),
    );
  }
  return acknowledged;
}

function perSecond({ created, seconds }: LoadOutcome): number {
  return created / seconds;
}

function total(outcomes: readonly LoadOutcome[]): number {
  return outcomes.reduce((sum, { created }) => sum + created, 0);
}

function describe(outcome: LoadOutcome): string {
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  return [
    `${Math.round(perSecond(outcome))} tx/s`,
    `p50 ${ms(outcome.p50)}`,
    `p99 ${ms(outcome.p99)}`,
    `longest ${ms(outcome.longest)}`,
    `generator ${Math.round((100 * outcome.ownCpuSeconds) / outcome.seconds)} % of a core`,
  ].join(', ');
}

/** Tells what each process has spent since, for one transaction: that depends little on what else the machine does. */
function stopwatches(
  processes: Readonly<Record<string, number | undefined>>,
): (transactions: number) => string {
  const known = Object.entries(processes).flatMap(([name, pid]) =>
    pid === undefined ? [] : [{ name, pid }],
  );
  const before = known.map(({ pid }) => cpuSeconds(pid) ?? Number.NaN);
  return (transactions) =>
    known
      .map(({ name, pid }, index) => {
        const seconds = (cpuSeconds(pid) ?? Number.NaN) - (before[index] as number);
        return `${name} ${((1000 * seconds) / transactions).toFixed(3)} ms CPU`;
      })
      .join(', ');
}
