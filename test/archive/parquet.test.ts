import { existsSync, readdirSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { archiveTables } from '../../src/archive/format.ts';
import { type Part, withPartWriter } from '../../src/archive/parquet.ts';
import type { QuarterTable } from '../../src/core/tables.ts';
import { inDirectory } from './books.ts';

const table = {
  name: 'things',
  kind: 'quarter' as const,
  key: ['n'],
  columns: [
    { name: 'n', type: 'bigint' },
    { name: 'word', type: 'text' },
    { name: 'at', type: 'timestamptz' },
    { name: 'list', type: 'bigint[]' },
  ],
} satisfies Omit<QuarterTable, 'schema'> & { kind: string };

async function* chunks(...texts: string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

/** The rows of Parquet files as anybody's DuckDB reads them. */
async function query(sql: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const result = await connection.runAndReadAll(sql);
  connection.closeSync();
  instance.closeSync();
  return result.getRowsJson() as unknown[][];
}

async function written(
  directory: string,
  rows: AsyncIterable<Buffer>,
  options: { partBytes?: number; onPart?: (part: Part) => Promise<void> } = {},
): Promise<Part[]> {
  const parts: Part[] = [];
  await withPartWriter(
    {
      ...options,
      store: async (_, part) => {
        await options.onPart?.(part);
        await copyFile(part.file, join(directory, `${parts.length}.parquet`));
        parts.push(part);
      },
    },
    (write) => write(table, rows),
  );
  return parts;
}

describe('parts', () => {
  it('keep apart what a CSV easily takes for the same', async () => {
    const words = [
      '',
      '""',
      ' ',
      '" "',
      '\\N',
      'NULL',
      '"a,b"',
      '"say ""so"""',
      '"\n"',
      '"\r\n"',
      "'",
      '#',
      '"\t"',
    ];
    const rows = words.map((word, n) => `${n},${word},,`).join('\n');
    await inDirectory(async (directory) => {
      await written(directory, chunks(`${rows}\n`));
      const found = await query(`SELECT word FROM read_parquet('${directory}/*.parquet') ORDER BY n`);
      expect(found.flat()).toEqual([
        null,
        '',
        ' ',
        ' ',
        '\\N',
        'NULL',
        'a,b',
        'say "so"',
        '\n',
        '\r\n',
        "'",
        '#',
        '\t',
      ]);
    });
  });

  it('carry instants, integers and lists to their extremes', async () => {
    const rows = [
      '-9223372036854775808,x,0001-01-01 00:00:00+00,{}',
      '9223372036854775807,x,9999-12-31 23:59:59.999999+00,"{-9223372036854775808,9223372036854775807}"',
      '0,x,1969-12-31 23:59:59.999+00,{0}',
    ];
    await inDirectory(async (directory) => {
      await written(directory, chunks(`${rows.join('\n')}\n`));
      const found = await query(
        `SELECT n::VARCHAR, epoch_us("at")::VARCHAR, list::VARCHAR FROM read_parquet('${directory}/*.parquet')`,
      );
      expect(found).toEqual([
        ['-9223372036854775808', '-62135596800000000', '[]'],
        ['9223372036854775807', '253402300799999999', '[-9223372036854775808, 9223372036854775807]'],
        ['0', '-1000', '[0]'],
      ]);
    });
  });

  it('have the types that other readers know, zstd, and statistics', async () => {
    await inDirectory(async (directory) => {
      const parts = await written(directory, chunks('7,seven,2024-01-01 00:00:00+00,{1}\n'));
      const file = `'${directory}/0.parquet'`;
      expect(await query(`SELECT column_name, column_type FROM (DESCRIBE FROM ${file})`)).toEqual([
        ['n', 'BIGINT'],
        ['word', 'VARCHAR'],
        ['at', 'TIMESTAMP WITH TIME ZONE'],
        ['list', 'BIGINT[]'],
      ]);
      expect(
        await query(
          `SELECT compression, stats_min_value, stats_max_value FROM parquet_metadata(${file}) WHERE column_id = 0`,
        ),
      ).toEqual([['ZSTD', '7', '7']]);
      expect(await query(`SELECT logical_type FROM parquet_schema(${file}) WHERE name = 'at'`)).toEqual([
        [expect.stringContaining('TimestampType(isAdjustedToUTC=1')],
      ]);
      expect(parts).toMatchObject([{ path: 'things/part-0000.parquet', rows: 1 }]);
    });
  });

  it('are one without rows when there are none', async () => {
    await inDirectory(async (directory) => {
      expect(await written(directory, chunks())).toMatchObject([
        { path: 'things/part-0000.parquet', rows: 0 },
      ]);
      expect(await query(`SELECT count(*)::INT FROM '${directory}/0.parquet'`)).toEqual([[0]]);
    });
  });

  it('are cut where chunks end, and keep the order of the rows', async () => {
    const lines = Array.from({ length: 3000 }, (_, n) => `${n},"line\n${n},""",,\n`);
    const texts = Array.from({ length: 300 }, (_, i) => lines.slice(10 * i, 10 * i + 10).join(''));
    await inDirectory(async (directory) => {
      const parts = await written(directory, chunks(...texts), { partBytes: 10_000 });
      expect(parts.length).toBeGreaterThan(4);
      expect(parts.map(({ path }) => path)).toEqual(parts.map((_, i) => `things/part-000${i}.parquet`));
      const files = parts.map((_, i) => `'${directory}/${i}.parquet'`);
      const found = await query(`SELECT n::INT, word FROM read_parquet([${files.join(', ')}])`);
      expect(found).toEqual(Array.from({ length: 3000 }, (_, n) => [n, `line\n${n},"`]));
      expect(parts.reduce((sum, { rows }) => sum + rows, 0)).toBe(3000);
    });
  });

  it('are never more than two on the disk, for the next ones wait', async () => {
    await inDirectory(async (directory) => {
      const seen: number[] = [];
      let sent = 0;
      async function* source() {
        for (; sent < 20; sent++) yield Buffer.from(`${sent},${'x'.repeat(100)},,\n`);
      }
      const parts = await written(directory, source(), {
        partBytes: 100,
        onPart: async ({ file }) => {
          // Long enough for everything that does not wait to go on.
          for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
          seen.push(readdirSync(dirname(file)).filter((name) => /\.(csv|parquet)$/.test(name)).length);
        },
      });
      expect(parts.length).toBe(20);
      expect(Math.max(...seen)).toBeLessThanOrEqual(2);
    });
  });

  it('leave no temporary file, whether it went well or not', async () => {
    await inDirectory(async (directory) => {
      let work = '';
      const look = async ({ file }: Part) => {
        work = dirname(file);
        expect(existsSync(work)).toBe(true);
      };
      await written(directory, chunks('1,,,\n'), { onPart: look });
      expect(existsSync(work)).toBe(false);
      const refuse = async (part: Part) => {
        await look(part);
        throw new Error('the store is full');
      };
      await expect(written(directory, chunks('1,,,\n'), { onPart: refuse })).rejects.toThrow(
        'the store is full',
      );
      expect(existsSync(work)).toBe(false);
      async function* broken() {
        yield Buffer.from('1,,,\n');
        throw new Error('the server went away');
      }
      await expect(written(directory, broken())).rejects.toThrow('the server went away');
    });
  });

  it('are refused when a row is not one of the table', async () => {
    await inDirectory(async (directory) => {
      await expect(written(directory, chunks('not a number,,,\n'))).rejects.toMatchObject({
        code: 'duckdb_failed',
      });
      await expect(written(directory, chunks('1,,\n'))).rejects.toMatchObject({ code: 'duckdb_failed' });
    });
  });

  it('hold rows of forty million characters', async () => {
    await inDirectory(async (directory) => {
      await written(directory, chunks('0,,,\n', `1,"${'"",\n'.repeat(10_000_000)}",,\n`, '2,,,\n'));
      expect(await query(`SELECT length(word)::INT FROM '${directory}/*.parquet' ORDER BY n`)).toEqual([
        [null],
        [30_000_000],
        [null],
      ]);
    });
  });

  it('follow from one list of tables, and each type of a column has one of Parquet', async () => {
    await inDirectory(async (directory) => {
      for (const one of archiveTables) {
        await withPartWriter(
          { store: (_, { file }) => copyFile(file, join(directory, 'x.parquet')) },
          (write) => write(one, chunks()),
        );
        const names = await query(`SELECT column_name FROM (DESCRIBE FROM '${directory}/x.parquet')`);
        expect(names.flat()).toEqual(one.columns.map(({ name }) => name));
      }
    });
  });
});
