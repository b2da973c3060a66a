import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/db/root.ts';
import { blocksOf, stepsOf } from './blocks.ts';
import { isSame } from './same.ts';

const pages = ['README.md', 'docs/tutorial.md'].map((path) => ({
  path,
  blocks: blocksOf(readFileSync(join(packageRoot(), path), 'utf8')),
}));

describe.each(pages)('$path', ({ path, blocks }) => {
  it('has commands in no block that is neither run nor says why not', () => {
    const others = blocks.filter(({ language }) => language !== 'sh' && language !== 'console');
    const commands = /^(\$ |npm |npx |quartermaster |curl |docker |helm |psql |export )/m;
    expect(others.filter(({ lines }) => commands.test(lines.join('\n')))).toEqual([]);
    for (const { mark } of blocks) if (mark?.word === 'skip') expect(mark.text.length).toBeGreaterThan(30);
  });

  it('runs most of what it shows', () => {
    const shown = blocks.filter(({ language }) => language === 'sh' || language === 'console');
    const left = shown.filter(({ mark }) => mark?.word === 'skip');
    expect(shown.length - left.length).toBeGreaterThanOrEqual(path === 'README.md' ? 5 : 25);
    expect(left.length).toBeLessThanOrEqual(path === 'README.md' ? 4 : 0);
  });
});

describe('a page', () => {
  const page = [
    '<!-- skip: it takes a cluster -->',
    '```sh',
    'helm install',
    '```',
    '',
    '```console',
    '$ echo one \\',
    '>   two',
    'one two',
    '$ true',
    '```',
    '<!-- stop: demo -->',
  ].join('\n');

  it('is read into its blocks, and a mark is of the next block alone', () => {
    expect(blocksOf(page).map(({ language, line, mark }) => [language, line, mark?.word])).toEqual([
      ['sh', 3, 'skip'],
      ['console', 7, undefined],
      ['', 12, 'stop'],
    ]);
  });

  it('has commands that go over several lines, and their outputs', () => {
    const [, console] = blocksOf(page);
    expect(console && stepsOf(console)).toEqual([
      { command: 'echo one \\\n  two', output: ['one two'], from: 8, to: 9 },
      { command: 'true', output: [], from: 10, to: 10 },
    ]);
  });
});

describe('an output', () => {
  it('is the same on another day', () => {
    const then = '2026q3   open     1,568   1.4 MiB   2026-11-26  efa12a40e62a';
    expect(isSame(then, '2027q1   open       968   936.0 KiB 2027-02-01  0012a40e62ab')).toBe(true);
    expect(isSame('closed in 0.7 s by you', 'closed in 12 s by you')).toBe(true);
  });

  it('is another one with other words, another state, or a line more or less', () => {
    expect(isSame('2026q3 is closed.', '2026q3 is open.')).toBe(false);
    expect(isSame('ok      sums', 'FAULT   sums')).toBe(false);
    expect(isSame('a 1\nb 2', 'a 1\nb 2\nc 3')).toBe(false);
    expect(isSame('…\nb 2', 'a 1\nc 2')).toBe(false);
    expect(isSame('a 1\n…', 'a 1\nb 2\nc 3')).toBe(true);
  });
});
