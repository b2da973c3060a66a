import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { HouseOptions } from './support.ts';

/** What a child process is to do. */
export interface ChildTask {
  readonly url: string;
  readonly house: HouseOptions;
  readonly verb: 'create' | 'ensure' | 'close' | 'reopen' | 'detach' | 'reconcile' | 'fix' | 'freeze';
  readonly quarter?: string;
  readonly from?: string;
  readonly to?: string;
  /** The step at which it kills itself. */
  readonly dieAt?: string;
}

/** What became of it: the lines it printed, and the signal that ended it if one did. */
export interface ChildOutcome {
  readonly said: readonly unknown[];
  readonly signal: NodeJS.Signals | null;
}

/** Starts a process that runs a verb. `blocked` resolves when it says that somebody is in its way. */
export function startVerb(task: ChildTask): {
  readonly child: ChildProcess;
  readonly blocked: Promise<void>;
  readonly done: Promise<ChildOutcome>;
} {
  const script = new URL('./support-child.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said: unknown[] = [];
  const blocked = Promise.withResolvers<void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const word: unknown = JSON.parse(line);
    if (word === 'blocked') blocked.resolve();
    else said.push(word);
  });
  const done = once(child, 'close').then(([, signal]) => ({ said, signal: signal as NodeJS.Signals | null }));
  return { child, blocked: blocked.promise, done };
}

export async function runVerb(task: ChildTask): Promise<ChildOutcome> {
  return startVerb(task).done;
}
