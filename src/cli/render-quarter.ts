import { type QuarterState, type QuarterVerb, transitions } from '../core/lifecycle.ts';
import type { QuarterDetail } from '../quarters/show.ts';
import type { QuarterJob } from '../queue/quarter-jobs.ts';
import type { NextVerb } from './house.ts';
import type { LocalTime } from './local-time.ts';
import { paint } from './paint.ts';
import { isNews, jobText, marksOf, nextInFull } from './quarter-facts.ts';
import { countOf } from './render-list.ts';
import { outcomeText } from './render-verbs.ts';
import { stateText } from './state-sign.ts';
import { facts, pad, table, wrap } from './table.ts';
import { formatBytes, formatCount, printable } from './terminal.ts';
import { displayWidth } from './width.ts';

/** What a quarter is shown with. */
export interface QuarterSetting {
  readonly next?: NextVerb | undefined;
  /** What workers were asked to do to it, the newest first. */
  readonly jobs?: readonly QuarterJob[];
  readonly now: Date;
  readonly time: LocalTime;
  readonly width: number;
}

/**
 * One quarter to be read from the top: where it stands in its life, the facts, what comes next and why not, who has agreed, what
 * workers do, its story, and the files of its archive.
 */
export function renderQuarter(quarter: QuarterDetail, setting: QuarterSetting): string {
  const { now, time, width } = setting;
  const state = [stateText(quarter.state), ...marksOf(quarter, now)].join(', ');
  const parts = [
    `${paint('heading', quarter.name)}  ${state}   ${paint('faint', `times of ${time.zone}`)}`,
    lifeLine(quarter, time),
    facts(factsOf(quarter, setting), width),
    section('Next', nextLines(quarter, setting), width),
    section(
      'Approvals',
      quarter.approvals.map((one) => approvalText(one, time)),
      width,
    ),
    section('Workers', jobLines(quarter, setting), width),
    checksOf(quarter, setting),
    storyOf(quarter, setting),
    filesOf(quarter, width),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

const CELL = 10;

/** The states it went through and is to go through, with the days; what it is now stands in brackets. */
function lifeLine(quarter: QuarterDetail, { day }: LocalTime): string {
  const { state, closedAt, archivedAt, detachedAt, droppedAt, restoredAt } = quarter;
  const stages: [QuarterState, Date | null][] = [
    ['open', null],
    ['closed', closedAt],
    ['archived', archivedAt],
    ['detached', detachedAt],
  ];
  if (state === 'planned') stages.unshift(['planned', null]);
  if (state !== 'restored' || droppedAt !== null) stages.push(['dropped', droppedAt]);
  if (state === 'restored') stages.push(['restored', restoredAt]);
  const at = stages.findIndex(([one]) => one === state);
  const cells = stages.map(([one], index) => {
    if (index === at) return `[${stateText(one)}]`;
    return index < at ? `✓ ${one}` : paint('faint', `· ${one}`);
  });
  const days = stages.map(([, when], index) => (when !== null && index <= at ? day(when) : ''));
  const widths = cells.map((cell) => Math.max(CELL, displayWidth(cell)));
  const line = (texts: readonly string[], between: string) =>
    `  ${texts.map((text, index) => pad(text, widths[index] ?? CELL)).join(between)}`.trimEnd();
  return `${line(cells, ' › ')}\n${line(days, '   ')}`.trimEnd();
}

function factsOf(quarter: QuarterDetail, { time }: QuarterSetting): [string, string][] {
  const { minute } = time;
  const { location, archivedBytes, archivedRows, frozenAt, restoredUntil, droppedAt, state } = quarter;
  const rows = `${countOf(quarter.transactions, quarter.exact)} transactions, ${countOf(quarter.entries, quarter.exact)} entries`;
  const all: [string, string | undefined][] = [
    ['Days', `${time.day(quarter.start)} to ${time.lastDay(quarter.end)}`],
    ['Rows', rows],
    ['Online', quarter.onlineBytes === 0n ? 'nothing' : formatBytes(quarter.onlineBytes)],
    [
      'Archive',
      location === undefined
        ? 'none yet'
        : `${location}\n${formatBytes(archivedBytes)}, ${formatCount(archivedRows)} rows; ${verifiedOf(quarter, time)}`,
    ],
    ['Manifest', quarter.manifestSha256 ?? undefined],
    ['Digest', quarter.digest ?? undefined],
    ['Held', quarter.holdReason ?? undefined],
    ['Stale', quarter.staleReason === null ? undefined : `has to be closed again: ${quarter.staleReason}`],
    ['Restored', restoredUntil === null ? undefined : `until ${minute(restoredUntil)}`],
    [
      'Dropped',
      state === 'dropped' && droppedAt !== null
        ? `${minute(droppedAt)}: its archive is all there is of it`
        : undefined,
    ],
    ['Frozen', frozenAt !== null && state !== 'dropped' ? minute(frozenAt) : undefined],
    ...quarter.copies.map((copy): [string, string] => [
      'Copy',
      `in schema ${copy.schema} by ${copy.restoredBy}, until ${minute(copy.expiresAt)}: ${copy.reason}`,
    ]),
  ];
  return all.flatMap(([name, text]) =>
    text === undefined ? [] : [[name, text.split('\n').map(printable).join('\n')] as [string, string]],
  );
}

function verifiedOf({ verifiedAt }: QuarterDetail, { minute }: LocalTime): string {
  return verifiedAt === null
    ? 'FOUND DAMAGED when it was last read'
    : `read and found right ${minute(verifiedAt)}`;
}

function nextLines({ state }: QuarterDetail, { next, time }: QuarterSetting): string[] {
  const possible = (Object.keys(transitions) as QuarterVerb[]).filter((verb) =>
    (transitions[verb].from as readonly QuarterState[]).includes(state),
  );
  return [
    next === undefined ? 'nothing by itself' : nextInFull(next, time),
    ...(possible.length === 0
      ? []
      : [`by hand: ${possible.join(', ')} (with --dry-run each says what it would do)`]),
  ];
}

function approvalText(approval: QuarterDetail['approvals'][number], { minute }: LocalTime): string {
  const { verb, requestedBy, requestedAt, reason, approvedBy, approvedAt } = approval;
  const asked = `${verb} asked for by ${requestedBy}, ${minute(requestedAt)}${reason === null ? '' : ` (${reason})`}`;
  return approvedBy === null || approvedAt === null
    ? `${asked}: waits until somebody else approves`
    : `${asked}: approved by ${approvedBy}, ${minute(approvedAt)}`;
}

function jobLines(quarter: QuarterDetail, { jobs = [] }: QuarterSetting): string[] {
  return jobs.filter((job) => isNews(job, quarter.events)).map(jobText);
}

function section(title: string, lines: readonly string[], width: number): string {
  if (lines.length === 0) return '';
  const told = lines.flatMap((line) =>
    wrap(printable(line), width - 4).map((part, at) => `${at === 0 ? '  ' : '    '}${part}`),
  );
  return [paint('heading', title), ...told].join('\n');
}

/** What its last close has checked; of a close that was refused this says why. */
function checksOf({ checks }: QuarterDetail, { time, width }: QuarterSetting): string {
  if (checks === null) return '';
  const head = `${paint('heading', 'Checks')} ${paint('faint', `of the close at ${time.minute(checks.at)}`)}`;
  const indent = ' '.repeat(10);
  const lines = checks.items.flatMap(({ name, ok, detail }) =>
    wrap(printable(`${name}: ${detail}`), width - indent.length).map((part, at) =>
      at === 0 ? `  ${outcomeText(ok, 'FAILED')}  ${part}` : `${indent}${part}`,
    ),
  );
  return [head, ...lines].join('\n');
}

/** What happened to it, the oldest first. A reason is told in full. */
function storyOf({ events }: QuarterDetail, { time, width }: QuarterSetting): string {
  if (events.length === 0) return '';
  const column = (texts: readonly string[]) => Math.max(...texts.map(displayWidth));
  const verbs = column(events.map(({ event }) => event));
  const actors = Math.min(24, column(events.map(({ actor }) => printable(actor))));
  const lines = events.flatMap(({ at, event, actor, reason }) => {
    const head = `  ${time.minute(at)}  ${pad(event, verbs)}  ${pad(printable(actor), actors)}`;
    if (reason === null) return [head.trimEnd()];
    const indent = displayWidth(head) + 2;
    return wrap(printable(reason), width - indent).map((part, index) =>
      index === 0 ? `${head}  ${part}` : `${' '.repeat(indent)}${part}`,
    );
  });
  return [paint('heading', 'Story'), ...lines].join('\n');
}

/** A hash is only of use when it is whole: where a line is too short for it, it gets one of its own. */
function filesOf({ files }: QuarterDetail, width: number): string {
  if (files.length === 0) return '';
  const rows = files.map(({ path, rows: count, bytes, sha256 }) => [
    printable(path),
    formatCount(count),
    formatBytes(bytes),
    sha256,
  ]);
  const titles = ['File', 'Rows', 'Bytes', 'SHA-256'];
  const wide = table(titles, rows, ['Rows', 'Bytes']);
  const fits = wide.split('\n').every((line) => displayWidth(line) + 2 <= width);
  if (fits) return [paint('heading', 'Files'), ...wide.split('\n').map((line) => `  ${line}`)].join('\n');
  const [head = '', ...lines] = table(
    titles.slice(0, 3),
    rows.map((row) => row.slice(0, 3)),
    ['Rows', 'Bytes'],
  ).split('\n');
  return [
    paint('heading', 'Files'),
    `  ${head}`,
    ...lines.map((line, at) => `  ${line}\n    ${paint('faint', rows[at]?.[3] ?? '')}`),
  ].join('\n');
}
