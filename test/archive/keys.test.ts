import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openDuck } from '../../src/archive/duckdb.ts';
import { archiveTables } from '../../src/archive/format.ts';
import { compareKeys, countFalling, isKey, readKeys } from '../../src/archive/keys.ts';
import { withPartWriter } from '../../src/archive/parquet.ts';
import { inDirectory } from './books.ts';

const table = {
  name: 'things',
  kind: 'quarter' as const,
  key: ['n', 'at', 'word'],
  columns: [
    { name: 'n', type: 'bigint' as const },
    { name: 'word', type: 'text' as const },
    { name: 'at', type: 'timestamptz' as const },
  ],
};

const micros = fc.integer({ min: 0, max: 999_999 });
const key = fc
  .tuple(
    fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
    fc.date({ min: new Date('1990-01-01'), max: new Date('2090-01-01'), noInvalidDate: true }),
    micros,
    fc.string({ unit: 'grapheme', maxLength: 4 }).filter((text) => !text.includes('\0')),
  )
  .map(([n, at, us, word]) => [
    `${n}`,
    `${at.toISOString().slice(0, 19)}.${`${us}`.padStart(6, '0')}Z`,
    word,
  ]);

/** As a file of one part, rows in the order given. */
async function inFile<T>(keys: readonly string[][], look: (file: string) => Promise<T>): Promise<T> {
  return inDirectory(async (directory) => {
    async function* rows() {
      for (const [n, at, word] of keys) yield Buffer.from(`${n},"${word?.replaceAll('"', '""')}",${at}\n`);
    }
    const file = join(directory, 'part.parquet');
    await withPartWriter({ store: (_, part) => copyFile(part.file, file) }, (write) => write(table, rows()));
    return look(file);
  });
}

describe('keys', () => {
  it('are ordered here as the rows are in a file', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(key, { minLength: 1, maxLength: 60 }), async (keys) => {
        const sorted = keys.toSorted((a, b) => compareKeys(table, a, b));
        const distinct = sorted.filter(
          (one, i) => i === 0 || compareKeys(table, sorted[i - 1] ?? [], one) < 0,
        );
        await inFile(distinct, async (file) => {
          const duck = await openDuck({ directories: [join(file, '..')] });
          expect(await countFalling(duck, table, `read_parquet('${file}')`)).toBe(0n);
          const found = await readKeys(duck, table, file, distinct.length);
          expect(found).toEqual({ first: distinct[0], last: distinct.at(-1) });
          duck.close();
        });
      }),
      { numRuns: 10 },
    );
  });

  it('that do not rise are counted, and the same one twice is one', async () => {
    const at = '2024-01-01T00:00:00.000000Z';
    const rows = [3, 1, 2, 2, 5].map((n) => [`${n}`, at, '']);
    await inFile(rows, async (file) => {
      const duck = await openDuck({ directories: [join(file, '..')] });
      expect(await countFalling(duck, table, `read_parquet('${file}')`)).toBe(2n);
      duck.close();
    });
  });

  it('are of their table or none', () => {
    for (const one of archiveTables) expect(isKey(one, [])).toBe(false);
    expect(isKey(table, ['1', '2024-01-01T00:00:00.000000Z', 'x'])).toBe(true);
    expect(isKey(table, ['1', '2024-01-01', 'x'])).toBe(false);
    expect(isKey(table, ['one', '2024-01-01T00:00:00.000000Z', 'x'])).toBe(false);
    expect(isKey(table, ['1', '2024-01-01T00:00:00.000000Z', 'x', ''])).toBe(false);
  });

  it('that are cut short stand for all that begin so', () => {
    const whole = ['7', '2024-01-01T00:00:00.000000Z', 'x'];
    expect(compareKeys(table, ['7'], whole)).toBe(0);
    expect(compareKeys(table, ['10'], whole)).toBeGreaterThan(0);
    expect(compareKeys(table, ['-8'], whole)).toBeLessThan(0);
  });
});
