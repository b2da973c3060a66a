import { ownText } from '../own.ts';
import { untilWords, whenOf } from './calendar.ts';
import { isSamePerson, nameOf } from './person.ts';
import type { QuarterDetail, QuarterState } from './types.ts';
import { archivedStates, type Verb, verbs, verbWords } from './verbs.ts';

/** An action as it stands for one quarter and one person. */
export interface Possibility {
  readonly verb: Verb;
  readonly label: string;
  /** Why not now; undefined where it can be asked for. */
  readonly whyNot?: string;
}

/**
 * What can be asked for now, and why the others cannot: as far as the page can tell. The server has the last word, and its dry run
 * is shown before anything is done.
 */
export function possibilities(
  quarter: QuarterDetail,
  person: string,
  zone: string,
  now: number,
): Possibility[] {
  return verbs.map((verb) => {
    const whyNot = reasonAgainst(verb, quarter, person, zone, now);
    return { verb, label: labelOf(verb, quarter), ...(whyNot !== undefined && { whyNot }) };
  });
}

/** The word on the button, which says what it comes to in this state. */
export function labelOf(verb: Verb, { state, hold_reason, stale_reason }: QuarterDetail): string {
  if (verb === 'close' && state === 'closed' && stale_reason !== null) return 'Close again';
  if (verb === 'restore' && state === 'archived') return 'Copy beside the ledger';
  if (verb === 'restore' && state === 'restored') return 'Keep for longer';
  if (verb === 'hold' && hold_reason !== null) return 'Hold for another reason';
  return verbWords[verb].label;
}

/** What a quarter end goes on with comes first; what takes something back or away comes last. */
export function weightOf(verb: Verb): 'first' | 'plain' | 'grave' {
  if (verb === 'approve' || verb === 'close' || verb === 'archive') return 'first';
  return verbWords[verb].isGrave ? 'grave' : 'plain';
}

const weights = ['first', 'plain', 'grave'];

export function byWeight(a: Possibility, b: Possibility): number {
  return weights.indexOf(weightOf(a.verb)) - weights.indexOf(weightOf(b.verb));
}

function reasonAgainst(
  verb: Verb,
  quarter: QuarterDetail,
  person: string,
  zone: string,
  now: number,
): string | undefined {
  const { state, hold_reason, stale_reason, approvals } = quarter;
  const waiting = approvals.filter(({ approved_by }) => approved_by === null);
  switch (verb) {
    case 'approve': {
      if (waiting.length === 0) return 'Nobody has asked for anything that takes two people.';
      const mine = waiting.find(({ requested_by }) => isSamePerson(requested_by, person));
      return (
        mine && `You asked for the ${mine.verb}, and nobody approves their own request: somebody else has to.`
      );
    }
    case 'unhold':
      return hold_reason === null ? 'It is not held.' : undefined;
    case 'close':
      if (state === 'closed' && stale_reason !== null) return undefined;
      if (state === 'open' && whenOf(quarter, now) !== 'past')
        return `It has not ended: it can be closed after ${untilWords(quarter.ends_at, zone)}.`;
      break;
    case 'archive':
      if (state === 'closed' && stale_reason !== null)
        return 'Its close does not count any more: close it again first.';
      break;
    case 'restore':
      if (state === 'archived' || state === 'restored') return undefined;
      break;
    case 'release':
      if (quarter.copies.length > 0) return undefined;
      break;
  }
  const wrong = wrongState(verb, state);
  if (wrong !== undefined) return wrong;
  const asked = waiting.find((one) => one.verb === verb);
  if (asked !== undefined) {
    return isSamePerson(asked.requested_by, person)
      ? 'You asked for it, and it waits for somebody else to approve it.'
      : `${nameOf(asked.requested_by, person)} asked for it: approve it instead.`;
  }
  const isTakenOut = verb === 'detach' || verb === 'drop' || verb === 'release';
  if (isTakenOut && hold_reason !== null) return `It is held: ${ownText(hold_reason)}. End the hold first.`;
  return undefined;
}

function wrongState(verb: Verb, state: QuarterState): string | undefined {
  const { from, done } = verbWords[verb];
  if (from.length === 0 || from.includes(state)) return undefined;
  if (done.includes(state)) return alreadyWords(verb, state);
  if (verb === 'hold') return 'It is dropped: its archive is all there is of it, and that is never deleted.';
  if (verb === 'reopen' && archivedStates.includes(state))
    return `It is ${state}: what is archived stays as it is. Book a correction today instead, with its true date.`;
  if (verb === 'release') return 'It is not restored.';
  if (verb === 'detach' && state === 'restored') return 'It is restored: release it instead.';
  if (verb === 'restore') return 'It is in the ledger.';
  return `It is ${state}: it has to be ${verb === 'verify' ? 'archived' : from.join(' or ')} first.`;
}

function alreadyWords(verb: Verb, state: QuarterState): string {
  if (verb === 'create') return 'It is there already.';
  if (verb === 'reopen') return 'It is open.';
  if (verb === 'restore') return 'It is restored already.';
  if (verb === 'release') return 'It is out of the ledger already.';
  return state === verbWords[verb].done[0] ? `It is ${state} already.` : `That is done: it is ${state}.`;
}
