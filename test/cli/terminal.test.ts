import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { unpainted } from '../../src/cli/paint.ts';
import { progressBar, progressLine } from '../../src/cli/progress.ts';
import { table } from '../../src/cli/table.ts';
import { formatBytes, formatCount, formatMoney, printResult, type Terminal } from '../../src/cli/terminal.ts';

function captured(options: { json?: boolean; tty?: boolean } = {}) {
  const out = new PassThrough();
  const err = Object.assign(new PassThrough(), { isTTY: options.tty === true });
  const terminal: Terminal = { out, err, json: options.json === true };
  return { terminal, out: () => String(out.read() ?? ''), err: () => String(err.read() ?? '') };
}

describe('what a command prints', () => {
  it('lines columns up, numbers to the right, without blanks at the end', () => {
    const text = table(
      ['Quarter', 'Rows'],
      [
        ['2024q1', '5'],
        ['2024q2', '12,345'],
      ],
      ['Rows'],
    );
    expect(unpainted(text)).toBe('Quarter    Rows\n2024q1        5\n2024q2   12,345');
  });

  it('steers no terminal, whoever wrote what is told', () => {
    const { terminal, out } = captured();
    printResult(terminal, {}, () => 'by eve\u001b[2K\r  ok\u009b0m\nsums:\tright');
    expect(out()).toBe('by eve\\u001b[2K\\r  ok\\u009b0m\nsums:\tright\n');
  });

  it.each([
    [0n, '0'],
    [999n, '999'],
    [1000n, '1,000'],
    [-1234567n, '-1,234,567'],
  ])('writes %s as %s', (count, text) => {
    expect(formatCount(count)).toBe(text);
  });

  it.each([
    [123_456_789n, 2, '1,234,567.89'],
    [-123_456n, 0, '-123,456'],
    [-1_234_567_890n, 4, '-123,456.7890'],
    [5n, 2, '0.05'],
  ])('shows an amount of %s with %i decimals as %s', (amount, exponent, text) => {
    expect(formatMoney(amount, exponent)).toBe(text);
  });

  it.each([
    [0n, '0 B'],
    [1023n, '1023 B'],
    [1536n, '1.5 KiB'],
    [5n * 1024n ** 3n, '5.0 GiB'],
  ])('writes %s bytes as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it('is one JSON document with --json, amounts as strings', () => {
    const { terminal, out } = captured({ json: true });
    printResult(terminal, { amount: 2n ** 63n - 1n }, () => 'for people');
    expect(JSON.parse(out())).toEqual({ amount: '9223372036854775807' });
  });
});

describe('progress', () => {
  it('is one line with the outcome where nobody watches', () => {
    const { terminal, err } = captured();
    const bar = progressBar(terminal, 'close 2024q1');
    bar.update(1, 10);
    bar.end();
    expect(err()).toMatch(/^close 2024q1 +done \(\d+\.\d s\)\n$/);
  });

  it('leaves the finished line on a terminal', () => {
    const { terminal, err } = captured({ tty: true });
    const bar = progressBar(terminal, 'close 2024q1');
    bar.end('5 rows');
    const shown = err();
    expect(shown).toContain('\r\x1b[2Kclose 2024q1');
    expect(shown).toContain(' 5 rows (');
  });

  it('reckons the rate and the time left from what this run did alone', () => {
    const progress = { done: 600, total: 1000, bytes: 3 * 1024 * 1024, before: 400, seconds: 10 };
    expect(progressLine('archive 2024q1', progress)).toMatch(
      /^archive 2024q1 +█{17}░{11} 60% {2}600 of 1,000 {2}3\.0 MiB {2}20\/s {2}20 s left$/,
    );
    // Nothing is known of a run that has just gone on.
    expect(progressLine('archive 2024q1', { ...progress, before: 600, seconds: 0 })).not.toContain('left');
    expect(progressLine('load', { ...progress, total: undefined, bytes: undefined })).toMatch(
      /^load +600 {2}20\/s$/,
    );
  });

  it('never moves in a log, even when the caller wants JSON on a terminal', () => {
    const { terminal, err } = captured({ tty: true, json: true });
    progressBar(terminal, 'load').end();
    expect(err()).not.toContain('\x1b');
  });
});
