import { PassThrough } from 'node:stream';
import type { Command } from 'commander';
import { CliCommand } from '../../src/cli/command.ts';
import { createProgram } from '../../src/cli/program.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createEntry } from '../../src/main/entry.ts';

/** The whole command line, which runs nothing. */
export function commandTree(): CliCommand {
  const entry = createEntry({ version: '1.2.3', clock: systemClock, signal: new AbortController().signal });
  const readConfig = () => {
    throw new Error('nothing is run here');
  };
  return createProgram({ entry: { ...entry, readConfig }, out: new PassThrough(), err: new PassThrough() });
}

/** Every command that people call or look into, by its path as `quarters list`; the program itself is ``. */
export function commandsOf(program: Command, path = ''): (readonly [path: string, command: CliCommand])[] {
  if (!(program instanceof CliCommand)) throw new Error(`${path} is not made by command() or group()`);
  const below = program.commands.filter((one) => !one.name().startsWith('_'));
  return [
    [path, program],
    ...below.flatMap((one) => commandsOf(one, path === '' ? one.name() : `${path} ${one.name()}`)),
  ];
}

/** True of a command that does something itself. */
export function isLeaf(command: Command): boolean {
  return command.commands.length === 0;
}

/** Those that serve until they are stopped: they have no result. */
export const serving = ['api', 'worker', 'dev'];
