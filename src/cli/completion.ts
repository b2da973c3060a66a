import { Argument, type Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { nextName } from '../core/quarter.ts';
import { wallClock } from '../core/wall.ts';
import { pause } from '../platform/retry.ts';
import { readQuarters } from '../quarters/registry.ts';
import { CliCommand, type CommandKit, command, contextOf, terminalOf } from './command.ts';
import { bashScript } from './completion-bash.ts';
import { fishScript } from './completion-fish.ts';
import { pathsOf } from './completion-tree.ts';
import { zshScript } from './completion-zsh.ts';
import { completionJson } from './json-house.ts';
import { printResult } from './terminal.ts';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** `quartermaster completion SHELL`: a script that has the shell complete commands, options and values. */
export function completionCommand(kit: CommandKit): CliCommand {
  return command('completion', 'print a script that completes commands, options and values in a shell', [
    'completion bash > ~/.local/share/bash-completion/completions/quartermaster',
    'completion zsh > ~/.zfunc/_quartermaster',
    'completion fish > ~/.config/fish/completions/quartermaster.fish',
  ])
    .addArgument(new Argument('<shell>', 'whose script it is').choices(shells))
    .prints(completionJson)
    .action((shell: Shell, flags: { json?: boolean }, self: Command) => {
      const paths = pathsOf(self.parent as Command);
      const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };
      const script = scripts[shell](paths);
      printResult(terminalOf(kit, flags), { shell, script: `${script}\n` }, () => script);
    });
}

/** Who waits for a completion has forgotten what they wanted by then. */
const PATIENCE_MS = 1500;
const STATIC_PAST = 12;
const STATIC_AHEAD = 4;

/**
 * `quartermaster __quarters`: the names of the quarters for a shell. The database is asked where it is quick; else, and without a
 * word about why, they are those around now.
 */
export function namesCommand(kit: CommandKit): CliCommand {
  return new CliCommand('__quarters').description('names of quarters, for completion').action(async () => {
    const names = await Promise.race([
      knownNames(kit).catch(() => []),
      pause(PATIENCE_MS).then(() => [] as string[]),
    ]);
    kit.out.write(`${(names.length > 0 ? names : namesAroundNow()).join('\n')}\n`);
  });
}

async function knownNames(kit: CommandKit): Promise<string[]> {
  const { entry, config, logger } = contextOf(kit, {}, 'silent');
  if (config.databaseUrl === undefined) return [];
  const house = await entry.openHouse(config, logger);
  try {
    return (await readQuarters(house.database.write)).map(({ quarter }) => quarter);
  } finally {
    await house.close();
  }
}

function namesAroundNow(): string[] {
  // It is only a help, so that the zone does not matter.
  const { day } = wallClock('UTC')(systemClock.now());
  const now = `${day.slice(0, 4)}q${Math.ceil(Number(day.slice(5, 7)) / 3)}`;
  return Array.from({ length: STATIC_PAST + 1 + STATIC_AHEAD }, (_, at) => nextName(now, at - STATIC_PAST));
}
