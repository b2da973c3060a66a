import type { QuarterListing } from '../quarters/list.ts';
import type { QuarterDetail } from '../quarters/show.ts';
import type { QuarterJob } from '../queue/quarter-jobs.ts';
import type { NextVerb } from './house.ts';
import { formatBytes, formatCount, printable, table } from './terminal.ts';

/** The quarters as a table; `~` marks an estimate. */
export function renderQuarters(quarters: readonly QuarterListing[]): string {
  if (quarters.length === 0)
    return 'There are no quarters yet. `quartermaster run reconcile-partitions` creates them.';
  return table(
    ['Quarter', 'State', 'Transactions', 'Entries', 'Online', 'Archived', 'Verified', 'Digest'],
    quarters.map((quarter) => [
      quarter.name,
      [quarter.state, ...marksOf(quarter)].join(', '),
      countOf(quarter.transactions, quarter.exact),
      countOf(quarter.entries, quarter.exact),
      quarter.onlineBytes === 0n ? '-' : formatBytes(quarter.onlineBytes),
      quarter.archivedBytes === 0n ? '-' : formatBytes(quarter.archivedBytes),
      quarter.verifiedAt?.toISOString().slice(0, 10) ?? '-',
      quarter.digest?.slice(0, 12) ?? '-',
    ]),
    ['Transactions', 'Entries', 'Online', 'Archived'],
  );
}

/** What is shown with a quarter. */
export interface Beside {
  readonly next?: NextVerb | undefined;
  /** What workers were asked to do to it. */
  readonly jobs?: readonly QuarterJob[];
  readonly zone: string;
}

/** One quarter: where it stands, what comes next, what happened to it, and what its archive consists of. */
export function renderQuarter(quarter: QuarterDetail, { next, jobs = [], zone }: Beside): string {
  const counted = quarter.exact ? '' : 'about ';
  const facts = [
    `${[`${quarter.name} is ${quarter.state}`, ...marksOf(quarter)].join(', ')}.`,
    `from ${quarter.start.toISOString()} to ${quarter.end.toISOString()} (quarters of ${zone})`,
    `${counted}${formatCount(quarter.transactions)} transactions, ${formatCount(quarter.entries)} entries`,
    quarter.digest === null ? undefined : `digest ${quarter.digest}`,
    quarter.holdReason === null ? undefined : `held: ${quarter.holdReason}`,
    quarter.staleReason === null ? undefined : `has to be closed again: ${quarter.staleReason}`,
    quarter.restoredUntil && `restored until ${minuteOf(quarter.restoredUntil)}`,
    quarter.state === 'dropped' &&
      quarter.droppedAt &&
      `dropped ${minuteOf(quarter.droppedAt)}: its archive is all there is of it`,
    quarter.frozenAt && quarter.state !== 'dropped' && `frozen ${minuteOf(quarter.frozenAt)}`,
    quarter.location === undefined ? undefined : `archive ${quarter.location}, ${verifiedOf(quarter)}`,
    ...quarter.approvals.map(approvalOf),
    ...quarter.copies.map(
      (copy) =>
        `copy in schema ${copy.schema} by ${copy.restoredBy}, until ${minuteOf(copy.expiresAt)}: ${copy.reason}`,
    ),
    ...jobs.filter((job) => isNews(job, quarter)).map(jobOf),
    next && `next: ${nextOf(next)}`,
  ]
    .filter((fact) => typeof fact === 'string')
    .map(printable);
  const events = quarter.events.map((event) => [
    event.at.toISOString().slice(0, 19).replace('T', ' '),
    event.event,
    printable(event.actor),
    printable(event.reason ?? ''),
  ]);
  const files = quarter.files.map((file) => [
    file.path,
    formatCount(file.rows),
    formatBytes(file.bytes),
    file.sha256,
  ]);
  return [
    facts.join('\n'),
    events.length === 0 ? '' : `\n${table(['At (UTC)', 'Event', 'By', 'Why'], events)}`,
    files.length === 0 ? '' : `\n${table(['File', 'Rows', 'Bytes', 'SHA-256'], files, ['Rows', 'Bytes'])}`,
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** What is to be known of a quarter besides its state. */
function marksOf(quarter: QuarterListing): string[] {
  return [
    quarter.holdReason === null ? '' : 'held',
    quarter.staleReason === null ? '' : 'stale',
    quarter.restoredUntil === null ? '' : `until ${dayOf(quarter.restoredUntil)}`,
    ...quarter.awaiting.map((verb) => `${verb} waits for approval`),
  ].filter((mark) => mark !== '');
}

function approvalOf(approval: QuarterDetail['approvals'][number]): string {
  const { verb, requestedBy, requestedAt, reason, approvedBy, approvedAt } = approval;
  const asked = `${verb} asked for by ${requestedBy}, ${minuteOf(requestedAt)}${reason === null ? '' : ` (${reason})`}`;
  return approvedBy === null || approvedAt === null
    ? `${asked}: waits until somebody else approves`
    : `${asked}: approved by ${approvedBy}, ${minuteOf(approvedAt)}`;
}

/** What is done stands in the story, and a failure is past when it was done since. */
function isNews({ state, verb, updatedAt }: QuarterJob, { events }: QuarterDetail): boolean {
  return state !== 'done' && !events.some(({ event, at }) => event === verb && at > updatedAt);
}

function jobOf({ verb, actor, state, progress, error }: QuarterJob): string {
  const far =
    state === 'running' && progress
      ? `: ${progress.what}, ${formatCount(progress.done)}${progress.total === undefined ? '' : ` of ${formatCount(progress.total)}`}`
      : '';
  const why = error === null ? '' : `: ${error.detail} [${error.code}]`;
  return `${verb} for ${actor} by a worker: ${state}${far}${why}`;
}

function verifiedOf({ verifiedAt }: QuarterDetail): string {
  return verifiedAt === null
    ? 'found damaged when it was last read'
    : `read and found right ${minuteOf(verifiedAt)}`;
}

/** Why a step is not done by itself though its time has come. */
const withholdings: Readonly<Record<string, string>> = {
  earlier_open: 'an earlier quarter has to be closed first',
  held: 'it is held',
  was_restored: 'it was restored once, so that a person has to want it',
  switched_off: 'the schedule for it is switched off',
  approval_required: 'two people have to want it',
};

function nextOf({ verb, at, withheld }: NextVerb): string {
  const when = `${verb} by itself from ${minuteOf(at)} on`;
  return withheld === undefined ? when : `${when}, but ${withholdings[withheld] ?? withheld}`;
}

/** The last day of it: what ends at midnight ends with the day before. */
function dayOf(end: Date): string {
  return new Date(end.getTime() - 1).toISOString().slice(0, 10);
}

function minuteOf(instant: Date): string {
  return `${instant.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function countOf(count: bigint, exact: boolean): string {
  return exact ? formatCount(count) : `~${formatCount(count)}`;
}
