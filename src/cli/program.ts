import { type Command, CommanderError } from 'commander';
import type { TSchema } from 'typebox';
import { isAppError } from '../core/errors.ts';
import { stringify } from '../core/json.ts';
import { toAppError } from '../db/sqlstate.ts';
import { archiveCommand } from './archive.ts';
import { CliCommand, type CommandKit } from './command.ts';
import { completionCommand, namesCommand } from './completion.ts';
import { demoCommand } from './demo.ts';
import { devCommand } from './dev.ts';
import { doctorSchema } from './doctor/finding.ts';
import { doctorCommand } from './doctor.ts';
import { eventsCommand } from './events.ts';
import { EXIT_USAGE, exitCodes } from './exit-codes.ts';
import { configureHelp, helpOfProgram } from './help.ts';
import { indexesCommand } from './indexes.ts';
import { keysCommand } from './keys.ts';
import { loadCommand } from './load.ts';
import { migrateCommand } from './migrate.ts';
import { paint } from './paint.ts';
import { quartersCommand } from './quarters.ts';
import { queryCommand } from './query.ts';
import { reconcileCommand } from './reconcile.ts';
import { reportsCommand } from './reports.ts';
import { runCommand } from './run.ts';
import { schemaCommand } from './schema.ts';
import { apiCommand, workerCommand } from './serve.ts';
import { summariesCommand } from './summaries.ts';
import { show } from './terminal.ts';

/** The whole command line. */
export function createProgram(kit: CommandKit): CliCommand {
  const program = new CliCommand('quartermaster')
    .description(
      'A PostgreSQL ledger kept in calendar quarters: created ahead, closed, archived, detached, dropped.',
    )
    .version(kit.entry.version)
    .addHelpText('after', helpOfProgram());
  const groups: readonly (readonly [heading: string, commands: readonly Command[]])[] = [
    ['Try it:', [demoCommand(kit), devCommand(kit)]],
    ['Quarters:', [quartersCommand(kit), archiveCommand(kit), eventsCommand(kit)]],
    ['Books:', [loadCommand(kit), queryCommand(kit), reportsCommand(kit), summariesCommand(kit)]],
    ['Processes:', [apiCommand(kit), workerCommand(kit), runCommand(kit)]],
    [
      'Set up and care for it:',
      [
        ...[migrateCommand(kit), keysCommand(kit), doctorCommand(kit)],
        ...[reconcileCommand(kit), indexesCommand(kit)],
      ],
    ],
    ['For scripts and shells:', [schemaCommand(kit), completionCommand(kit), namesCommand(kit)]],
  ];
  for (const [heading, commands] of groups) {
    program.commandsGroup(heading);
    for (const added of commands) program.addCommand(added, { hidden: added.name().startsWith('_') });
  }
  program.commandsGroup('Help:').helpCommand(true);
  outputOf(program, 'doctor', doctorSchema);
  everyCommand(program, (each) => {
    each.exitOverride();
    configureHelp(each, kit);
  });
  return program;
}

/** Of a command whose file says nothing of it. */
function outputOf(program: Command, name: string, schema: TSchema): void {
  const found = program.commands.find((one) => one.name() === name);
  if (found instanceof CliCommand) found.output ??= schema;
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
      show(
        kit.err,
        `\n${paint('bad', 'quartermaster:')} ${known.detail} ${paint('faint', `[${known.code}]`)}\n`,
      );
    }
    // A bug is worth its stack; everything else is told by its sentence.
    if (isAppError(known, 'internal'))
      kit.err.write(`${(known.cause as Error | undefined)?.stack ?? known.stack}\n`);
    return exitCodes[known.kind];
  }
}

export function everyCommand(command: Command, action: (command: Command) => void): void {
  action(command);
  for (const child of command.commands) everyCommand(child, action);
}
