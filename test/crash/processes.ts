import { fork } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describeFailure, openPlace, type Place, run } from './house.ts';
import type { CrashCase } from './verbs.ts';

/** Told each step a verb comes to, which waits there until this is done. */
export type OnStep = (step: string) => Promise<void> | void;

/** How a verb ended: undefined when it did what it should. */
export type Ending = { readonly code: string; readonly passes: boolean } | undefined;

const child = new URL('./child.ts', import.meta.url);

/** A verb in a process of its own. */
export interface VerbProcess {
  kill(): Promise<void>;
  readonly ended: Promise<Ending>;
}

/** Starts the verb in a process of its own. Its temporary files go with the place. */
export function startVerb({ url, directory }: Place, verb: CrashCase, onStep: OnStep): VerbProcess {
  const running = fork(child, [JSON.stringify({ url, directory, verb: verb.name })], {
    env: {
      ...process.env,
      TMPDIR: join(dirname(directory), 'tmp'),
      NODE_COMPILE_CACHE: join(dirname(directory), '..', 'compiled'),
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const gone = once(running, 'exit');
  let failure: Ending;
  running.on('message', (said: { step?: string; failure?: Ending }) => {
    if (said.failure !== undefined) failure = said.failure;
    if (said.step === undefined) return;
    void Promise.resolve(onStep(said.step)).then(() => {
      if (running.connected) running.send('go');
    });
  });
  return {
    kill: async () => {
      running.kill('SIGKILL');
      await gone;
    },
    ended: gone.then(() => failure),
  };
}

/** A step that a verb has when it is undisturbed, and did not come to now: then nothing was tried. */
export function missed(step: string): Ending {
  return { code: `never came to ${step}`, passes: false };
}

/**
 * Runs the verb in a process that is killed: when it comes to the step, or `afterMs` later if that is given and it has not
 * come to another step before.
 */
export async function runKilled(
  place: Place,
  verb: CrashCase,
  at: string,
  afterMs?: number,
): Promise<Ending> {
  let [due, came] = [false, false];
  const running: VerbProcess = startVerb(place, verb, async (step) => {
    if (step !== at && !due) return;
    came = true;
    if (step === at && afterMs !== undefined) {
      due = true;
      void delay(afterMs).then(() => running.kill());
      return;
    }
    await running.kill();
  });
  await running.ended;
  return came ? undefined : missed(at);
}

/** Runs the verb in this process, through a database of its own connections. */
export async function runHere(
  place: Place,
  verb: CrashCase,
  application: string,
  onStep: OnStep = () => {},
): Promise<Ending> {
  const house = openPlace(place, application);
  try {
    await onStep('begin');
    const ending = await verb
      .run(house, { ...run, step: async (name) => onStep(name) })
      .then(() => undefined, describeFailure);
    await onStep('end');
    return ending;
  } finally {
    await house.database.close();
  }
}
