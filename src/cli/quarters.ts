import type { Command } from 'commander';
import { AppError } from '../core/errors.ts';
import { compareQuarters, isQuarterName, nextName } from '../core/quarter.ts';
import { listQuarters } from '../quarters/list.ts';
import { showQuarter } from '../quarters/show.ts';
import { type QuarterAction, quarterActions } from '../quarters/verbs.ts';
import { type CommandKit, contextOf, group, JSON_OPTION, withHouse } from './command.ts';
import { trialBalanceCommand } from './quarters-trial-balance.ts';
import { runQuarterVerb, type VerbFlags } from './quarters-verb.ts';
import { renderQuarter, renderQuarters } from './render-quarters.ts';
import { printResult } from './terminal.ts';

/** `quartermaster quarters list|show`, and every verb there is. */
export function quartersCommand(kit: CommandKit): Command {
  const quarters = group('quarters', 'list the quarters and move them along their life', [
    'quarters list',
    'quarters show 2024q1',
    'quarters close 2024q1 --dry-run',
    'quarters archive 2023q1..2023q4 --reason "year-end"',
    'quarters restore 2021q3 --reason "audit of 2021" --until 2026-12-31',
    'quarters drop 2019q1 --reason "retention is over" --yes',
  ]);

  quarters
    .command('list')
    .description('every quarter with its state, its rows and its bytes')
    .option(...JSON_OPTION)
    .action(async (options: { json?: boolean }) => {
      const context = contextOf(kit, options, 'warn');
      await withHouse(context, async (house) => {
        printResult(context.terminal, await listQuarters(house.quarters), renderQuarters);
      });
    });

  quarters
    .command('show')
    .description('one quarter: where it stands, what comes next, its story and its files')
    .argument('<quarter>', 'as 2024q1')
    .option(...JSON_OPTION)
    .action(async (name: string, options: { json?: boolean }) => {
      const context = contextOf(kit, options, 'warn');
      requireOne(name);
      await withHouse(context, async (house) => {
        const detail = await showQuarter(house.quarters, name);
        const next = await house.nextStep(name);
        const jobs = await house.quarterJobs(name);
        printResult(context.terminal, { ...detail, next: next ?? null, jobs }, () =>
          renderQuarter(detail, { next, jobs, zone: house.calendar.zone }),
        );
      });
    });

  quarters.addCommand(trialBalanceCommand(kit));
  for (const [name, action] of Object.entries(quarterActions))
    quarters.addCommand(verbCommand(kit, name, action));
  return quarters;
}

function verbCommand(kit: CommandKit, name: string, action: QuarterAction): Command {
  const verb = group(name, action.says, examplesOf(name, action))
    .argument('<quarters>', 'as 2024q1, or 2023q1..2023q4')
    .option(
      '--reason <text>',
      `${action.needsReason ? 'why (needed)' : 'why'}; kept in the story of the quarter`,
    )
    .option('--dry-run', 'say what it would find and do now, and do nothing');
  if (name === 'restore') {
    verb.option('--until <when>', 'a day, as 2026-12-31, of which the end is meant, or an instant');
  }
  if (name === 'restore' || name === 'release') {
    verb.option('--into <schema>', "a schema of its own, instead of the ledger's tables");
  }
  if (name === 'drop') verb.option('--yes', 'that it is meant: without it nothing is dropped');
  return verb.option(...JSON_OPTION).action(async (range: string, flags: VerbFlags) => {
    const context = contextOf(kit, flags, 'warn');
    const names = parseRange(range);
    if (name === 'drop' && flags.yes !== true && flags.dryRun !== true) {
      const detail = `This drops the tables of ${range}; what is left is the archive. Add --yes to do it, or --dry-run to see what it finds.`;
      throw new AppError('invalid', 'not_confirmed', detail);
    }
    await withHouse(context, (house) => runQuarterVerb(context, house, name, names, flags));
  });
}

function examplesOf(name: string, { needsReason }: QuarterAction): string[] {
  const why = name === 'drop' ? 'retention is over' : name === 'reopen' ? 'a late invoice' : 'audit of 2024';
  const reason = needsReason ? ` --reason "${why}"` : '';
  const more = name === 'drop' ? ' --yes' : name === 'restore' ? ' --until 2026-12-31' : '';
  return [`quarters ${name} 2024q1${reason}${more}`, `quarters ${name} 2023q1..2023q4${reason} --dry-run`];
}

function requireOne(name: string): void {
  if (!isQuarterName(name))
    throw new AppError('invalid', 'invalid_quarter', `${name} is no quarter. Write it as 2024q1.`);
}

/** `2024q1` or `2023q1..2023q4`, both ends included, in order of time. */
export function parseRange(text: string): string[] {
  const [from, to = from, ...rest] = text.split('..');
  if (from === undefined || to === undefined || rest.length > 0 || ![from, to].every(isQuarterName)) {
    throw new AppError(
      'invalid',
      'invalid_quarter',
      `${text} is no quarter. Write 2024q1, or 2023q1..2023q4.`,
    );
  }
  if (compareQuarters(from, to) > 0) {
    throw new AppError('invalid', 'invalid_quarter', `${text} ends before it begins. Write ${to}..${from}.`);
  }
  const names = [from];
  while (names.at(-1) !== to) names.push(nextName(names.at(-1) as string));
  return names;
}
