import { quarterStates } from '../core/lifecycle.ts';
import type { QuarterJob } from '../queue/quarter-jobs.ts';
import type { LocalTime } from './local-time.ts';
import { paint } from './paint.ts';
import { marksOf, nextInShort, type QuarterOutline, whyNot } from './quarter-facts.ts';
import { stateText } from './state-sign.ts';
import { table, wrap } from './table.ts';
import { formatBytes, formatCount, printable } from './terminal.ts';

/** What a list is shown with. */
export interface ListSetting {
  readonly now: Date;
  readonly time: LocalTime;
  /** What workers were asked to do lately, the newest first. */
  readonly jobs?: readonly QuarterJob[];
  readonly width: number;
}

/** What is due and has not begun for so long is not only waiting for its turn. */
const OVERDUE_MS = 26 * 3600 * 1000;

/** The quarters as a table, the totals, and what needs somebody. `~` marks an estimate. */
export function renderQuarters(quarters: readonly QuarterOutline[], setting: ListSetting): string {
  if (quarters.length === 0) return 'There are no quarters yet. `quartermaster reconcile` creates them.';
  return [
    renderTable(quarters, setting),
    '',
    ...wrap(totalsOf(quarters), setting.width),
    ...renderNeeds(quarters, setting),
    paint('faint', `Days are those of ${setting.time.zone}.`),
  ].join('\n');
}

function renderTable(quarters: readonly QuarterOutline[], { now, time, width }: ListSetting): string {
  return table(
    [
      ...['Quarter', 'State', 'Transactions', 'Entries', 'Online', 'Archived'],
      ...['Verified', 'Next by itself', 'Digest'],
    ],
    quarters.map((quarter) => [
      quarter.start <= now && now < quarter.end ? paint('strong', quarter.name) : quarter.name,
      [stateText(quarter.state), ...marksOf(quarter, now)].join(', '),
      countOf(quarter.transactions, quarter.exact),
      countOf(quarter.entries, quarter.exact),
      quarter.onlineBytes === 0n ? '-' : formatBytes(quarter.onlineBytes),
      quarter.archivedBytes === 0n ? '-' : formatBytes(quarter.archivedBytes),
      verifiedOf(quarter, time),
      quarter.next === null ? '-' : nextInShort(quarter.next, now, time),
      quarter.digest?.slice(0, 12) ?? '-',
    ]),
    ['Transactions', 'Entries', 'Online', 'Archived'],
    {
      width,
      drop: ['Digest', 'Verified', 'Entries', 'Archived', 'Online', 'Transactions'],
      shorten: ['Next by itself', 'State'],
    },
  );
}

function verifiedOf({ verifiedAt, archivedBytes }: QuarterOutline, time: LocalTime): string {
  if (verifiedAt !== null) return time.day(verifiedAt);
  return archivedBytes === 0n ? '-' : paint('bad', 'DAMAGED');
}

function totalsOf(quarters: readonly QuarterOutline[]): string {
  const sum = (of: (quarter: QuarterOutline) => bigint) => quarters.reduce((all, one) => all + of(one), 0n);
  const states = quarterStates.flatMap((state) => {
    const count = quarters.filter((one) => one.state === state).length;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  const exact = quarters.every((quarter) => quarter.exact);
  const parts = [
    `${quarters.length} ${quarters.length === 1 ? 'quarter' : 'quarters'} (${states.join(', ')})`,
    `${countOf(
      sum((one) => one.transactions),
      exact,
    )} transactions`,
    `${formatBytes(sum((one) => one.onlineBytes))} online`,
    `${formatBytes(sum((one) => one.archivedBytes))} archived`,
  ];
  return `${parts.join('; ')}.`;
}

function renderNeeds(quarters: readonly QuarterOutline[], setting: ListSetting): string[] {
  const needs = quarters.flatMap((quarter) => needsOf(quarter, setting).map((text) => [quarter.name, text]));
  if (needs.length === 0) return [`${paint('good', '✓')} Nothing waits for anybody.`];
  const indent = ' '.repeat(2);
  return needs.flatMap(([name = '', text = '']) => {
    const lines = wrap(`${name}: ${printable(text)}`, setting.width - indent.length);
    return lines.map((line, at) => `${at === 0 ? `${paint('attention', '!')} ` : indent}${line}`);
  });
}

/** What somebody has to do something about, each with what that is. */
export function needsOf(quarter: QuarterOutline, { now, jobs = [] }: ListSetting): string[] {
  const { name, state, next, awaiting, staleReason, archivedBytes, verifiedAt, attached } = quarter;
  const needs: string[] = awaiting.map(
    (verb) => `${verb} waits until a second person agrees: quartermaster quarters approve ${name}`,
  );
  if (staleReason !== null)
    needs.push(`has to be closed again (${staleReason}): quartermaster quarters close ${name}`);
  if (archivedBytes > 0n && verifiedAt === null)
    needs.push(
      `its archive was damaged when it was last read. Mend the store, then: quartermaster quarters verify ${name}`,
    );
  if (!attached && ['open', 'closed', 'archived', 'restored'].includes(state))
    needs.push('not all of its tables are part of the ledger: quartermaster doctor');
  const failed = jobs.find((job) => job.quarter === name);
  if (failed?.state === 'failed')
    needs.push(`the ${failed.verb} by a worker failed: ${failed.error?.detail ?? 'it does not say why'}`);
  if (next !== null && next.at <= now && awaiting.length === 0 && staleReason === null) {
    const { withheld } = next;
    if (withheld !== undefined) needs.push(`${next.verb} is due, but ${whyNot(withheld)}`);
    else if (now.getTime() - next.at.getTime() > OVERDUE_MS && failed === undefined)
      needs.push(
        `${next.verb} is overdue. See that a worker runs, or: quartermaster quarters ${next.verb} ${name}`,
      );
  }
  return needs;
}

export function countOf(count: bigint, exact: boolean): string {
  return exact ? formatCount(count) : `~${formatCount(count)}`;
}
