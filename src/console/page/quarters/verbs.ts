import { untilWords, whenOf } from './calendar.ts';
import { isSamePerson, nameOf } from './person.ts';
import type { QuarterDetail, QuarterState } from './types.ts';

/** What can be done to a quarter, in the order of its life; `hold`, `unhold` and `approve` move nothing. */
export const verbs = [
  'create',
  'close',
  'reopen',
  'approve',
  'archive',
  'verify',
  'detach',
  'drop',
  'restore',
  'release',
  'hold',
  'unhold',
] as const;
export type Verb = (typeof verbs)[number];

/** What a person is told of a verb before they ask for it. */
export interface VerbWords {
  /** On the button that opens the dialog, and the one that does it. */
  readonly label: string;
  /** What it does, for who has never done it. */
  readonly does: string;
  /** The states it can begin in. Empty: any. */
  readonly from: readonly QuarterState[];
  /** The states in which it has been done already. */
  readonly done: readonly QuarterState[];
  readonly reason: 'needed' | 'wanted';
  /** What to write as the reason. */
  readonly hint: string;
  readonly isGrave?: true;
}

const everything: readonly QuarterState[] = ['archived', 'detached', 'dropped', 'restored'];

export const verbWords: Readonly<Record<Verb, VerbWords>> = {
  create: {
    label: 'Create',
    does: 'Makes the tables of the quarter, so that transactions can be booked in it.',
    from: ['planned'],
    done: ['open', 'closed', ...everything],
    reason: 'wanted',
    hint: 'Why it is wanted ahead of its time.',
  },
  close: {
    label: 'Close',
    does: 'Checks the books, fixes the trial balance, and lets nothing change the quarter any more. A check that fails leaves it open and says what is wrong.',
    from: ['open'],
    done: ['closed', ...everything],
    reason: 'wanted',
    hint: 'For instance “quarter end, all statements are in”.',
  },
  reopen: {
    label: 'Reopen',
    does: 'Lets the quarter take transactions again. Later quarters that are closed have to be closed anew after it.',
    from: ['closed'],
    done: ['open'],
    reason: 'needed',
    hint: 'What is missing or wrong, for instance “invoice 4711 was not booked”.',
    isGrave: true,
  },
  approve: {
    label: 'Approve',
    does: 'Says yes to what somebody else has asked for. It begins at once.',
    from: [],
    done: [],
    reason: 'wanted',
    hint: 'What you looked at, for instance “trial balance agrees with the bank”.',
  },
  archive: {
    label: 'Archive',
    does: 'Writes the quarter to the archive, reads it back and compares it. Nothing leaves the ledger by it.',
    from: ['closed'],
    done: everything,
    reason: 'wanted',
    hint: 'For instance “quarter end 2026q1”.',
  },
  verify: {
    label: 'Verify',
    does: 'Reads every file of the archive again and compares it with what was closed. It changes nothing.',
    from: everything,
    done: [],
    reason: 'wanted',
    hint: 'For instance “yearly audit”.',
  },
  detach: {
    label: 'Detach',
    does: 'Takes the quarter out of the ledger: lists and statements do not show its rows any more. Its tables stay, and it can be restored.',
    from: ['archived'],
    done: ['detached', 'dropped'],
    reason: 'wanted',
    hint: 'For instance “older than two years”.',
  },
  drop: {
    label: 'Drop',
    does: 'Reads the archive once more, then deletes the tables of the quarter. The archive is what is kept of it from then on; it can be restored from there.',
    from: ['detached'],
    done: ['dropped'],
    reason: 'needed',
    hint: 'For instance “detached for 30 days, nobody asked for it”.',
    isGrave: true,
  },
  restore: {
    label: 'Restore',
    does: 'Brings the quarter back into the ledger from its archive, to be read only and for a time.',
    from: ['detached', 'dropped'],
    done: ['restored'],
    reason: 'needed',
    hint: 'Who wants to read it and why, for instance “tax audit of 2024”.',
  },
  release: {
    label: 'Release',
    does: 'Takes the restored quarter out of the ledger again. Its archive stays.',
    from: ['restored'],
    done: ['detached', 'dropped'],
    reason: 'wanted',
    hint: 'For instance “the audit is over”.',
  },
  hold: {
    label: 'Hold',
    does: 'Keeps the quarter where it is, as an audit or a court may want it: nothing takes it out or deletes it until the hold is ended. It can still be closed and archived.',
    from: ['planned', 'open', 'closed', 'archived', 'detached', 'restored'],
    done: [],
    reason: 'needed',
    hint: 'Who wants it kept, for instance “tax audit, file 12/2026”.',
  },
  unhold: {
    label: 'End the hold',
    does: 'Lets the quarter go on with its life. The story keeps what it was held for.',
    from: [],
    done: [],
    reason: 'wanted',
    hint: 'For instance “audit closed without findings”.',
  },
};

/** True when the quarter is past the verb. */
export function isDoneIn(verb: string, state: QuarterState): boolean {
  return verb in verbWords && verbWords[verb as Verb].done.includes(state);
}

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
  if (isTakenOut && hold_reason !== null) return `It is held: ${hold_reason}. End the hold first.`;
  return undefined;
}

function wrongState(verb: Verb, state: QuarterState): string | undefined {
  const { from, done } = verbWords[verb];
  if (from.length === 0 || from.includes(state)) return undefined;
  if (done.includes(state)) return alreadyWords(verb, state);
  if (verb === 'hold') return 'It is dropped: its archive is all there is of it, and that is never deleted.';
  if (verb === 'reopen' && everything.includes(state))
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
