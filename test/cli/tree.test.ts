import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { CliCommand } from '../../src/cli/command.ts';
import { EXIT_USAGE, exitCodeRows, exitCodes } from '../../src/cli/exit-codes.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { systemClock } from '../../src/core/clock.ts';
import { AppError, type ErrorKind } from '../../src/core/errors.ts';
import { createEntry } from '../../src/main/entry.ts';
import { faultOf, words } from '../support/runbook.ts';
import { commandsOf, commandTree, isLeaf, serving } from './tree.ts';

const program = commandTree();
const all = commandsOf(program).filter(([path]) => path !== '');

async function quartermaster(args: readonly string[], failure?: unknown) {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const entry = createEntry({ version: '1.2.3', clock: systemClock, signal: new AbortController().signal });
  const readConfig = () => {
    throw failure ?? new Error('nothing is run here');
  };
  const code = await runCommandLine({ entry: { ...entry, readConfig }, out, err }, args);
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

const takesJson = ({ options }: Pick<CliCommand, 'options'>) => options.some(({ long }) => long === '--json');

describe('every command', () => {
  it('is found by the walk', () => {
    const paths = all.map(([path]) => path);
    for (const path of ['quarters list', 'quarters watch', 'keys revoke', 'indexes audit', 'migrate down'])
      expect(paths).toContain(path);
    expect(paths.length).toBeGreaterThan(45);
  });

  it.each(all)(
    '%s is told, with its arguments, its options and examples of itself',
    async (path, command) => {
      expect(command.description()).not.toBe('');
      for (const option of command.options)
        expect([path, option.flags, option.description]).not.toContain('');
      for (const argument of command.registeredArguments)
        expect([path, argument.name(), argument.description]).not.toContain('');
      expect(command.examples.length).toBeGreaterThan(0);
      for (const example of command.examples) expect(example.startsWith(path), example).toBe(true);
      const { code, out } = await quartermaster([...path.split(' '), '--help']);
      expect(code).toBe(0);
      expect(out).toContain(`Usage: quartermaster ${path} `);
      for (const example of command.examples) expect(out).toContain(`  $ quartermaster ${example}\n`);
      for (const option of command.options) expect(out).toContain(option.long);
    },
  );

  it('has examples that the program takes', () => {
    const examples = all.flatMap(([, { examples: own }]) => own);
    const calls = examples.map((example) => words(example.replace(/ +[#<>].*$/, '')));
    expect(calls.map((call) => faultOf(program, call)).filter(Boolean)).toEqual([]);
    expect(faultOf(program, ['quarters', 'list', '--colour'])).toBeDefined();
  });

  it('prints JSON that has a schema, or serves', () => {
    const leaves = all.filter(([, command]) => isLeaf(command));
    const without = leaves.filter(([, { output }]) => output === undefined).map(([path]) => path);
    expect(without.toSorted()).toEqual(serving.toSorted());
    const deaf = leaves.filter(([, command]) => !takesJson(command));
    expect(deaf.map(([path]) => path).toSorted()).toEqual(serving.toSorted());
  });

  it.each(all)('%s suggests what was meant', async (path, command) => {
    const prefix = path.split(' ');
    const slip = takesJson(command) ? '--jsn' : '--hel';
    const asked = isLeaf(command) ? slip : `${command.commands[0]?.name()}x`;
    const needed = command.options.filter(({ mandatory }) => mandatory);
    const given = needed.flatMap(({ long, argChoices }) => [long ?? '', argChoices?.[0] ?? 'x']);
    const { code, err } = await quartermaster([...prefix, ...given, asked]);
    expect(code).toBe(EXIT_USAGE);
    expect(err).toMatch(/^error: .*\n\(Did you mean .*\?\)\n/);
    expect(err).toContain(`(\`quartermaster ${path} --help\` shows how it is called)`);
  });
});

describe('what a command ends with', () => {
  it('is in the help, every code once', async () => {
    const { out } = await quartermaster(['--help']);
    const listed = [...out.matchAll(/^ +(\d+) {2}\S.*$/gm)].map(([, code]) => Number(code));
    expect(listed).toEqual([...new Set([0, EXIT_USAGE, ...Object.values(exitCodes)])].sort((a, b) => a - b));
    expect(listed).toEqual(exitCodeRows.map(([code]) => code));
    expect(out).toMatch(/Start here:\n {2}\$ quartermaster demo/);
  });

  it.each(Object.entries(exitCodes))('is that of its kind: %s %i', async (kind, expected) => {
    const failure = new AppError(kind as ErrorKind, 'some_code', 'Something is so. Do that.');
    const told = await quartermaster(['quarters', 'list'], failure);
    expect(told.code).toBe(expected);
    expect(told.err).toContain('quartermaster: Something is so. Do that. [some_code]');
    const json = await quartermaster(['quarters', 'list', '--json'], failure);
    const [line = ''] = json.err.split('\n');
    expect(JSON.parse(line)).toEqual({
      error: { kind, code: 'some_code', detail: 'Something is so. Do that.' },
    });
    expect(json).toMatchObject({ code: expected, out: '' });
  });
});

describe('the groups of the help', () => {
  it('leave no command out, and hide what only a shell calls', async () => {
    const { out } = await quartermaster(['--help']);
    const headings = [...out.matchAll(/^([A-Z][^\n]*):$/gm)].map(([, heading]) => heading);
    expect(headings).not.toContain('Commands');
    for (const [path] of all)
      if (!path.includes(' ')) expect(out).toMatch(new RegExp(`^ {2}${path}( |$)`, 'm'));
    expect(out).not.toContain('__');
  });
});
