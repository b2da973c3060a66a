import type { QuarterState } from '../core/lifecycle.ts';
import type { QuarterJob } from '../queue/quarter-jobs.ts';
import type { NextVerb } from './house.ts';
import { duration } from './local-time.ts';
import { marksOf, progressText } from './quarter-facts.ts';
import type { Look } from './quarters-watch.ts';
import { signOf } from './state-sign.ts';
import { printable } from './terminal.ts';

/** Something that is otherwise than at the look before. `before` is null when it is seen for the first time. */
export type Change =
  | {
      readonly what: 'quarter';
      readonly id: string;
      readonly quarter: string;
      readonly state: QuarterState;
      readonly before: string | null;
      readonly marks: readonly string[];
      readonly next: NextVerb | null;
    }
  | {
      readonly what: 'job';
      readonly id: string;
      readonly quarter: string;
      readonly state: QuarterJob['state'];
      readonly before: string | null;
      readonly verb: string;
      readonly actor: string;
      readonly progress: QuarterJob['progress'];
      readonly error: QuarterJob['error'];
    };

/** How fast a running job goes on, since it was first seen at this piece of work. */
export interface Pace {
  /** Seconds that are left; undefined while nothing can be said. */
  readonly left: number | undefined;
}

interface Start {
  readonly what: string;
  readonly done: number;
  readonly at: number;
}

/** Compares looks, each with the one before. `seconds` are those since the first. */
export function createChanges(): (
  look: Look,
  seconds: number,
) => { readonly changed: readonly Change[]; readonly paces: ReadonlyMap<string, Pace> } {
  let known = new Map<string, { state: string; told: string }>();
  let starts = new Map<string, Start>();
  let isFirst = true;
  return ({ at, quarters, jobs }, seconds) => {
    const seen = new Map<string, { state: string; told: string }>();
    const changed: Change[] = [];
    const notice = (key: string, state: string, told: string, change: (before: string | null) => Change) => {
      const before = known.get(key);
      seen.set(key, { state, told });
      if (before?.told !== told) changed.push(change(before?.state ?? null));
    };
    for (const quarter of quarters) {
      const { name, state, next } = quarter;
      const marks = marksOf(quarter, at);
      const told = JSON.stringify([state, marks, next]);
      notice(name, state, told, (before) => ({
        ...{ what: 'quarter', id: name, quarter: name, state, before, marks, next },
      }));
    }
    // The oldest first, as they happened; what had ended before is no news.
    for (const { id, quarter, state, verb, actor, progress, error } of jobs.toReversed()) {
      const ended = state === 'done' || state === 'failed';
      const told = JSON.stringify([state, progress, error]);
      if (isFirst && ended) seen.set(id, { state, told });
      else
        notice(id, state, told, (before) => ({
          ...{ what: 'job', id, quarter, state, before, verb, actor, progress, error },
        }));
    }
    isFirst = false;
    known = seen;
    const paced = jobs.flatMap((job) => {
      const start = startOf(job, starts.get(job.id), seconds);
      return start === undefined ? [] : [[job, start] as const];
    });
    starts = new Map(paced.map(([job, start]) => [job.id, start]));
    return { changed, paces: new Map(paced.map(([job, start]) => [job.id, paceOf(job, start, seconds)])) };
  };
}

function startOf(
  { state, progress }: QuarterJob,
  before: Start | undefined,
  seconds: number,
): Start | undefined {
  if (state !== 'running' || progress === null) return undefined;
  const goesOn = before?.what === progress.what && progress.done >= before.done;
  return goesOn ? before : { what: progress.what, done: progress.done, at: seconds };
}

function paceOf({ progress }: QuarterJob, start: Start, seconds: number): Pace {
  const done = (progress?.done ?? 0) - start.done;
  const took = seconds - start.at;
  if (progress?.total === undefined || done <= 0 || took <= 0) return { left: undefined };
  return { left: Math.max(0, Math.round(((progress.total - progress.done) * took) / done)) };
}

/** One line: when, what, and how it is now. */
export function renderChange(change: Change, paces: ReadonlyMap<string, Pace>, { at, time }: Look): string {
  const head = `${time.second(at)}  ${change.quarter}  `;
  if (change.what === 'quarter') {
    const now = [`${signOf(change.state)} ${change.state}`, ...change.marks].join(', ');
    const { before, state } = change;
    return `${head}${before === null || before === state ? now : `${before} → ${now}`}`;
  }
  const { verb, actor, state, progress, error } = change;
  const far = state === 'running' && progress ? `: ${progressText(progress)}` : '';
  const why = error === null ? '' : `: ${error.detail} [${error.code}]`;
  return `${head}${printable(`${verb} for ${actor}: ${state}${far}${leftText(paces.get(change.id))}${why}`)}`;
}

/** `, 12 s left` */
export function leftText(pace: Pace | undefined): string {
  return pace?.left === undefined ? '' : `, ${duration(pace.left)} left`;
}
