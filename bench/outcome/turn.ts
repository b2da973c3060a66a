import { percentile } from '../figures.ts';
import type { Cursors } from './requests.ts';
import { checkpoint, type Stage, startMeter, startSide } from './stage.ts';
import { answered, failed, mean, type Phase, type Turn } from './tally.ts';
import type { TrafficOutcome, TrafficPlan } from './traffic-plan.ts';

/** How many send at once in each phase. */
const CLIENTS: Record<Phase, number> = { spread: 16, hot: 16, burst: 500 };
const WARM_UP_SECONDS = 2;

/** A turn, and how many posts of it, the warm-up included, were acknowledged or got no answer that says what became of them. */
export interface Taken extends Turn {
  readonly posted: number;
  readonly unknown: number;
}

/**
 * Starts a side's processes, sends the traffic, and ends them. What PostgreSQL spends is counted until nothing is left to
 * do: the summaries are refreshed, and what was written is on the disk.
 */
export async function takeTurn(
  stage: Stage,
  traffic: (plan: TrafficPlan) => Promise<TrafficOutcome>,
  cursors: Cursors,
  { side, phase, round }: Pick<Turn, 'side' | 'phase' | 'round'>,
): Promise<Taken> {
  const { bench, mix, ledger, key } = stage;
  await checkpoint(stage);
  const standing = await startSide(stage, side);
  const plan = {
    ...mix,
    side,
    origin: standing.origin,
    ledger,
    key,
    cursors,
    postings: phase === 'hot' ? ('hot' as const) : ('spread' as const),
  };
  const warmUp = await traffic({
    ...plan,
    clients: CLIENTS.spread,
    seconds: WARM_UP_SECONDS,
    seed: 1000 + round,
  });
  const spent = startMeter(stage);
  const outcome = await traffic({
    ...plan,
    clients: CLIENTS[phase],
    seconds: bench.options.seconds,
    seed: round,
  });
  await standing.stop();
  await checkpoint(stage);
  const { cpu, bytes, slow } = spent();
  const inBackground = slow.filter(({ application }) => application === 'worker');
  const waitedFor = slow.filter(({ application }) => ['api', 'before'].includes(application));
  const turn = {
    side,
    phase,
    round,
    times: outcome.times,
    failures: outcome.failures,
    seconds: outcome.seconds,
    cpu,
    bytes,
    slow: waitedFor.length,
    slowInBackground: inBackground.length,
  };
  bench.say(`  ${side.padEnd(6)} ${describe(turn)}`);
  if (side === 'ours') {
    for (const { application, ms, statement } of slow)
      bench.say(`    slow: ${application} ${ms} ms ${statement}`);
  }
  const both = [warmUp, outcome];
  return {
    ...turn,
    posted: both.reduce((sum, { times }) => sum + times.post.length, 0),
    unknown: both.reduce((sum, part) => sum + failed(part, 'post'), 0),
  };
}

function describe(turn: Turn): string {
  const all = Object.values(turn.times).flat();
  const parts = [`${answered(turn)} answered, ${(answered(turn) / turn.seconds).toFixed(1)} a second`];
  if (all.length > 0) parts.push(`mean ${mean(all).toFixed(1)} ms`);
  for (const [kind, times] of Object.entries(turn.times)) {
    if (times.length > 0) parts.push(`${kind} p95 ${percentile(times, 0.95).toFixed(1)}`);
  }
  parts.push(`PostgreSQL ${turn.cpu.toFixed(2)} s, ${(turn.bytes / 2 ** 20).toFixed(0)} MiB read`);
  parts.push(`${turn.slow} slow, ${turn.slowInBackground} in the background`);
  const failures = Object.entries(turn.failures).map(([what, times]) => `${times} times ${what}`);
  parts.push(failures.length > 0 ? failures.join('; ') : 'none failed');
  return parts.join('; ');
}
