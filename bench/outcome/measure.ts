import type { Bench } from '../bench.ts';
import { withClient } from '../database.ts';
import type { Figure, Unit } from '../figures.ts';
import { findCursors, requireSameAnswers } from './answers.ts';
import { verifyBooks } from './books.ts';
import { startTraffic } from './generator.ts';
import type { Side } from './requests.ts';
import { type Stage, startSide } from './stage.ts';
import type { Line } from './table.ts';
import { answered, failed, type Measures, measuresOf, phases } from './tally.ts';
import { type Taken, takeTurn } from './turn.ts';

/** What is told of each round, as a line of the table. Those without a goal are there to be known. */
const measured: readonly {
  readonly part: keyof Measures;
  readonly figure: string;
  readonly what: string;
  readonly unit: Unit;
  readonly goal: number | null;
}[] = [
  {
    part: 'cpu',
    figure: 'outcome.cpu',
    unit: 's',
    goal: 8,
    what: 'processor time of PostgreSQL for 1,000 requests, s',
  },
  { part: 'latency', figure: 'outcome.latency', unit: 'ms', goal: 20, what: 'average latency, ms' },
  {
    part: 'listP95',
    figure: 'outcome.list_p95',
    unit: 'ms',
    goal: 50,
    what: '95th percentile of a list, ms',
  },
  { part: 'report', figure: 'outcome.report', unit: 'ms', goal: 100, what: 'average report, ms' },
  {
    part: 'read',
    figure: 'outcome.read',
    unit: 'MiB',
    goal: null,
    what: 'read from files for 1,000 requests, MiB',
  },
  { part: 'rate', figure: 'outcome.rate', unit: 'req/s', goal: null, what: 'requests a second' },
];

/**
 * Sends the mixed traffic to both sides in turns, prints the figures, checks the books of both, and returns the lines of the
 * table. The measures are of the calmer phases, whose 16 clients both sides can serve; in the burst errors are what counts.
 */
export async function measureOutcome(stage: Stage): Promise<Line[]> {
  const { bench, data } = stage;
  const cursors = await prepare(stage);
  const traffic = startTraffic(bench);
  const turns: Taken[] = [];
  for (const phase of phases) {
    bench.say(phase);
    for (let round = 1; round <= bench.options.rounds; round++) {
      // Who has the first turn changes, so that neither always finds the machine as the other left it.
      const order: Side[] = round % 2 === 1 ? ['before', 'ours'] : ['ours', 'before'];
      for (const side of order) turns.push(await takeTurn(stage, traffic, cursors, { side, phase, round }));
    }
  }
  const of = (side: Side) => turns.filter((turn) => turn.side === side);
  const sum = (side: Side, part: (turn: Taken) => number) => [
    of(side).reduce((a, turn) => a + part(turn), 0),
  ];
  const rounds = (side: Side) => {
    const calm = of(side).filter(({ phase }) => phase !== 'burst');
    return [...Map.groupBy(calm, ({ round }) => round).values()].map(measuresOf);
  };
  const [ours, before] = [rounds('ours'), rounds('before')];
  const lines: Line[] = [];
  const tell = (what: string, figure: Figure) => void lines.push({ what, figure });
  for (const { part, figure, what, unit, goal } of measured) {
    const values = (all: readonly Measures[]) => all.map((measures) => measures[part]);
    tell(what, bench.print({ figure, unit, rows: data.rows, goal }, values(ours), values(before)));
  }
  const counted = (figure: string, goal: number | null, what: string, part: (turn: Taken) => number) =>
    tell(
      what,
      bench.print({ figure, unit: 'count', rows: data.rows, goal }, sum('ours', part), sum('before', part)),
    );
  counted('outcome.errors', 0, 'failed requests, in bursts of 500 clients and else', (turn) => failed(turn));
  counted('outcome.slow', 0, 'statements over 500 ms that somebody waited for', ({ slow }) => slow);
  counted(
    'outcome.slow.background',
    null,
    'statements over 500 ms of background work',
    (turn) => turn.slowInBackground,
  );
  const burst = (side: Side) =>
    of(side)
      .filter(({ phase }) => phase === 'burst')
      .map((turn) => answered(turn) / turn.seconds);
  tell(
    'requests a second in a burst of 500 clients',
    bench.print(
      { figure: 'outcome.burst', unit: 'req/s', rows: data.rows, goal: null },
      burst('ours'),
      burst('before'),
    ),
  );
  await verify(stage, { ours: of('ours'), before: of('before') });
  return lines;
}

/** Finds where pages begin, and sees that both sides say the same. */
async function prepare(stage: Stage) {
  const [ours, before] = [await startSide(stage, 'ours'), await startSide(stage, 'before')];
  stage.bench.say('Turning pages, and comparing the answers of both sides');
  const cursors = await findCursors(stage, ours.origin);
  await requireSameAnswers(stage, { ours: ours.origin, before: before.origin }, cursors);
  await before.stop();
  await ours.stop();
  return cursors;
}

async function verify({ bench, data }: Pick<Stage, 'data'> & { bench: Bench }, turns: Record<Side, Taken[]>) {
  for (const side of ['ours', 'before'] as const) {
    const total = (part: 'posted' | 'unknown') => turns[side].reduce((sum, turn) => sum + turn[part], 0);
    const sent = { posted: total('posted'), unknown: total('unknown') };
    await withClient(data.url, (client) => verifyBooks(client, side, data.rows, sent));
    bench.say(
      `The books of ${side} are right: they hold the ${sent.posted} transactions that were acknowledged; ${sent.unknown} failed.`,
    );
  }
}
