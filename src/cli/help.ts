import { styleText } from 'node:util';
import type { Command } from 'commander';
import type { CommandKit } from './command.ts';
import { exitCodeRows } from './exit-codes.ts';
import { paint, painted } from './paint.ts';
import { columnsOf } from './terminal.ts';

/** Lines are not longer than people like to read, nor than the terminal is wide. */
const WIDEST = 100;

export function helpOfExamples(examples: readonly string[]): string {
  return `\nExamples:\n${examples.map((example) => `  $ quartermaster ${example}`).join('\n')}`;
}

/** What the help of the whole program ends with: what a script can tell from the end, and where to begin. */
export function helpOfProgram(): string {
  const codes = exitCodeRows.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`);
  return `
Exit codes:
${codes.join('\n')}

Settings come from the environment (QM_DATABASE_URL, QM_STORE, …); the README lists them.

Start here:
  $ quartermaster demo              a whole ledger in action, with nothing to set up
  $ quartermaster doctor            what is wrong with a set-up, and what to do
  $ quartermaster quarters list     where every quarter stands, and what needs somebody
  $ quartermaster COMMAND --help    how a command is called, with examples`;
}

/** Has a command print its help as wide and as colourful as its streams are, and say what to do about a wrong call. */
export function configureHelp(command: Command, kit: CommandKit): void {
  // A text of one letter is painted where painting works.
  const hasColours = (stream: CommandKit['out']) => painted(paint('faint', 'x'), stream) !== 'x';
  const width = (stream: CommandKit['out']) => Math.min(WIDEST, columnsOf(stream));
  const bold = (text: string) => styleText('bold', text, { validateStream: false });
  command.configureOutput({
    writeOut: (text) => kit.out.write(text),
    writeErr: (text) => kit.err.write(text),
    getOutHelpWidth: () => width(kit.out),
    getErrHelpWidth: () => width(kit.err),
    getOutHasColors: () => hasColours(kit.out),
    getErrHasColors: () => hasColours(kit.err),
  });
  command.configureHelp({ styleTitle: bold, styleCommandText: bold, subcommandTerm: termOf });
  command.showHelpAfterError(`(\`${nameOf(command)} --help\` shows how it is called)`);
}

/** `quartermaster quarters list` */
export function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

/** A command with its arguments; its options are told by its own help. */
function termOf(command: Command): string {
  const taken = command.registeredArguments.map((one) =>
    one.required ? `<${one.name()}>` : `[${one.name()}]`,
  );
  return [command.name(), ...taken].join(' ');
}
