import type { QuarterState } from './types.ts';

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

/** Where there is an archive. */
export const archivedStates: readonly QuarterState[] = ['archived', 'detached', 'dropped', 'restored'];

export const verbWords: Readonly<Record<Verb, VerbWords>> = {
  create: {
    label: 'Create',
    does: 'Makes the tables of the quarter, so that transactions can be booked in it.',
    from: ['planned'],
    done: ['open', 'closed', ...archivedStates],
    reason: 'wanted',
    hint: 'Why it is wanted ahead of its time.',
  },
  close: {
    label: 'Close',
    does: 'Checks the books, fixes the trial balance, and lets nothing change the quarter any more. A check that fails leaves it open and says what is wrong.',
    from: ['open'],
    done: ['closed', ...archivedStates],
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
    does: 'Writes the quarter to the archive, reads it back and compares it. The archive alone takes nothing out of the ledger.',
    from: ['closed'],
    done: archivedStates,
    reason: 'wanted',
    hint: 'For instance “quarter end 2026q1”.',
  },
  verify: {
    label: 'Verify',
    does: 'Reads every file of the archive again and compares it with what was closed. It changes nothing.',
    from: archivedStates,
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
