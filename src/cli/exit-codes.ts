import type { ErrorKind } from '../core/errors.ts';

/**
 * What a command ends with, after BSD's sysexits.h, so that a script can tell what would help: 65 mend the input,
 * 69 and 75 try again, 78 mend the settings. 0 is success, 64 a wrong call.
 */
export const exitCodes: Readonly<Record<ErrorKind, number>> = {
  invalid: 65,
  not_found: 66,
  unavailable: 69,
  internal: 70,
  conflict: 73,
  corrupt: 74,
  busy: 75,
  refused: 77,
  unauthenticated: 77,
  forbidden: 77,
  config: 78,
  aborted: 130,
};

export const EXIT_USAGE = 64;

/** Every code with what it means, for the help and the reference. */
export const exitCodeRows: readonly (readonly [code: number, meaning: string])[] = [
  [0, 'done'],
  [EXIT_USAGE, 'wrong call: see --help'],
  [exitCodes.invalid, 'bad input: mend it'],
  [exitCodes.not_found, 'not found'],
  [exitCodes.unavailable, 'the database or the store is away: try again'],
  [exitCodes.internal, 'a bug'],
  [exitCodes.conflict, 'wrong state: something else comes first'],
  [exitCodes.corrupt, 'damaged data: somebody has to look'],
  [exitCodes.busy, 'busy: try again'],
  [exitCodes.refused, 'refused by a rule'],
  [exitCodes.config, 'wrong settings, or a set-up that is not well'],
  [exitCodes.aborted, 'stopped on request'],
];
