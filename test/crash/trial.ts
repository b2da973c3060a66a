import { openCuttingProxy } from '../support/cutting-proxy.ts';
import { again, describeFailure, inPlace, type Place, run } from './house.ts';
import { differences, type Picture, same, takePicture, withoutRepeats } from './picture.ts';
import type { Clone, Places } from './places.ts';
import { type Ending, missed, type OnStep, runHere, runKilled, startVerb } from './processes.ts';
import { type Contents, requireSound } from './sound.ts';
import type { CrashCase } from './verbs.ts';

/** What a verb does when nobody disturbs it. */
export interface Recording {
  /** The steps in their order, `begin` and `end` among them, and the milliseconds to each from the one before it. */
  readonly steps: readonly { readonly name: string; readonly ms: number }[];
  /** All that is there when it is done. */
  readonly result: Picture;
}

/**
 * What a fault left: nothing (`undone`), all of it (`done`), or a part (`half`); and what is wrong after the verb was run
 * once more.
 */
export interface Verdict {
  readonly left: 'undone' | 'half' | 'done';
  readonly faults: readonly string[];
}

/** A fault at a step; the verdict says what the verb made of it. */
export interface Trial {
  readonly verb: CrashCase;
  readonly recording: Recording;
  readonly contents: Contents;
  readonly places: Places;
}

/** Runs the verb once in a process of its own, and finds out what its steps are. */
export async function record(
  places: Places,
  contents: Contents,
  verb: CrashCase,
): Promise<Recording & { faults: readonly string[] }> {
  const place = await places.clone(verb.start);
  const steps: { name: string; ms: number }[] = [];
  let last = performance.now();
  const failed = await startVerb(place, verb, (name) => {
    const now = performance.now();
    steps.push({ name, ms: now - last });
    last = now;
  }).ended;
  const { result, faults } = await inPlace(place, async (house) => ({
    result: await takePicture(house, place),
    faults: await requireSound(house, contents),
  }));
  await place.remove();
  return { steps, result, faults: failed === undefined ? faults : [failed.code, ...faults] };
}

/** A process is killed at the step, or so many milliseconds after it. */
export async function tryKill(trial: Trial, step: string, afterMs?: number): Promise<Verdict> {
  return inClone(trial, (place) => runKilled(place, trial.verb, step, afterMs));
}

/** Every session of the verb is ended at the step, by an administrator as it were. */
export async function tryTermination(trial: Trial, step: string): Promise<Verdict> {
  return inClone(trial, async (place) => {
    let came = false;
    const ending = await runHere(place, trial.verb, 'crash-victim', async (name) => {
      if (name !== step) return;
      came = true;
      await trial.places.admin((admin) =>
        admin.query(
          `SELECT pg_terminate_backend(pid, 5000) FROM pg_catalog.pg_stat_activity
           WHERE datname = $1 AND application_name = 'crash-victim'`,
          [new URL(place.url).pathname.slice(1)],
        ),
      );
    });
    return came ? ending : missed(step);
  });
}

/**
 * The connection is cut at the verb's COMMIT of that number, from 0.
 *
 * @returns undefined when it has no so many; else the step it came to last before
 */
export async function tryCut(
  trial: Trial,
  when: 'before' | 'after',
  number: number,
): Promise<(Verdict & { readonly step: string }) | undefined> {
  let [cut, last] = [false, 'begin'];
  const verdict = await inClone(trial, async (place) => {
    const proxy = await openCuttingProxy(place.url);
    try {
      const onStep: OnStep = (name) => {
        if (name === 'begin') proxy.cutNextCommit(when, number);
        if (proxy.cuts === 0 && name !== 'end') last = name;
      };
      return await runHere({ ...place, url: proxy.url }, trial.verb, 'crash-victim', onStep);
    } finally {
      cut = proxy.cuts > 0;
      await proxy.close();
    }
  });
  return cut ? { ...verdict, step: last } : undefined;
}

/** A second process wants the same while the first is at the step. `told` is what the second was told. */
export async function tryTwin(
  trial: Trial,
  step: string,
): Promise<{ readonly told: string; readonly faults: readonly string[] }> {
  let told = '';
  const verdict = await inClone(trial, async (place) => {
    let second: Promise<Ending> | undefined;
    const first = await startVerb(place, trial.verb, async (name) => {
      if (name !== step) return;
      second = runHere(place, trial.verb, 'crash-twin');
      const waits = Symbol('waits');
      // One that waits for the first is let wait: the first has to go on for it.
      const soon = await Promise.race([second, new Promise((resolve) => setTimeout(resolve, 300, waits))]);
      if (soon === waits) told = 'waits, ';
    }).ended;
    if (second === undefined) return missed(step);
    const ended = await second;
    told += ended === undefined ? 'done' : (ended.code.split(/[/:]/, 1)[0] ?? '');
    return first ?? ended;
  });
  return { told, faults: verdict.faults };
}

/** Does something to the verb in a copy of its start, runs the verb once more and judges what is there then. */
async function inClone(trial: Trial, disturb: (place: Place) => Promise<Ending>): Promise<Verdict> {
  const place = await trial.places.clone(trial.verb.start);
  const ending = await disturb(place);
  const verdict = await judge(trial, place, ending);
  await place.remove();
  return verdict;
}

/** Runs the verb once more where a fault was, and holds what is there against the recording. */
export async function judge(
  { verb, recording: { result }, contents }: Omit<Trial, 'places'>,
  place: Clone,
  ending: Ending,
): Promise<Verdict> {
  return inPlace(place, async (house) => {
    const before = await takePicture(house, place);
    const left = same(before, place.start) ? 'undone' : same(before, result) ? 'done' : 'half';
    const faults: string[] = [];
    if (ending !== undefined && !ending.passes)
      faults.push(`it failed with ${ending.code}, after which no queue would try again`);
    await again(() => verb.run(house, run)).catch((error: unknown) => {
      faults.push(`run again it failed with ${describeFailure(error).code}`);
    });
    const after = await takePicture(house, place);
    const told = (picture: Picture) => (verb.repeats ? withoutRepeats(picture) : picture);
    faults.push(...differences(told(after), told(result)), ...(await requireSound(house, contents)));
    return { left, faults };
  });
}
