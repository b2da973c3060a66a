import { dayWords, untilWords, whenOf } from './calendar.ts';
import type { Next, Quarter, QuarterState } from './types.ts';

/** The states in the order of a quarter's life; `restored` is a way back. */
export const lifeStates = [
  'planned',
  'open',
  'closed',
  'archived',
  'detached',
  'dropped',
  'restored',
] as const;

/** What each state means, for who has not read anything. */
export const stateMeans: Readonly<Record<QuarterState, string>> = {
  planned: 'known, and not made yet',
  open: 'takes transactions',
  closed: 'nothing changes it any more; its trial balance is fixed',
  archived: 'written to the archive, read back and found equal; still in the ledger',
  detached: 'out of the ledger; its archive and its tables are kept',
  dropped: 'its archive is what is kept of it',
  restored: 'back in the ledger for a time, to be read only',
};

/** What a verb is called when it is done to a quarter: `archive` → `archived`. */
const done: Readonly<Record<string, string>> = {
  create: 'created',
  close: 'closed',
  archive: 'archived',
  detach: 'detached',
  drop: 'dropped',
  release: 'taken out again',
};

export function doneWord(verb: string): string {
  return done[verb] ?? `${verb}ed`;
}

/** `1 row`, `2 rows`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-GB')} ${count === 1 ? one : many}`;
}

/** There is an archive, and the last time that it was read it was not what it should be. */
export function isDamaged({ state, verified_at, archived_bytes }: Quarter): boolean {
  return verified_at === null && archived_bytes > 0 && !['planned', 'open', 'closed'].includes(state);
}

/** Where a quarter is in its life, as a sentence. */
export function standing(quarter: Quarter, zone: string, now: number): string {
  const { state, restored_until } = quarter;
  if (state === 'open') {
    const when = whenOf(quarter, now);
    if (when === 'future') return 'It is made ready for transactions to come.';
    if (when === 'past')
      return `It ended at ${untilWords(quarter.ends_at, zone)} and is not closed: late transactions of it can still be loaded.`;
    return `It is the current quarter and takes transactions until ${untilWords(quarter.ends_at, zone)}.`;
  }
  if (state === 'archived' && isDamaged(quarter))
    return 'It is still in the ledger. Its archive was found damaged: nothing takes it out until it was verified again.';
  if (state === 'restored' && restored_until !== null)
    return `It is back in the ledger, to be read only, until ${untilWords(restored_until, zone)}.`;
  const said: Readonly<Record<Exclude<QuarterState, 'open'>, string>> = {
    planned: 'It is known and not made yet: no transaction can be booked in it.',
    closed: 'Its books are closed: nothing changes it any more, and its trial balance is fixed.',
    archived: 'It is in the archive, which was read back and found equal, and still in the ledger as well.',
    detached: 'It has left the ledger. Its archive is kept, and its tables are too until it is dropped.',
    dropped: 'Its tables are gone. Its archive is kept, and it can be restored from there.',
    restored: 'It is back in the ledger, to be read only.',
  };
  return said[state];
}

/** What somebody who ends a quarter does now, for who has never done it. */
export function adviceOf(quarter: Quarter, now: number): string | undefined {
  const { state, stale_reason, awaiting_approval } = quarter;
  if (awaiting_approval.length > 0) return undefined;
  switch (state) {
    case 'open':
      if (whenOf(quarter, now) !== 'past') return 'Nothing has to be done before it ends.';
      return 'When all its transactions are booked, close it: its books are checked, and its trial balance is fixed.';
    case 'closed':
      if (stale_reason !== null) return 'Close it again: what its books began with may be other than it was.';
      return 'Compare the trial balance below with your own books and download it. Then archive it, or leave that to the schedule.';
    case 'archived':
      return 'The quarter end is done. Verify reads the archive again whenever somebody wants proof; the rest the schedule does in time.';
    case 'detached':
      return 'Restore it when somebody has to read it in the ledger; hold it while an audit wants nothing deleted.';
    case 'dropped':
      return 'Restore it when somebody has to read it in the ledger.';
    case 'restored':
      return 'It is taken out again by itself. Release it earlier when nobody reads it any more.';
    case 'planned':
      return undefined;
  }
}

/** What keeps a step from being done by itself. */
const withheldWords: Readonly<Record<string, string>> = {
  earlier_open: 'it waits until every earlier quarter is closed',
  held: 'not while it is held',
  was_restored: 'not by itself, for it was restored: somebody has to ask for it',
  switched_off: 'not by itself, for the schedule is switched off: somebody has to ask for it',
};

/**
 * What happens next and when: `archive by itself from 9 Jan 2027; waits for a second person`.
 *
 * @returns undefined where nothing does
 */
export function nextWords(
  { next, state, awaiting_approval }: Pick<Quarter, 'state' | 'awaiting_approval'> & { readonly next: Next },
  zone: string,
  now: number,
): string | undefined {
  const asked = awaiting_approval.map((verb) => `${verb} was asked for and waits for a second person`);
  if (next === null) {
    if (asked.length > 0) return asked.join('; ');
    return state === 'planned' ? 'create by itself, ahead of its time' : undefined;
  }
  const { verb, at, withheld } = next;
  const due = Date.parse(at) <= now;
  const others = asked.filter((one) => !one.startsWith(verb));
  const say = (words: string) => [words, ...others].join('; ');
  if (withheld === 'approval_required') {
    if ((awaiting_approval as readonly string[]).includes(verb))
      return say(`${verb}; waits for a second person`);
    return say(due ? `${verb}; takes two people` : `${verb} from ${dayWords(at, zone)}; takes two people`);
  }
  if (withheld !== null)
    return say(
      `${verb} ${due ? 'is due' : `from ${dayWords(at, zone)}`}; ${withheldWords[withheld] ?? withheld}`,
    );
  if (verb === 'release') return say(`taken out again by itself at ${untilWords(at, zone)}`);
  return say(due ? `${verb} is due and begins by itself` : `${verb} by itself from ${dayWords(at, zone)}`);
}

/**
 * When the schedule takes the quarter out of the ledger once it is archived. Both are due at the same time, so what is archived late
 * leaves at once.
 *
 * @returns undefined where it is not archived next, or does not leave by itself
 */
export function leavingWords(
  { quarter, next }: Pick<Quarter, 'quarter' | 'next'>,
  zone: string,
  now: number,
): string | undefined {
  // That an archive takes two people does not keep the schedule from what comes after it.
  if (next?.verb !== 'archive' || (next.withheld !== null && next.withheld !== 'approval_required'))
    return undefined;
  const [when, who] =
    Date.parse(next.at) <= now
      ? ['at its next look, within a day', 'Hold it first if it has to stay.']
      : [`from ${dayWords(next.at, zone)} on`, 'A hold keeps it there.'];
  return `Afterwards the schedule detaches ${quarter} by itself, ${when}: it leaves the ledger, and lists and statements do not show its rows any more. ${who}`;
}
