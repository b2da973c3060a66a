import { Type } from 'typebox';
import type { Fault } from './problem.ts';
import { bodyFault } from './validation.ts';

/** That the quarter is meant of which something is to be taken away for good. */
export const Confirm = Type.Optional(
  Type.String({
    maxLength: 6,
    title: 'that the quarter is meant: its name once more; may be left out in a dry run',
    description: 'the name of the quarter',
  }),
);

/** What cannot be undone is not done for a slip in a path, nor for a click on what failed. */
export function confirmFaults(verb: string, quarter: string, confirm: string | undefined): Fault[] {
  if (verb !== 'drop' || confirm === quarter) return [];
  return [bodyFault('/confirm', `must repeat the name of the quarter, ${quarter}`)];
}
