import type { Argument, Command, Option } from 'commander';

/** What can be typed at one place. */
export interface Words {
  readonly word: string;
  readonly says: string;
}

/** What follows an option, or is an argument: some words, quarters, files, or whatever one likes. */
export type Value =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'quarters' }
  | { readonly kind: 'files' }
  | { readonly kind: 'any' };

export interface CompletedOption extends Words {
  /** Undefined of one that stands alone. */
  readonly value: Value | undefined;
}

/** A command with what can be typed behind it. */
export interface CommandPath {
  /** `quarters list`; the empty text is the program itself. */
  readonly path: string;
  readonly commands: readonly Words[];
  readonly options: readonly CompletedOption[];
  readonly arguments: readonly Value[];
}

/** Every command of the tree, for completion. */
export function pathsOf(program: Command, path = ''): CommandPath[] {
  const shown = program.createHelp().visibleCommands(program);
  const own: CommandPath = {
    path,
    commands: shown.map((one) => ({ word: one.name(), says: firstLine(one.description()) })),
    options: [
      ...program.options.flatMap((option) =>
        option.long
          ? [{ word: option.long, says: firstLine(option.description), value: optionValue(option) }]
          : [],
      ),
      { word: '--help', says: 'how it is called', value: undefined },
    ],
    arguments: program.registeredArguments.map(argumentValue),
  };
  const below = program.commands
    .filter((one) => !one.name().startsWith('_'))
    .flatMap((one) => pathsOf(one, path === '' ? one.name() : `${path} ${one.name()}`));
  return [own, ...below];
}

const FILES = ['file', 'directory', 'directories'];
const QUARTERS = ['quarter', 'quarters'];

function optionValue(option: Option): Value | undefined {
  const name = /[<[]([\w-]+)/.exec(option.flags)?.[1];
  if (name === undefined) return undefined;
  return valueNamed(name, option.argChoices);
}

function argumentValue(argument: Argument): Value {
  return valueNamed(argument.name(), argument.argChoices);
}

function valueNamed(name: string, choices: readonly string[] | undefined): Value {
  if (choices !== undefined) return { kind: 'words', words: choices };
  if (QUARTERS.includes(name)) return { kind: 'quarters' };
  return FILES.includes(name) ? { kind: 'files' } : { kind: 'any' };
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}

/** A text in single quotes, as all three shells read it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
