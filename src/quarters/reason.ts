import type { QuarterRun } from './context.ts';
import type { Obstacle } from './outlook.ts';

/** The longest reason, in characters. */
const MAX_REASON = 1000;

/** What is wrong with the reason of a verb that must have one. */
export function reasonObstacle({ reason = '' }: QuarterRun, verb: string, quarter: string): Obstacle[] {
  if (reason.trim() === '') {
    const detail = `Say why: \`quartermaster quarters ${verb} ${quarter} --reason "audit of 2024"\`. The story of the quarter keeps it.`;
    return [{ code: 'reason_missing', kind: 'invalid', detail }];
  }
  if (reason.trim().length > MAX_REASON || /\p{Cc}/u.test(reason)) {
    const detail = `A reason has at most ${MAX_REASON} characters and no control characters.`;
    return [{ code: 'invalid_reason', kind: 'invalid', detail }];
  }
  return [];
}
