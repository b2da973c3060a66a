import type { Setup } from './setup.ts';

/** In the order in which they are told: what comes first explains what comes after. */
export const groups = [
  'Settings',
  'This process',
  'The way to the database',
  'PostgreSQL',
  'Sessions',
  'Rights',
  'The replica',
  'Time',
  'The store',
  'The work',
  'The books',
] as const;

export type Group = (typeof groups)[number];

/** Something that is not as it should be. */
export interface Fault {
  /** `failed`: something does not work, or will be lost. `advice`: it works, and will hurt. */
  readonly outcome: 'failed' | 'advice';
  /** One sentence with the numbers. Never holds a secret. */
  readonly found: string;
  /** What to do in this very case, where that is more than what the check says. */
  readonly advice?: string | undefined;
  /** What comes of this very fault, where the check knows several. */
  readonly means?: string | undefined;
}

/** Why a question could not be put. */
export interface Unasked {
  readonly outcome: 'skipped';
  readonly why: string;
}

/** Nothing where all is well. */
export type Answer = Fault | Unasked | undefined;

/** One question about a set-up. Each stands alone: it needs what it names, and nothing else. */
export interface Check {
  /** For `--only`, and for a link into docs/doctor.md. */
  readonly name: string;
  readonly group: Group;
  /** What is so where all is well. */
  readonly check: string;
  /** What is looked at. */
  readonly looks: string;
  /** What comes of it where it is not well. */
  readonly means: string;
  /** What to do: a command, or a setting. */
  readonly advice: string;
  /** Checks without whose success there is nothing to ask; of `a|b` one is enough. */
  readonly needs?: readonly string[];
  /** Of a question whose answer takes longer the more is booked: what to do where there was no time for it. Else that is a fault. */
  readonly late?: string;
  ask(setup: Setup): Promise<Answer> | Answer;
}

export function failed(found: string, advice?: string): Fault {
  return { outcome: 'failed', found, advice };
}

export function warned(found: string, advice?: string): Fault {
  return { outcome: 'advice', found, advice };
}

export function skipped(why: string): Unasked {
  return { outcome: 'skipped', why };
}

/** The gravest of several faults, with what all of them found. */
export function together(faults: readonly Fault[]): Fault | undefined {
  const [first] = faults;
  if (first === undefined) return undefined;
  const advice = [...new Set(faults.flatMap((fault) => fault.advice ?? []))].join(' ');
  return {
    outcome: faults.some(({ outcome }) => outcome === 'failed') ? 'failed' : 'advice',
    found: faults.map(({ found }) => found).join(' '),
    advice: advice === '' ? undefined : advice,
  };
}

/** `a, b, c and 4 more`. */
export function some(names: readonly string[], most = 3): string {
  const more = names.length - most;
  return `${names.slice(0, most).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
