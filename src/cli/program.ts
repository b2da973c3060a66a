import { Command, CommanderError } from 'commander';
import { isAppError } from '../core/errors.ts';
import { stringify } from '../core/json.ts';
import { toAppError } from '../db/sqlstate.ts';
import { archiveCommand } from './archive.ts';
import type { CommandKit } from './command.ts';
import { demoCommand } from './demo.ts';
import { devCommand } from './dev.ts';
import { doctorCommand } from './doctor.ts';
import { EXIT_USAGE, exitCodes } from './exit-codes.ts';
import { indexesCommand } from './indexes.ts';
import { keysCommand } from './keys.ts';
import { loadCommand } from './load.ts';
import { migrateCommand } from './migrate.ts';
import { quartersCommand } from './quarters.ts';
import { queryCommand } from './query.ts';
import { reconcileCommand } from './reconcile.ts';
import { reportsCommand } from './reports.ts';
import { runCommand } from './run.ts';
import { apiCommand, workerCommand } from './serve.ts';
import { summariesCommand } from './summaries.ts';
import { harmless } from './terminal.ts';

const EXIT_CODES = `
Exit codes: 0 done, ${EXIT_USAGE} wrong call, ${exitCodes.invalid} bad input, ${exitCodes.not_found} not found, ${exitCodes.unavailable} database or store away, ${exitCodes.internal} a bug,
  ${exitCodes.conflict} wrong state, ${exitCodes.corrupt} damaged data, ${exitCodes.busy} busy, try again, ${exitCodes.refused} refused by a rule, ${exitCodes.config} wrong settings, ${exitCodes.aborted} stopped on request`;

/** The whole command line. */
export function createProgram(kit: CommandKit): Command {
  const program = new Command('quartermaster')
    .description(
      'A PostgreSQL ledger kept in calendar quarters: created ahead, closed, archived, detached, dropped.',
    )
    .version(kit.entry.version)
    .addHelpText('after', EXIT_CODES);
  const commands = [
    demoCommand(kit),
    devCommand(kit),
    migrateCommand(kit),
    apiCommand(kit),
    workerCommand(kit),
    keysCommand(kit),
    loadCommand(kit),
    quartersCommand(kit),
    archiveCommand(kit),
    queryCommand(kit),
    reportsCommand(kit),
    reconcileCommand(kit),
    summariesCommand(kit),
    indexesCommand(kit),
    runCommand(kit),
    doctorCommand(kit),
  ];
  for (const added of commands) program.addCommand(added);
  everyCommand(program, (each) => {
    each.exitOverride();
    each.configureOutput({
      writeOut: (text) => kit.out.write(text),
      writeErr: (text) => kit.err.write(text),
    });
    each.showHelpAfterError('(add --help to see how it is called)');
  });
  return program;
}

/**
 * Runs one command line and gives its exit code. A failure is told on `err`: one paragraph for people, and with
 * `--json` one JSON object `{error: {kind, code, detail}}`.
 *
 * @param args the words after the program's name
 */
export async function runCommandLine(kit: CommandKit, args: readonly string[]): Promise<number> {
  try {
    await createProgram(kit).parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has said what is wrong with the call, or printed the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
    const known = toAppError(error);
    if (args.includes('--json')) {
      kit.err.write(
        `${stringify({ error: { kind: known.kind, code: known.code, detail: known.detail } })}\n`,
      );
    } else {
      kit.err.write(`\nquartermaster: ${harmless(known.detail)} [${known.code}]\n`);
    }
    // A bug is worth its stack; everything else is told by its sentence.
    if (isAppError(known, 'internal'))
      kit.err.write(`${(known.cause as Error | undefined)?.stack ?? known.stack}\n`);
    return exitCodes[known.kind];
  }
}

function everyCommand(command: Command, action: (command: Command) => void): void {
  action(command);
  for (const child of command.commands) everyCommand(child, action);
}
