import type { Command } from 'commander';
import { WHEN_FORMS } from '../core/when.ts';
import type { QuarterAction, quarterActions } from '../quarters/verbs.ts';
import { type CliCommand, type CommandKit, command, contextOf, withHouse } from './command.ts';
import { verbJson } from './json-verbs.ts';
import { givenRange, namesOf, QUARTERS_OPTION } from './quarters-given.ts';
import { runQuarterVerb, type VerbFlags } from './quarters-verb.ts';

/** `quartermaster quarters VERB`: one verb on one quarter after the other. */
export function verbCommand(kit: CommandKit, name: string, action: QuarterAction): CliCommand {
  const verb = command(name, action.says, examplesOf(name, action))
    .argument('[quarters]', 'as 2024q1, or 2023q1..2023q4')
    .option(...QUARTERS_OPTION)
    .option(
      '--reason <text>',
      `${action.needsReason ? 'why (needed)' : 'why'}; kept in the story of the quarter`,
    )
    .option('--dry-run', 'say what it would find and do now, and do nothing');
  if (name === 'restore') verb.option('--until <when>', `until when, as ${WHEN_FORMS}`);
  if (name === 'restore' || name === 'release') {
    verb.option('--into <schema>', "a schema of its own, instead of the ledger's tables");
  }
  if (name === 'drop') verb.option('--yes', 'that it is meant, without being asked');
  if (name === 'release') verb.option('--yes', 'that dropping a copy is meant, without being asked');
  return verb
    .prints(verbJson(name as keyof typeof quarterActions))
    .action(async (given: string | undefined, flags: VerbFlags & { quarters?: string }, self: Command) => {
      const range = givenRange(self, given, flags.quarters);
      const context = contextOf(kit, flags, 'warn');
      await withHouse(context, async (house) => {
        const names = await namesOf(house, range);
        await runQuarterVerb(kit, context, house, { verb: name, names, text: range.text }, flags);
      });
    });
}

function examplesOf(name: string, { needsReason }: QuarterAction): string[] {
  const why = name === 'drop' ? 'retention is over' : name === 'reopen' ? 'a late invoice' : 'audit of 2024';
  const reason = needsReason ? ` --reason "${why}"` : '';
  const more = name === 'drop' ? ' --yes' : name === 'restore' ? ' --until "31 Dec 2026"' : '';
  return [
    `quarters ${name} 2024q1${reason}${more}`,
    ...(name === 'release' ? ['quarters release 2024q1 --into audit --yes'] : []),
    `quarters ${name} --quarters 2023q1..2023q4${reason} --dry-run`,
  ];
}
