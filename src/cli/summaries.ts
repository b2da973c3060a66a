import { AppError } from '../core/errors.ts';
import { readSummaryLag, type SummaryLag } from '../summaries/lag.ts';
import { reconcileSummaries, type SummaryReconcileReport } from '../summaries/reconcile.ts';
import { type CliCommand, type CommandKit, command, contextOf, group, withHouse } from './command.ts';
import { summariesReconcileJson, summariesShowJson } from './json-books.ts';
import { type LocalTime, localTime } from './local-time.ts';
import { personOf } from './person.ts';
import { progressBar } from './progress.ts';
import { parseQuarterName } from './quarter-range.ts';
import { table } from './table.ts';
import { formatCount, printResult } from './terminal.ts';

interface ReconcileFlags {
  readonly json?: boolean;
  readonly days: string;
  readonly quarter?: string;
  readonly fix: boolean;
}

/** `quartermaster summaries show|reconcile` */
export function summariesCommand(kit: CommandKit): CliCommand {
  const summaries = group('summaries', 'how far the summaries are behind, and whether they are right', [
    'summaries show',
    'summaries show --json',
    'summaries reconcile --no-fix',
    'summaries reconcile --days 1000',
    'summaries reconcile --quarter 2026q1',
  ]);
  return summaries.addCommand(showCommand(kit)).addCommand(compareCommand(kit));
}

function showCommand(kit: CommandKit): CliCommand {
  return command('show', 'when they were last refreshed, and what of each ledger is not summed up yet', [
    'summaries show',
    'summaries show --json',
  ])
    .prints(summariesShowJson)
    .action(async (options: { json?: boolean }) => {
      const context = contextOf(kit, options, 'warn');
      await withHouse(context, async ({ database, calendar }) => {
        printResult(context.terminal, await readSummaryLag({ db: database.write, calendar }), (lag) =>
          renderSummaryLag(lag, localTime(calendar.zone)),
        );
      });
    });
}

function compareCommand(kit: CommandKit): CliCommand {
  const says = 'hold days against the rows they are made of: yesterday of every ledger, and others at random';
  return command('reconcile', says, [
    'summaries reconcile --no-fix',
    'summaries reconcile --days 1000',
    'summaries reconcile --quarter 2026q1',
  ])
    .option('--days <number>', 'how many others, 0 to 100000', '100')
    .option('--quarter <quarter>', 'all days of this quarter instead, as 2026q1')
    .option('--fix', 'repair what differs (the default)', true)
    .option('--no-fix', 'repair nothing, and fail when something differs')
    .prints(summariesReconcileJson)
    .action(async (flags: ReconcileFlags) => {
      const quarter = flags.quarter === undefined ? undefined : parseQuarterName(flags.quarter);
      const days = parseDays(flags.days);
      const context = contextOf(kit, flags, 'warn');
      await withHouse(context, async (house) => {
        const bar = progressBar(context.terminal, 'summaries reconcile');
        const report = await reconcileSummaries({
          ...house,
          actor: personOf(),
          days,
          quarter,
          fix: flags.fix,
          signal: kit.entry.signal,
          onProgress: ({ done, total }) => bar.update(done, total),
        });
        bar.end();
        printResult(context.terminal, report, renderReconciled);
        const left = report.remainingDays + report.failed.length;
        if (left > 0) {
          const detail = `The summaries of ${daysOf(left)} are not what the rows come to. Run it again with --fix; days that cannot be counted need their rows looked at.`;
          throw new AppError('corrupt', 'summaries_differ', detail);
        }
        if (quarter !== undefined && report.skipped.length > 0) {
          const detail = `${quarter} left while its summaries were looked at, so not all of its days were. Restore it and run this again.`;
          throw new AppError('refused', 'partition_not_attached', detail);
        }
      });
    });
}

function parseDays(text: string): number {
  if (/^\d{1,6}$/.test(text) && Number(text) <= 100_000) return Number(text);
  throw new AppError('invalid', 'bad_option', `--days ${text} is not a whole number from 0 to 100000.`);
}

export function renderSummaryLag({ refreshed, ledgers }: SummaryLag, time: LocalTime): string {
  const last =
    refreshed === null
      ? 'They were never refreshed. A worker does it every minute; `quartermaster run refresh-summaries` does it now.'
      : `Last refreshed at ${time.minute(refreshed.at)} (${time.zone}), in ${refreshed.seconds.toFixed(1)} s.`;
  if (ledgers.length === 0) return `${last}\nThere are no ledgers yet.`;
  const rows = ledgers.map(({ ledger, days, summedUpBefore, seconds }) => [
    ledger,
    summedUpBefore === null ? 'all of it' : `all before ${summedUpBefore}`,
    formatCount(days),
    days === 0 ? '' : formatDuration(seconds),
  ]);
  return `${last}\n\n${table(['Ledger', 'Summed up', 'Days to count', 'Behind'], rows, ['Days to count', 'Behind'])}`;
}

function formatDuration(seconds: number): string {
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  return seconds < 7200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}

export function renderReconciled(report: SummaryReconcileReport): string {
  const { checkedDays, markedDays, differences, differingDays, repairedDays, differing, failed } = report;
  const { remarkedDays, skipped } = report;
  const lines = [
    `Held against the rows: ${daysOf(checkedDays)}. Left alone, for they are not summed up yet: ${daysOf(markedDays)}.`,
    ...differing.map(
      ({ ledgerId, day, table: name, key, stored, counted }) =>
        `DIFFERS  ledger ${ledgerId}, ${day}, ${name} of ${figures(key)}: stored ${figures(stored)}, counted ${figures(counted)}`,
    ),
    ...skipped.map((quarter) => `SKIPPED  ${quarter} left meanwhile; not all of its days were looked at.`),
    ...failed.map(({ ledgerId, day, detail }) => `FAILED   ledger ${ledgerId}, ${day}: ${detail}`),
  ];
  if (remarkedDays > 0)
    lines.push(
      `Marked to be counted again, for they have no totals by kind of account from before the upgrade: ${daysOf(remarkedDays)}.`,
    );
  if (differences === 0) return [...lines, 'Nothing differs.'].join('\n');
  const more = differences > differing.length ? ` (the first ${differing.length} are shown)` : '';
  lines.push(
    `Rows that differ: ${formatCount(differences)}, of ${daysOf(differingDays)}${more}. Repaired: ${daysOf(repairedDays)}.`,
  );
  return lines.join('\n');
}

function daysOf(count: number): string {
  return count === 1 ? '1 day' : `${formatCount(count)} days`;
}

function figures(row: Readonly<Record<string, string>> | null): string {
  if (row === null) return 'nothing';
  return Object.entries(row)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}
