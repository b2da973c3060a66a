import { describe, expect, it } from 'vitest';
import { readOptions } from '../../bench/options.ts';

const defaults = { rows: [5], rounds: 3, seconds: 8 };

describe('the options of a bench', () => {
  it('have defaults', () => {
    expect(readOptions([], defaults)).toEqual({
      ...defaults,
      only: '',
      databaseUrl: undefined,
      keep: false,
      keys: false,
      markdown: false,
    });
  });

  it('are read, sizes from the smallest to the largest', () => {
    const argv = ['--rows', '1e7,1_000_000', '--rounds=5', '--seconds', '2', '--only', 'read.page', '--keep'];
    expect(readOptions([...argv, '--database-url', 'postgres://a/b'], defaults)).toMatchObject({
      rows: [1_000_000, 10_000_000],
      rounds: 5,
      seconds: 2,
      only: 'read.page',
      databaseUrl: 'postgres://a/b',
      keep: true,
    });
  });

  it('have seconds by the largest size where those are', () => {
    const seconds = (rows: number) => (rows > 10 ? 20 : 2);
    expect(readOptions([], { ...defaults, seconds }).seconds).toBe(2);
    expect(readOptions(['--rows', '20,5'], { ...defaults, seconds }).seconds).toBe(20);
    expect(
      readOptions(['--rows', '20', '--seconds', '3', '--markdown'], { ...defaults, seconds }),
    ).toMatchObject({
      seconds: 3,
      markdown: true,
    });
  });

  it.each([['--rows', 'many'], ['--rounds', '0'], ['--seconds', '1.5'], ['--row', '5'], ['extra']])(
    'explain themselves when they are wrong: %s %s',
    (...argv) => {
      expect(() => readOptions(argv, defaults)).toThrow(/--database-url URL/);
    },
  );
});
