import { ownText, told } from '../own.ts';
import { dayWords, lastDay, whenOf } from './calendar.ts';
import { nameOf } from './person.ts';
import type { Approval, Job, Quarter } from './types.ts';
import { isDoneIn } from './verbs.ts';
import { isDamaged, plural } from './words.ts';

/** Something that waits for a person. */
export interface Matter {
  readonly quarter: string;
  readonly kind: 'damaged' | 'failed' | 'approval' | 'stale' | 'unclosed';
  /** What is the matter, and what to do. */
  readonly says: string;
  /** `bad` ones first. */
  readonly tone: 'bad' | 'warn';
}

export interface AttentionOptions {
  readonly quarters: readonly Quarter[];
  readonly jobs: readonly Job[];
  /** Of quarters with something to approve, as far as they are known: who asked and why. */
  readonly approvals: ReadonlyMap<string, readonly Approval[]>;
  /** Who is signed in. */
  readonly person: string;
  readonly zone: string;
  readonly now: number;
}

/** What needs a person today, the gravest first and of those the oldest quarter. Empty on a good day. */
export function mattersOf(options: AttentionOptions): Matter[] {
  const { quarters, jobs } = options;
  const matters = [
    ...quarters.filter(isDamaged).map(damage),
    ...jobs.filter((job) => hasFailed(job, quarters)).map(failure),
    ...quarters.flatMap((one) => waitingApprovals(one, options)),
    ...quarters.flatMap(staleness),
    ...quarters.flatMap((one) => unclosed(one, options)),
  ];
  const order: Matter['tone'][] = ['bad', 'warn'];
  return matters.toSorted(
    (a, b) => order.indexOf(a.tone) - order.indexOf(b.tone) || a.quarter.localeCompare(b.quarter),
  );
}

function damage({ quarter }: Quarter): Matter {
  const says =
    'Its archive was found damaged, or not as it was closed. Read what was found, then verify it again.';
  return { quarter, kind: 'damaged', says, tone: 'bad' };
}

/** A job that failed and whose work nobody has done since. */
export function hasFailed(
  { state, error, quarter, verb, finished_at }: Job,
  quarters: readonly Quarter[],
): boolean {
  if (state !== 'failed' || error?.code === 'superseded') return false;
  const row = quarters.find((one) => one.quarter === quarter);
  if (row === undefined) return true;
  if (verb === 'verify')
    return row.verified_at === null || finished_at === null || row.verified_at < finished_at;
  return verb === 'close' && row.stale_reason !== null ? true : !isDoneIn(verb, row.state);
}

function failure({ quarter, verb, error }: Job): Matter {
  return {
    quarter,
    kind: 'failed',
    says: `${verb} failed: ${told(error?.detail ?? 'see why')}`,
    tone: 'bad',
  };
}

function waitingApprovals({ quarter, awaiting_approval }: Quarter, options: AttentionOptions): Matter[] {
  const known = options.approvals.get(quarter) ?? [];
  return awaiting_approval.map((verb) => {
    const asked = known.find((one) => one.verb === verb);
    const who = asked === undefined ? 'Somebody' : nameOf(asked.requested_by, options.person);
    const why = asked?.reason ? `: “${ownText(asked.reason)}”.` : '.';
    const then = who === 'You' ? 'Somebody else has to approve it.' : 'Approve it, or leave it.';
    const says = `${who} asked for its ${verb}${why} ${then}`;
    return { quarter, kind: 'approval', says, tone: 'warn' };
  });
}

function staleness({ quarter, stale_reason }: Quarter): Matter[] {
  if (stale_reason === null) return [];
  return [
    {
      quarter,
      kind: 'stale',
      says: `Its close does not count any more: ${ownText(stale_reason)}. Close it again.`,
      tone: 'warn',
    },
  ];
}

function unclosed(quarter: Quarter, { zone, now }: AttentionOptions): Matter[] {
  if (quarter.state !== 'open' || whenOf(quarter, now) !== 'past') return [];
  const days = Math.floor((now - Date.parse(quarter.ends_at)) / 86_400_000);
  const ago =
    days === 0 ? 'today' : `${plural(days, 'day')} ago, at the end of ${lastDay(quarter.ends_at, zone)},`;
  const { next } = quarter;
  const then =
    next === null || Date.parse(next.at) <= now
      ? 'Close it when its books are complete.'
      : `It closes by itself from ${dayWords(next.at, zone)} on.`;
  return [
    {
      quarter: quarter.quarter,
      kind: 'unclosed',
      says: `It ended ${ago} and is not closed. ${then}`,
      tone: 'warn',
    },
  ];
}
