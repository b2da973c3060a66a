import type { QuarterDetail, QuarterListing } from '../quarters/list.ts';
import { formatBytes, formatCount, table } from './terminal.ts';

/** The quarters as a table; `~` marks an estimate. */
export function renderQuarters(quarters: readonly QuarterListing[]): string {
  if (quarters.length === 0)
    return 'There are no quarters yet. `quartermaster run reconcile-partitions` creates them.';
  return table(
    ['Quarter', 'State', 'Transactions', 'Entries', 'Online', 'Archived', 'Verified', 'Digest'],
    quarters.map((quarter) => [
      quarter.name,
      quarter.holdReason === null ? quarter.state : `${quarter.state}, held`,
      formatCount(quarter.transactions),
      formatCount(quarter.entries),
      quarter.onlineBytes === 0n ? '-' : formatBytes(quarter.onlineBytes),
      quarter.archivedBytes === 0n ? '-' : formatBytes(quarter.archivedBytes),
      quarter.verifiedAt?.toISOString().slice(0, 10) ?? '-',
      quarter.digest?.slice(0, 12) ?? '-',
    ]),
    ['Transactions', 'Entries', 'Online', 'Archived'],
  );
}

/** One quarter: where it stands, what happened to it, and what its archive consists of. */
export function renderQuarter(quarter: QuarterDetail, zone: string): string {
  const facts = [
    `${quarter.name} is ${quarter.state}.`,
    `from ${quarter.start.toISOString()} to ${quarter.end.toISOString()} (quarters of ${zone})`,
    `${formatCount(quarter.transactions)} transactions, ${formatCount(quarter.entries)} entries`,
    quarter.holdReason === null ? undefined : `held: ${quarter.holdReason}`,
    quarter.digest === null ? undefined : `digest ${quarter.digest}`,
  ].filter((fact) => fact !== undefined);
  const events = quarter.events.map((event) => [
    event.at.toISOString().slice(0, 19).replace('T', ' '),
    event.event,
    event.actor,
    event.reason ?? '',
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
