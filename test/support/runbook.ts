import type { Command } from 'commander';

/** A fenced block of a page, with the line it begins on. */
export interface Block {
  readonly language: string;
  readonly text: string;
  readonly line: number;
}

export function blocksOf(page: string): Block[] {
  return [...page.matchAll(/^( *)```([a-z]*)\n([\s\S]*?)^\1```$/gm)].map((match) => ({
    language: match[2] ?? '',
    text: match[3] ?? '',
    line: page.slice(0, match.index).split('\n').length,
  }));
}

/**
 * Every call of the command line on a page, as its words without the name of the program: those in blocks of `sh`, and those in the
 * running text.
 */
export function callsOf(page: string): string[][] {
  const commands = blocksOf(page)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => text.replaceAll(/\\\n\s*/g, ' ').split('\n'))
    .flatMap((line) => /(?:^\s*|-- (?:env \S+ )?)quartermaster (.*)$/.exec(line)?.[1] ?? []);
  const prose = page.replaceAll(/^( *)```[\s\S]*?^\1```$/gm, '');
  const inline = [...prose.matchAll(/`(?:[^`]* )?quartermaster ([a-z][^`]*)`/g)].map(
    (match) => match[1] ?? '',
  );
  return [...commands, ...inline].map(words);
}

/** As a shell cuts it; nothing that has a meaning to the shell but quotes is expected. */
export function words(line: string): string[] {
  return [...line.trim().matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );
}

/** What is wrong with a call; undefined where the program would take it. Nothing is run. */
export function faultOf(program: Command, call: readonly string[]): string | undefined {
  let command = program;
  let rest = [...call];
  for (;;) {
    const next = command.commands.find((one) => one.name() === rest[0]);
    if (next === undefined) break;
    command = next;
    rest = rest.slice(1);
  }
  const said = `quartermaster ${call.join(' ')}`;
  if (command === program) return `${said}: there is no such command`;
  if (command.commands.length > 0)
    return `${said}: ${command.name()} has no ${rest[0] ?? 'action of its own'}`;
  const { operands, unknown } = command.parseOptions(rest);
  if (unknown.length > 0) return `${said}: there is no option ${unknown[0]}`;
  const taken = command.registeredArguments;
  const least = taken.filter(({ required }) => required).length;
  // These may be given by the one or the other, and are needed all the same.
  const meansAll = ['list', 'watch'].includes(command.name());
  const needsQuarters = taken[0]?.name() === 'quarters' && !meansAll;
  if (needsQuarters && operands.length === 0 && !rest.includes('--quarters'))
    return `${said}: takes quarters`;
  const most = taken.at(-1)?.variadic ? Number.POSITIVE_INFINITY : taken.length;
  if (operands.length < least || operands.length > most)
    return `${said}: takes ${taken.map((one) => one.name()).join(', ') || 'no arguments'}`;
  return undefined;
}

/** Every call that is made in a pod of a deployment, with the part of the release that it is. */
export function podCallsOf(page: string): { readonly pod: string; readonly call: string }[] {
  return [...page.matchAll(/exec deploy\/quartermaster-([a-z]+) -- quartermaster ([^`\n]*)/g)].map(
    ([, pod = '', call = '']) => ({ pod, call: call.trim() }),
  );
}
