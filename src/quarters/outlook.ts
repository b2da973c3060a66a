import { AppError, type ErrorKind } from '../core/errors.ts';
import { type QuarterState, type QuarterVerb, transitionOf } from '../core/lifecycle.ts';

/** Something that stands in the way of a verb. `detail` says what, and what to do about it. */
export interface Obstacle {
  readonly code: string;
  readonly detail: string;
  /** Who can mend it, as of an error; `busy` ones go away by themselves. `refused` when it is left out. */
  readonly kind?: ErrorKind;
}

/** What a verb finds and would do now. A verb goes by its own outlook, and `--dry-run` shows it. */
export interface Outlook {
  /** It was done before: asking for it changes nothing. */
  readonly done: boolean;
  readonly obstacles: readonly Obstacle[];
  /** What it does, in order, a sentence each. */
  readonly steps: readonly string[];
}

/** The outlook of what was done already. */
export const nothingToDo: Outlook = { done: true, obstacles: [], steps: [] };

/** Of several obstacles the one that is hardest to mend says what kind of failure it is. */
const severity: readonly ErrorKind[] = ['corrupt', 'invalid', 'conflict', 'refused', 'busy'];

/** The obstacle of a quarter that is in another state than the verb needs. */
export function stateObstacle(quarter: string, state: QuarterState, verb: QuarterVerb): Obstacle[] {
  const { from } = transitionOf(verb);
  if (from.includes(state)) return [];
  const detail = `${quarter} is ${state}; ${verb} needs it to be ${from.join(' or ')}.`;
  return [{ code: 'quarter_state', kind: 'conflict', detail }];
}

/** The error of a verb with obstacles: the only one as it is, several as `quarter_refused` with every detail. */
export function refusalOf(obstacles: readonly Obstacle[]): AppError {
  const [first, ...others] = obstacles;
  if (first !== undefined && others.length === 0)
    return new AppError(first.kind ?? 'refused', first.code, first.detail);
  const kinds = obstacles.map(({ kind = 'refused' }) => kind);
  const kind = severity.find((one) => kinds.includes(one)) ?? 'refused';
  return new AppError(kind, 'quarter_refused', obstacles.map(({ detail }) => detail).join(' '));
}

/** @throws AppError of its obstacles, when there are any */
export function requireClear({ obstacles }: Outlook): void {
  if (obstacles.length > 0) throw refusalOf(obstacles);
}
