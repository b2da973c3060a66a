import { nextStep, type QuarterPolicy } from '../../jobs/quarter-plan.ts';
import type { QuarterVerb } from '../core/lifecycle.ts';
import type { Calendar } from '../core/quarter.ts';
import type { QuarterFigures } from '../db/figures.ts';

/** The step that a quarter could take next, and from when on it could. */
export interface OpenStep {
  readonly verb: QuarterVerb;
  readonly since: Date;
}

/**
 * What each quarter could take next by the policy as it is now: also where an approval is missing or a switch is off, for that is
 * what somebody has to see. A hold and a restore are meant to keep it, so there nothing is missed. No step counts
 * from before the one before it was done: a late close does not make the archive late, nor an import of old years the close.
 */
export function openSteps(
  quarters: readonly QuarterFigures[],
  calendar: Calendar,
  policy: QuarterPolicy,
): OpenStep[] {
  return quarters.flatMap((row) => {
    const approved = row.asked.filter((one) => one.approved).map(({ verb }) => verb);
    const next = nextStep({ ...row, approved }, calendar, policy);
    if (next === undefined || next.withheld === 'held' || next.withheld === 'was_restored') return [];
    const { opened_at, reopened_at, closed_at, archived_at, detached_at, freed_at } = row;
    const reached = [opened_at, reopened_at, closed_at, archived_at, detached_at, freed_at];
    const since = Math.max(next.at.getTime(), ...reached.map((at) => at?.getTime() ?? 0));
    return [{ verb: next.verb, since: new Date(since) }];
  });
}
