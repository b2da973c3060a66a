import { AppError } from '../../core/errors.ts';
import { sqlState, toAppError } from '../../db/sqlstate.ts';
import type { CliEntry } from '../house.ts';
import type { Answer, Check } from './check.ts';
import type { Finding } from './finding.ts';
import { type Limits, limits as usual } from './limits.ts';
import { checks as all } from './list.ts';
import { type Machine, thisMachine } from './machine.ts';
import { openSetup, type ProcessKind, type Setup } from './setup.ts';

export interface ExamineOptions {
  /** Names of checks; all without. */
  readonly only?: readonly string[] | undefined;
  readonly as?: ProcessKind | undefined;
  /** A test has others of both. */
  readonly limits?: Partial<Limits>;
  readonly machine?: Machine;
  /** Told of each finding, in the order of the list. */
  readonly onFinding?: ((finding: Finding) => void) | undefined;
}

/**
 * Puts all questions, some of them at once, and gives their answers in the order of the list. It comes to an end whatever hangs: a
 * check is given up after a while, and when the time for all of them is over the rest is told as not asked.
 *
 * @throws AppError invalid/no_such_check
 */
export async function examine(entry: CliEntry, options: ExamineOptions = {}): Promise<Finding[]> {
  const limits = { ...usual, ...options.limits };
  const wanted = options.only ?? [];
  const unknown = wanted.find((name) => !all.some((check) => check.name === name));
  if (unknown !== undefined) {
    const detail = `There is no check ${unknown}. The checks are ${all.map(({ name }) => name).join(', ')}.`;
    throw new AppError('invalid', 'no_such_check', detail);
  }
  const setup = openSetup(entry, { limits, machine: options.machine ?? thisMachine, as: options.as });
  const end = AbortSignal.any([AbortSignal.timeout(limits.allMs), entry.signal]);
  try {
    const run = createRun(setup, end);
    const findings: Finding[] = [];
    const told = all.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
    // All are begun, and each waits for its turn; they are told in order.
    for (const pending of told.map((check) => run(check))) {
      const finding = await pending;
      findings.push(finding);
      options.onFinding?.(finding);
    }
    return findings;
  } finally {
    await setup.close();
  }
}

/** How many are asked at once. The connections of a look are fewer: who waits for one waits within its time. */
const AT_ONCE = 4;

/** Asks each check once, whoever needs its answer. */
function createRun(setup: Setup, end: AbortSignal): (check: Check) => Promise<Finding> {
  const begun = new Map<string, Promise<Finding>>();
  const turns = createTurns(AT_ONCE);
  const run = (check: Check): Promise<Finding> => {
    const known = begun.get(check.name) ?? ask(check);
    begun.set(check.name, known);
    return known;
  };
  const ask = async (check: Check): Promise<Finding> => {
    const lacking = await lacks(check);
    if (lacking !== undefined) return findingOf(check, { outcome: 'skipped', why: lacking });
    return turns(async () => findingOf(check, await bounded(check, setup, end)));
  };
  const lacks = async ({ needs = [] }: Check): Promise<string | undefined> => {
    for (const need of needs) {
      const choices = all.filter(({ name }) => need.split('|').includes(name));
      const found = await Promise.all(choices.map((choice) => run(choice)));
      if (found.some(({ outcome }) => outcome === 'ok' || outcome === 'advice')) continue;
      // What explains it is the first that failed, and not what could not be asked because of that.
      const [first] = found.filter(({ outcome }) => outcome === 'failed');
      return first === undefined ? (found[0]?.why ?? '') : `\`${first.name}\` has failed.`;
    }
    return undefined;
  };
  return run;
}

async function bounded(check: Check, setup: Setup, end: AbortSignal): Promise<Answer> {
  const late = Promise.withResolvers<Answer>();
  const over = () =>
    late.resolve({
      outcome: 'skipped',
      why: `There was no time left for it. Ask for it alone: \`quartermaster doctor --only ${check.name}\`.`,
    });
  if (end.aborted) return { outcome: 'skipped', why: `There was no time left for it.` };
  end.addEventListener('abort', over, { once: true });
  const seconds = setup.limits.checkMs / 1000;
  const timer = setTimeout(() => {
    const found = `There was no answer within ${seconds} s.`;
    late.resolve(
      check.late === undefined
        ? { outcome: 'failed', found }
        : { outcome: 'skipped', why: `${found} ${check.late}` },
    );
  }, setup.limits.checkMs);
  try {
    return await Promise.race([(async () => check.ask(setup))().catch(answerOf), late.promise]);
  } finally {
    clearTimeout(timer);
    end.removeEventListener('abort', over);
  }
}

/** A question that failed tells something too. What the role may not look at is no fault of the set-up. */
function answerOf(error: unknown): Answer {
  const known = toAppError(error);
  if (sqlState(error) === '42501' || sqlState(known.cause) === '42501') {
    return { outcome: 'skipped', why: `This role may not look: ${(error as Error).message}.` };
  }
  return { outcome: 'failed', found: known.detail };
}

function findingOf({ name, group, check, means, advice }: Check, answer: Answer): Finding {
  const base = { name, group, check };
  if (answer === undefined) return { ...base, outcome: 'ok' };
  if (answer.outcome === 'skipped') return { ...base, outcome: 'skipped', why: answer.why };
  const { outcome, found } = answer;
  return { ...base, outcome, found, means: answer.means ?? means, advice: answer.advice ?? advice };
}

/** Lets so many at once, in the order in which they came. */
function createTurns(most: number): <T>(action: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = most;
  return async (action) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await action();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}
