import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import type { LoadOutcome, LoadPlan } from './load-plan.ts';

/** Sends loads from a process of its own, which lives as long as the bench. */
export interface LoadGenerator {
  /** @throws Error when a request failed: errors are quick, and must not count as speed */
  run(plan: LoadPlan): Promise<LoadOutcome>;
}

export function startLoadGenerator(bench: Bench): LoadGenerator {
  const child: ChildProcess = fork(join(import.meta.dirname, 'load-generator.ts'), { stdio: 'inherit' });
  bench.onEnd(async () => {
    if (child.connected) child.disconnect();
  });
  const died = once(child, 'exit').then(() => {
    throw new Error('The load generator died; what it said is above.');
  });
  // At the end of the bench it is to die, and nobody waits for that.
  died.catch(() => {});
  return {
    async run(plan) {
      const answer = new Promise<LoadOutcome>((resolve) => child.once('message', resolve));
      child.send(plan);
      const outcome = await Promise.race([answer, died]);
      const failures = Object.entries(outcome.failures);
      if (failures.length > 0) {
        const told = failures.map(([failure, times]) => `${times} times ${failure}`).join('; ');
        throw new Error(`Requests to ${plan.origin} failed: ${told}`);
      }
      return outcome;
    },
  };
}
