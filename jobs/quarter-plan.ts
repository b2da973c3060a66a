import type { QuarterVerb } from '../src/core/lifecycle.ts';
import { type Calendar, compareQuarters, nextName } from '../src/core/quarter.ts';
import { DAY } from '../src/core/timestamp.ts';
import type { Config } from '../src/platform/config.ts';
import type { QuarterRow } from '../src/quarters/registry.ts';

/** What a schedule may do by itself. */
export type QuarterPolicy = Pick<
  Config,
  'closeAfterDays' | 'onlineQuarters' | 'archiveQuarters' | 'archiveApproval'
>;

/** What the plan needs to know of a quarter. */
export type PlannedQuarter = Pick<QuarterRow, 'quarter' | 'ends_at' | 'state' | 'hold_reason'>;

/** A verb that is due. */
export interface DueStep {
  readonly quarter: string;
  readonly verb: QuarterVerb;
}

/** A quarter whose time to be archived has come, and what keeps it. */
export interface Withheld {
  readonly quarter: string;
  readonly why: 'held' | 'switched_off' | 'approval_required';
}

export interface QuarterPlan {
  /** In the order in which they have to happen: quarter by quarter, the oldest first. */
  readonly steps: readonly DueStep[];
  readonly withheld: readonly Withheld[];
}

/**
 * What policy allows now. A quarter is closed when it ended `closeAfterDays` ago; it is archived, verified and detached
 * when it is older than the newest `onlineQuarters`, of which the current one is the first. Pure: what was done is
 * not planned again, and what is planned twice is one request on the quarter line.
 */
export function planSteps(
  quarters: readonly PlannedQuarter[],
  now: Date,
  calendar: Calendar,
  policy: QuarterPolicy,
): QuarterPlan {
  const newestOffline = nextName(calendar.quarterOf(now).name, -policy.onlineQuarters);
  const steps: DueStep[] = [];
  const withheld: Withheld[] = [];
  for (const row of [...quarters].sort((a, b) => compareQuarters(a.quarter, b.quarter))) {
    const { quarter } = row;
    const closes =
      row.state === 'open' && now.getTime() >= row.ends_at.getTime() + policy.closeAfterDays * DAY;
    if (closes) steps.push({ quarter, verb: 'close' });
    const leaves = closes || row.state === 'closed' || row.state === 'archived';
    if (!leaves || compareQuarters(quarter, newestOffline) > 0) continue;
    const why = obstacle(row, policy);
    if (why !== undefined) withheld.push({ quarter, why });
    else for (const verb of wayOut(row)) steps.push({ quarter, verb });
  }
  return { steps, withheld };
}

/**
 * The steps that can begin now. Quarters close in order, so of those that wait for their close only the first can; its
 * close asks for the next look.
 */
export function startable(steps: readonly DueStep[]): DueStep[] {
  const closing = steps.filter(({ verb }) => verb === 'close').map(({ quarter }) => quarter);
  const later = new Set(closing.slice(1));
  return steps.filter(({ quarter }) => !later.has(quarter));
}

function obstacle(row: PlannedQuarter, policy: QuarterPolicy): Withheld['why'] | undefined {
  if (row.hold_reason !== null) return 'held';
  if (!policy.archiveQuarters) return 'switched_off';
  return policy.archiveApproval === 'required' ? 'approval_required' : undefined;
}

/** However long ago a quarter was archived, its archive is read once more before its rows leave. */
function wayOut(row: PlannedQuarter): QuarterVerb[] {
  return row.state === 'archived' ? ['verify', 'detach'] : ['archive', 'verify', 'detach'];
}
