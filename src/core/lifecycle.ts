/** The states of a quarter, in the order of its life; `restored` is a way back from `detached` or `dropped`. */
export const quarterStates = [
  'planned',
  'open',
  'closed',
  'archived',
  'detached',
  'dropped',
  'restored',
] as const;
export type QuarterState = (typeof quarterStates)[number];

interface Transition {
  /** The states it may start from. */
  readonly from: readonly QuarterState[];
  /** Where it ends; undefined where it leaves the state as it was. */
  readonly to: QuarterState | undefined;
  /** States in which it has been done already: asking for it again is a success that changes nothing. */
  readonly done: readonly QuarterState[];
}

/** The verbs that move a quarter, in the order of its life. Each is a file in src/quarters, a command and a job. */
export const transitions = {
  create: { from: ['planned'], to: 'open', done: quarterStates.slice(1) },
  close: { from: ['open'], to: 'closed', done: ['closed', 'archived', 'detached', 'dropped', 'restored'] },
  reopen: { from: ['closed'], to: 'open', done: ['open'] },
  archive: { from: ['closed'], to: 'archived', done: ['archived', 'detached', 'dropped', 'restored'] },
  verify: { from: ['archived', 'detached', 'dropped', 'restored'], to: undefined, done: [] },
  detach: { from: ['archived'], to: 'detached', done: ['detached', 'dropped'] },
  drop: { from: ['detached'], to: 'dropped', done: ['dropped'] },
  restore: { from: ['detached', 'dropped'], to: 'restored', done: ['restored'] },
  release: { from: ['restored'], to: 'detached', done: ['detached', 'dropped'] },
} as const satisfies Readonly<Record<string, Transition>>;

export type QuarterVerb = keyof typeof transitions;

/** Verbs that leave the state as it is and need no worker: they are done where they are asked for. */
export type QuarterNote = 'hold' | 'unhold' | 'approve';

export function transitionOf(verb: QuarterVerb): Transition {
  return transitions[verb];
}

/** True when the verb has been done already. */
export function isDone(verb: QuarterVerb, state: QuarterState): boolean {
  return transitionOf(verb).done.includes(state);
}
