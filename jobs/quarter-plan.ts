import type { QuarterVerb } from '../src/core/lifecycle.ts';
import { type Calendar, compareQuarters } from '../src/core/quarter.ts';
import { DAY } from '../src/core/timestamp.ts';
import type { Config } from '../src/platform/config.ts';
import type { ApprovedVerb } from '../src/quarters/approvals.ts';
import type { QuarterRow } from '../src/quarters/registry.ts';

/** What a schedule may do by itself. */
export type QuarterPolicy = Pick<
  Config,
  | 'closeAfterDays'
  | 'onlineQuarters'
  | 'dropAfterDays'
  | 'archiveQuarters'
  | 'dropQuarters'
  | 'archiveApproval'
>;

/** What the plan needs to know of a quarter. */
export type PlannedQuarter = Pick<
  QuarterRow,
  | 'quarter'
  | 'ends_at'
  | 'state'
  | 'hold_reason'
  | 'stale_reason'
  | 'reopened_at'
  | 'detached_at'
  | 'restored_at'
  | 'restored_until'
> & {
  /** What two people have agreed on, for the quarter as it is now. */
  readonly approved: readonly ApprovedVerb[];
};

/** A verb that is due, and the reason the schedule gives for it where it needs one. */
export interface DueStep {
  readonly quarter: string;
  readonly verb: QuarterVerb;
  readonly reason?: string;
}

/** What keeps a step whose time has come from being done by itself. */
export type Withholding = 'earlier_open' | 'held' | 'was_restored' | 'switched_off' | 'approval_required';

export interface Withheld {
  readonly quarter: string;
  readonly verb: QuarterVerb;
  readonly why: Withholding;
}

/** What comes next in the life of a quarter, if everything goes by itself. */
export interface NextStep {
  readonly verb: QuarterVerb;
  /** From when on; in the past for what is due. */
  readonly at: Date;
  readonly withheld?: Withholding;
}

export interface QuarterPlan {
  /** In the order in which they have to happen: quarter by quarter, the oldest first. */
  readonly steps: readonly DueStep[];
  readonly withheld: readonly Withheld[];
}

/**
 * What policy allows now. A quarter is closed `closeAfterDays` after it ended or was reopened, and again when an earlier one
 * was reopened; it is archived, verified and detached when it is older than the newest `onlineQuarters`, of which the
 * current one is the first, and dropped `dropAfterDays` after its detach. What was restored is left alone. Pure: what
 * was done is not planned again, and what is planned twice is one request on the quarter line.
 */
export function planSteps(
  quarters: readonly PlannedQuarter[],
  now: Date,
  calendar: Calendar,
  policy: QuarterPolicy,
): QuarterPlan {
  const steps: DueStep[] = [];
  const withheld: Withheld[] = [];
  let earlierOpen = false;
  for (const row of [...quarters].sort((a, b) => compareQuarters(a.quarter, b.quarter))) {
    const { quarter } = row;
    let current = row;
    for (;;) {
      const next = nextStep(current, calendar, policy);
      // What is restored is not the plan's affair: it ends by itself, and is looked at by nobody else until then.
      if (next === undefined || next.at > now || next.verb === 'release') break;
      const why = next.verb === 'close' && earlierOpen ? 'earlier_open' : next.withheld;
      if (why !== undefined) {
        // What is not there yet cannot be approved: it is missed when it is.
        if (current === row || why !== 'approval_required') withheld.push({ quarter, verb: next.verb, why });
        break;
      }
      // However long ago a quarter was archived, its archive is read once more before its rows leave.
      if (next.verb === 'detach') steps.push({ quarter, verb: 'verify' });
      const reason = next.verb === 'drop' ? { reason: reasonOf('drop', policy) } : {};
      steps.push({ quarter, verb: next.verb, ...reason });
      current = after(next.verb, current, now);
    }
    earlierOpen ||= current.state === 'open' || current.state === 'planned' || isStale(current);
  }
  return { steps, withheld };
}

/** What comes next by itself, and when; undefined where nothing does. */
export function nextStep(
  row: PlannedQuarter,
  calendar: Calendar,
  policy: QuarterPolicy,
): NextStep | undefined {
  const leaves = () => calendar.next(calendar.quarter(row.quarter), policy.onlineQuarters).start;
  const held = row.hold_reason !== null && ('held' as const);
  const archivingOff = !policy.archiveQuarters && ('switched_off' as const);
  const missing = (verb: ApprovedVerb) =>
    policy.archiveApproval === 'required' && !row.approved.includes(verb) && ('approval_required' as const);
  switch (row.state) {
    case 'open':
      return { verb: 'close', at: daysAfter(latest(row.ends_at, row.reopened_at), policy.closeAfterDays) };
    case 'closed':
      // It was due when it was closed for the first time.
      if (isStale(row)) return { verb: 'close', at: row.ends_at };
      return withheldBy({ verb: 'archive', at: leaves() }, held || archivingOff || missing('archive'));
    case 'archived':
      return withheldBy({ verb: 'detach', at: leaves() }, held || archivingOff);
    case 'detached': {
      if (row.detached_at === null) return undefined;
      // Older than the window as well: what came back into it when it was made larger stays.
      const at = latest(daysAfter(row.detached_at, policy.dropAfterDays), leaves());
      const restored = row.restored_at !== null && ('was_restored' as const);
      const off = !policy.dropQuarters && ('switched_off' as const);
      return withheldBy({ verb: 'drop', at }, held || restored || off || missing('drop'));
    }
    case 'restored':
      return row.restored_until === null ? undefined : { verb: 'release', at: row.restored_until };
    case 'planned':
    case 'dropped':
      return undefined;
  }
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

/** True of a closed quarter that has to be closed again before anything else. */
function isStale({ state, stale_reason }: PlannedQuarter): boolean {
  return state === 'closed' && stale_reason !== null;
}

/** The quarter as the step will leave it. What was approved of other rows is not approved of these. */
function after(verb: QuarterVerb, row: PlannedQuarter, now: Date): PlannedQuarter {
  switch (verb) {
    case 'close':
      return { ...row, state: 'closed', stale_reason: null, approved: [] };
    case 'archive':
      return { ...row, state: 'archived' };
    case 'detach':
      return { ...row, state: 'detached', detached_at: now };
    default:
      return { ...row, state: 'dropped' };
  }
}

/** Why the schedule wants it. */
export function reasonOf(
  verb: ApprovedVerb,
  { dropAfterDays, onlineQuarters }: Pick<QuarterPolicy, 'dropAfterDays' | 'onlineQuarters'>,
): string {
  return verb === 'drop'
    ? `detached for ${dropAfterDays} days (QM_DROP_AFTER_DAYS)`
    : `older than the newest ${onlineQuarters} quarters (QM_ONLINE_QUARTERS)`;
}

function withheldBy(step: NextStep, why: Withholding | false): NextStep {
  return why === false ? step : { ...step, withheld: why };
}

function latest(a: Date, b: Date | null): Date {
  return b !== null && b > a ? b : a;
}

function daysAfter(instant: Date, days: number): Date {
  return new Date(instant.getTime() + days * DAY);
}
