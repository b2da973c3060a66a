import {
  type AccessReport,
  grantReports,
  listReports,
  type ReportsListing,
  revokeReports,
} from '../summaries/reports.ts';
import { type CliCommand, type CommandKit, command, contextOf, group, withHouse } from './command.ts';
import { reportsAccessJson, reportsListJson } from './json-books.ts';
import { table } from './table.ts';
import { note, printable, printResult } from './terminal.ts';

interface Options {
  readonly json?: boolean;
}

/** `quartermaster reports list|grant|revoke` */
export function reportsCommand(kit: CommandKit): CliCommand {
  const reports = group('reports', 'views for finance and BI tools, and who may read them', [
    'reports list',
    'reports grant finance',
    'reports revoke finance',
  ]);
  return reports.addCommand(listCommand(kit)).addCommand(grantCommand(kit)).addCommand(revokeCommand(kit));
}

function listCommand(kit: CommandKit): CliCommand {
  return command('list', 'the views, what they show, how old that is, and which roles were given access', [
    'reports list',
    'reports list --json',
  ])
    .prints(reportsListJson)
    .action(async (options: Options) => {
      const context = contextOf(kit, options, 'warn');
      await withHouse(context, async ({ database }) => {
        printResult(context.terminal, await listReports(database.direct), renderListing);
      });
    });
}

function grantCommand(kit: CommandKit): CliCommand {
  const says = 'let a role read the views, those of later versions too, and nothing else; it has to exist';
  return command('grant', says, ['reports grant finance'])
    .argument('<role>', 'of PostgreSQL, as it is written there')
    .prints(reportsAccessJson)
    .action(async (role: string, options: Options) => {
      const context = contextOf(kit, options, 'warn');
      await withHouse(context, async ({ database }) => {
        const report = await grantReports(database.direct, role);
        printResult(context.terminal, report, renderGrant);
        if (!report.canConnect)
          note(
            context.terminal,
            `It cannot connect to this database yet. Its owner can let it: GRANT CONNECT ON DATABASE … TO ….`,
          );
      });
    });
}

function revokeCommand(kit: CommandKit): CliCommand {
  return command('revoke', 'take that back', ['reports revoke finance'])
    .argument('<role>', 'of PostgreSQL, as it is written there')
    .prints(reportsAccessJson)
    .action(async (role: string, options: Options) => {
      const context = contextOf(kit, options, 'warn');
      await withHouse(context, async ({ database }) => {
        printResult(context.terminal, await revokeReports(database.direct, role), renderRevoke);
      });
    });
}

function renderListing({ views, readers, daysOutstanding }: ReportsListing, width: number): string {
  const listed = table(
    ['View', 'As of', 'What it shows'],
    views.map(({ name, description, exact, age }) => [
      name,
      exact ? 'now' : ageOf(age),
      printable(description),
    ]),
    [],
    { width, shorten: ['What it shows'] },
  );
  const days = daysOutstanding === 1n ? '1 day is' : `${daysOutstanding} days are`;
  const counted =
    daysOutstanding === 0n
      ? 'Every day is summed up.'
      : `${days} not summed up yet, and counted from the rows until then.`;
  const given =
    readers.length === 0
      ? 'No role was given access yet: `quartermaster reports grant ROLE`.'
      : `Given to: ${readers.map(printable).join(', ')}.`;
  return `${listed}\n\n${counted}\n${given}`;
}

function renderGrant({ role, views }: AccessReport): string {
  return `${printable(role)} may read ${views.length} views, as ${views[0]}, and the functions beside them; it may write nothing.`;
}

function renderRevoke({ role, canRead }: AccessReport): string {
  return canRead
    ? `What was given to ${printable(role)} is revoked. It can still read the views, by a right of another role that it is a member of, or as a superuser.`
    : `${printable(role)} cannot read the views any more.`;
}

/** 4000 → `1 h ago`. */
function ageOf(seconds: number | null): string {
  if (seconds === null) return 'never filled';
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ago`;
  return minutes < 48 * 60
    ? `${Math.floor(minutes / 60)} h ago`
    : `${Math.floor(minutes / (24 * 60))} days ago`;
}
