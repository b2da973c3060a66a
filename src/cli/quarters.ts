import { quarterActions } from '../quarters/verbs.ts';
import { type CliCommand, type CommandKit, group } from './command.ts';
import { listCommand, showCommand } from './quarters-look.ts';
import { trialBalanceCommand } from './quarters-trial-balance.ts';
import { verbCommand } from './quarters-verb-command.ts';
import { watchCommand } from './quarters-watch.ts';

/** `quartermaster quarters list|show|watch|trial-balance`, and every verb there is. */
export function quartersCommand(kit: CommandKit): CliCommand {
  const quarters = group('quarters', 'list the quarters and move them along their life', [
    'quarters list',
    'quarters show 2024q1',
    'quarters close 2024q1 --dry-run',
    'quarters archive 2023q1..2023q4 --reason "year-end"',
    'quarters restore 2021q3 --reason "audit of 2021" --until "in 14 days"',
    'quarters drop 2019q1 --reason "retention is over"',
  ]).commandsGroup('Look:');
  for (const one of [listCommand(kit), showCommand(kit), watchCommand(kit), trialBalanceCommand(kit)])
    quarters.addCommand(one);
  quarters.commandsGroup('Move them along, in the order of their life:');
  for (const [name, action] of Object.entries(quarterActions))
    quarters.addCommand(verbCommand(kit, name, action));
  quarters.commandsGroup('Help:').helpCommand(true);
  return quarters;
}
