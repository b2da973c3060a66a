import type { BuildReport } from '../db/concurrent-index.ts';
import type { AuditReport } from '../summaries/index-audit.ts';
import type { Finding, FindingKind } from '../summaries/index-finding.ts';
import type { ReindexReport } from '../summaries/index-reindex.ts';
import { table } from './table.ts';
import { formatBytes, formatCount, printable } from './terminal.ts';

/** What each kind is called in a list, and in a sum: one of them, several of them. */
const WORDS: Readonly<Record<FindingKind, readonly [title: string, one: string, many: string]>> = {
  missing: ['MISSING', 'missing', 'missing'],
  invalid: ['INVALID', 'invalid', 'invalid'],
  leftover: ['LEFTOVER', 'leftover', 'leftovers'],
  bloated: ['BLOATED', 'bloated', 'bloated'],
  duplicate: ['DUPLICATE', 'duplicate', 'duplicates'],
  redundant: ['REDUNDANT', 'redundant', 'redundant'],
  unused: ['UNUSED', 'unused', 'unused'],
  idle: ['NOT READ', 'not read but declared', 'not read but declared'],
  not_hot: ['NOT HOT', 'table whose updates are not HOT', 'tables whose updates are not HOT'],
};

const WIDTH = Math.max(...Object.values(WORDS).map(([title]) => title.length));

/** Findings one below the other with what mends each, and the totals. */
export function renderAudit(report: AuditReport): string {
  const { findings, indexes, bytes, freed, countedSince, countedDays, tooEarly, bloatBy, bloatUnknown } =
    report;
  const looked = `Looked at ${formatCount(indexes)} indexes, ${formatBytes(bytes)}.`;
  const measured =
    bloatBy === 'pgstattuple'
      ? 'Bloat is measured by pgstattuple.'
      : 'Bloat is estimated; the extension pgstattuple would measure it.';
  const since = countedSince?.toISOString().slice(0, 10) ?? 'an unknown day';
  const counted = `Scans are counted since ${since}${countedDays === undefined ? '' : `, ${days(countedDays)}`}.`;
  const notes = [
    ...(tooEarly.length === 0
      ? []
      : [`It is too early to say whether these are unused: ${tooEarly.map(printable).join(', ')}.`]),
    ...(bloatUnknown.length === 0
      ? []
      : [
          `Not analyzed yet, so that nothing can be said of bloat: ${bloatUnknown.map(printable).join(', ')}.`,
        ]),
  ];
  return [
    `${looked} ${measured} ${counted}`,
    ...findings.map(renderFinding),
    ...notes,
    summary(findings, freed),
  ].join('\n\n');
}

function renderFinding({ kind, detail, mend, bytes }: Finding): string {
  const indent = ' '.repeat(WIDTH + 2);
  const frees = bytes > 0n ? ` It would free ${formatBytes(bytes)}.` : '';
  const first = `${WORDS[kind][0].padEnd(WIDTH)}  ${printable(detail)}${frees}`;
  return mend === null ? first : `${first}\n${indent}${mendOf(mend)}`;
}

/** A command of ours as one would type it, SQL as it is sent. */
function mendOf(mend: string): string {
  return mend.startsWith('quartermaster ') ? `$ ${printable(mend)}` : `${printable(mend)};`;
}

function summary(findings: readonly Finding[], freed: bigint): string {
  if (findings.length === 0) return 'All indexes are as they should be.';
  const counts = (Object.keys(WORDS) as FindingKind[]).flatMap((kind) => {
    const count = findings.filter((one) => one.kind === kind).length;
    return count === 0 ? [] : [`${count} ${WORDS[kind][count === 1 ? 1 : 2]}`];
  });
  const total = freed > 0n ? ` ${formatBytes(freed)} would be freed.` : '';
  return `${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}: ${counts.join(', ')}.${total}`;
}

/** One row an index, and what could not be done. */
export function renderReindex({ dropped, kept, indexes, left, freed }: ReindexReport): string {
  const lines = dropped.map((name) => `${printable(name)} was dropped, a leftover of a run that was killed.`);
  for (const { index, detail } of kept)
    lines.push(`${printable(index)} is a leftover, and could not be dropped. ${printable(detail)}`);
  if (indexes.length > 0) {
    lines.push(
      table(
        ['Index', 'Why', 'Outcome', 'Before', 'After', 'Seconds'],
        indexes.map(({ index, why, outcome, before, after, seconds }) => [
          printable(index),
          why,
          outcome,
          formatBytes(before),
          formatBytes(after),
          seconds.toFixed(1),
        ]),
        ['Before', 'After', 'Seconds'],
      ),
    );
  }
  for (const { index, detail } of indexes) {
    if (detail !== undefined) lines.push(`${printable(index)}: ${printable(detail)}`);
  }
  if (left.length > 0) lines.push(`There was no time for ${left.map(printable).join(', ')}.`);
  const done = indexes.filter(({ outcome }) => outcome === 'rebuilt').length;
  const all = `${done} ${done === 1 ? 'index was' : 'indexes were'} built anew, and ${formatBytes(freed > 0n ? freed : 0n)} freed.`;
  lines.push(indexes.length === 0 && left.length === 0 ? 'No index had to be built anew.' : all);
  return lines.join('\n');
}

/** One line an index. */
export function renderBuilds(reports: readonly BuildReport[]): string {
  return reports
    .map(({ index, table: on, wasThere, built, attached, dropped }) => {
      const name = `${printable(index)} on ${printable(on)}`;
      if (wasThere) return `${name} is there already.`;
      const parts = [
        `${built.length} built`,
        ...(attached.length === 0 ? [] : [`${attached.length} attached as they were`]),
        ...(dropped.length === 0 ? [] : [`${dropped.length} half made dropped before`]),
      ];
      return `${name} is complete: ${parts.join(', ')}.`;
    })
    .join('\n');
}

function days(count: number): string {
  return count === 1 ? 'one day' : `${count} days`;
}
