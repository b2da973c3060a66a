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

/** What can be done to a quarter. Each is a file in src/quarters, a command and a job. */
export type QuarterVerb = 'create' | 'close' | 'archive' | 'verify' | 'detach';

/** From which states a verb may start, and where it ends; `undefined` where it leaves the state as it was. */
export const transitions: Readonly<
  Record<QuarterVerb, { from: readonly QuarterState[]; to: QuarterState | undefined }>
> = {
  create: { from: ['planned'], to: 'open' },
  close: { from: ['open'], to: 'closed' },
  archive: { from: ['closed'], to: 'archived' },
  verify: { from: ['archived', 'detached', 'dropped', 'restored'], to: undefined },
  detach: { from: ['archived'], to: 'detached' },
};

/** True when the verb has been done already: asking for it again is a success that changes nothing. */
export function isDone(verb: QuarterVerb, state: QuarterState): boolean {
  const { to } = transitions[verb];
  return (
    to !== undefined && state !== 'restored' && quarterStates.indexOf(state) >= quarterStates.indexOf(to)
  );
}
