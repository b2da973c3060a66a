import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import type { TrafficOutcome, TrafficPlan } from './traffic-plan.ts';

/** Starts the process that sends the traffic; it lives as long as the bench. */
export function startTraffic(bench: Bench): (plan: TrafficPlan) => Promise<TrafficOutcome> {
  const child: ChildProcess = fork(join(import.meta.dirname, 'traffic.ts'), { stdio: 'inherit' });
  bench.onEnd(async () => {
    if (child.connected) child.disconnect();
  });
  const died = once(child, 'exit').then(() => {
    throw new Error('The process that sends the traffic died; what it said is above.');
  });
  // At the end of the bench it is to die, and nobody waits for that.
  died.catch(() => {});
  return (plan) => {
    const answer = new Promise<TrafficOutcome>((resolve) => child.once('message', resolve));
    child.send(plan);
    return Promise.race([answer, died]);
  };
}
