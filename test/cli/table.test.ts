import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { paint, painted, unpainted } from '../../src/cli/paint.ts';
import { cut, facts, pad, table, wrap } from '../../src/cli/table.ts';
import { harmless, note, printable, type Terminal } from '../../src/cli/terminal.ts';
import { displayWidth } from '../../src/cli/width.ts';

const ESCAPE = '\u001b';

describe('the width of a text', () => {
  it.each([
    ['', 0],
    ['2024q1', 6],
    ['四半期', 6],
    ['ｶﾀｶﾅ', 4],
    ['カタカナ', 8],
    ['한국', 4],
    ['Ａ', 2],
    ['é', 1],
    ['e\u0301', 1],
    ['👍', 2],
    ['👩‍👩‍👧', 2],
    ['❤️', 2],
    ['◐ closed', 8],
    ['█░…', 3],
    ['a\u200bb', 2],
  ])('of %j is %i', (text, width) => {
    expect(displayWidth(text)).toBe(width);
    expect(displayWidth(paint('good', text))).toBe(width);
  });
});

describe('a table', () => {
  const titles = ['Name', 'Count', 'Why'];
  const rows = [
    ['四半期', '1', 'a reason'],
    ['x', '1,000', paint('bad', 'another reason that is long')],
  ];

  it('lines up what is wide and what is painted', () => {
    expect(unpainted(table(titles, rows, ['Count'])).split('\n')).toEqual([
      'Name    Count  Why',
      '四半期      1  a reason',
      'x       1,000  another reason that is long',
    ]);
  });

  it('leaves columns out, then shortens, then stands one below the other', () => {
    const at = (width: number) =>
      unpainted(table(titles, rows, [], { width, drop: ['Count'], shorten: ['Why'], stack: true }));
    expect(at(60)).toContain('Count');
    expect(at(35).split('\n')[0]).toBe('Name    Why');
    expect(at(24).split('\n')[2]).toBe('x       another reason …');
    expect(at(12).split('\n').slice(0, 3)).toEqual(['Name   四半期', 'Count  1', 'Why    a reason']);
  });

  it('is never wider than it may be, whatever it holds', () => {
    const cell = fc
      .oneof(fc.string({ maxLength: 30 }), fc.string({ unit: 'grapheme', maxLength: 15 }))
      .map(printable);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(cell, cell), { minLength: 1 }),
        fc.integer({ min: 20, max: 80 }),
        (cells, width) => {
          const text = table(['A', 'B'], cells, [], { width, shorten: ['B', 'A'] });
          return text.split('\n').every((line) => displayWidth(line) <= width);
        },
      ),
    );
  });
});

describe('a text that is cut, padded or wrapped', () => {
  it('keeps its paint, and no wide character is cut in two', () => {
    expect(unpainted(cut('四半期', 4))).toBe('四… ');
    expect(displayWidth(cut('四半期', 4))).toBe(4);
    expect(cut(paint('good', 'closed'), 4)).toBe(`${paint('good', 'clo')}…`);
    expect(pad('x', 3)).toBe('x  ');
    expect(pad('x', 3, true)).toBe('  x');
  });

  it('loses no word and breaks at blanks', () => {
    const words = fc.array(fc.stringMatching(/^[a-z四]{1,12}$/), { minLength: 1 });
    fc.assert(
      fc.property(words, fc.integer({ min: 5, max: 60 }), (list, width) => {
        const lines = wrap(list.join(' '), width);
        const fits = lines.every((line) => displayWidth(line) <= width || !line.includes(' '));
        return fits && lines.join(' ') === list.join(' ');
      }),
    );
    expect(
      unpainted(
        facts(
          [
            ['A', 'one two'],
            ['Long', 'x\ny'],
          ],
          12,
        ),
      ),
    ).toBe('A     one\n      two\nLong  x\n      y');
  });
});

describe('paint', () => {
  const stream = (isTTY: boolean) => Object.assign(new PassThrough(), { isTTY });

  it('is there on a terminal, and gone in a pipe', () => {
    const text = `a ${paint('good', 'ok')} b`;
    expect(painted(text, stream(false))).toBe('a ok b');
    expect(painted(text, stream(true))).toBe(`a ${ESCAPE}[32mok${ESCAPE}[39m b`);
  });

  it('is nobody else’s: what somebody wrote paints nothing', () => {
    const err = stream(true);
    const terminal: Terminal = { out: stream(true), err, json: false };
    note(terminal, `by ${ESCAPE}[31meve${ESCAPE}[39m <bad>x</> ${paint('bad', 'FAULT')}\u202e`);
    expect(String(err.read())).toBe(
      `by \\u001b[31meve\\u001b[39m <bad>x</> ${ESCAPE}[31m${ESCAPE}[1mFAULT${ESCAPE}[22m${ESCAPE}[39m\\u202e\n`,
    );
    expect(harmless('a\nb\tc\r')).toBe('a\nb\tc\\r');
  });
});
