import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Duck, literal, openDuck } from '../../src/archive/duckdb.ts';
import { inDirectory } from './books.ts';

async function withDuck(
  action: (duck: Duck, inside: string, outside: string) => Promise<void>,
): Promise<void> {
  await inDirectory((outside) =>
    inDirectory(async (inside) => {
      await writeFile(join(outside, 'secret.csv'), 'secret\n');
      const duck = await openDuck({ directories: [inside] });
      try {
        await action(duck, inside, outside);
      } finally {
        duck.close();
      }
    }),
  );
}

describe('the fence around DuckDB', () => {
  it('lets it work in its directory and nowhere else', async () => {
    await withDuck(async (duck, inside, outside) => {
      await duck.rows(`COPY (SELECT 1 AS n) TO ${literal(join(inside, "it's.parquet"))} (FORMAT parquet)`);
      expect(await duck.rows(`FROM read_parquet(${literal(join(inside, "it's.parquet"))})`)).toEqual([
        { n: 1 },
      ]);
      const way = join(inside, '..', outside.slice(outside.lastIndexOf('/')), 'secret.csv');
      for (const sql of [
        `FROM read_csv(${literal(join(outside, 'secret.csv'))})`,
        `FROM read_text(${literal(`${inside}/../${outside.split('/').at(-1)}/secret.csv`)})`,
        `FROM read_text(${literal(way)})`,
        `FROM glob(${literal(`${outside}/*`)})`,
        `COPY (SELECT 1) TO ${literal(join(outside, 'written.csv'))}`,
        `ATTACH ${literal(join(outside, 'new.db'))}`,
        "FROM read_csv('https://example.com/x.csv')",
        'INSTALL httpfs',
        'LOAD httpfs',
        'SET enable_external_access = true',
        "SET allowed_directories = ['/']",
        "SET memory_limit = '100GB'",
      ]) {
        await expect(duck.rows(sql), sql).rejects.toMatchObject({ code: 'duckdb_failed' });
      }
    });
  });

  it('keeps instants in UTC, whatever the zone of this machine', async () => {
    await withDuck(async (duck) => {
      expect(await duck.rows("SELECT '2024-01-01 00:00:00+00'::TIMESTAMPTZ::VARCHAR AS at")).toEqual([
        { at: '2024-01-01 00:00:00+00' },
      ]);
    });
  });

  it('spills what does not fit into its memory, and says so when there is no way', async () => {
    await withDuck(async (duck) => {
      // Two million groups of more than 200 bytes.
      const many =
        'SELECT count(*)::INT AS n FROM (SELECT repeat(md5(i::VARCHAR), 6) AS h FROM range(2000000) AS t (i) GROUP BY h)';
      expect(await duck.rows(many)).toEqual([{ n: 2_000_000 }]);
      const wide = "SELECT length(string_agg(repeat('x', 1000), ''))::BIGINT AS n FROM range(1000000)";
      await expect(duck.rows(wide)).rejects.toMatchObject({ kind: 'unavailable', code: 'no_room' });
    });
  });

  it('is left when we are asked to stop', async () => {
    await inDirectory(async (inside) => {
      const stop = new AbortController();
      const duck = await openDuck({ directories: [inside], signal: stop.signal });
      const long = duck.rows('SELECT sum(a.i * b.i) FROM range(1000000) AS a (i), range(1000000) AS b (i)');
      setImmediate(() => stop.abort());
      await expect(long).rejects.toMatchObject({ code: 'aborted' });
      await expect(duck.rows('SELECT 1')).rejects.toMatchObject({ code: 'aborted' });
      duck.close();
    });
  });
});

describe('a query that somebody made up', () => {
  async function withFile(action: (duck: Duck, file: string, other: string) => Promise<void>): Promise<void> {
    await withDuck(async (writer, inside) => {
      const [file, other] = [join(inside, 'one.parquet'), join(inside, 'other.parquet')];
      for (const each of [file, other]) {
        await writer.rows(`COPY (SELECT 1::BIGINT AS n) TO ${literal(each)} (FORMAT parquet)`);
      }
      const duck = await openDuck({ directories: [inside], files: [file] });
      try {
        await action(duck, file, other);
      } finally {
        duck.close();
      }
    });
  }

  it('reads the files it was given, and none beside them', async () => {
    await withFile(async (duck, file, other) => {
      expect((await duck.ask(`FROM read_parquet(${literal(file)})`, 5)).rows).toEqual([['1']]);
      const beside = `${file}/../${other.slice(other.lastIndexOf('/') + 1)}`;
      for (const path of [other, beside, other.replace('other', '*'), `${file}*`, '/etc/passwd']) {
        for (const reader of ['read_parquet', 'read_text', 'read_blob', 'glob', 'parquet_schema']) {
          const asked = duck.ask(`FROM ${reader}(${literal(path)})`, 5);
          await expect(asked, `${reader} ${path}`).rejects.toMatchObject({
            code: 'query_refused',
            detail: expect.stringContaining('disabled by configuration'),
          });
        }
      }
    });
  });

  it('spills where it may read nothing', async () => {
    await withFile(async (duck) => {
      const many =
        'SELECT count(*) AS n FROM (SELECT repeat(md5(i::VARCHAR), 6) AS h FROM range(2000000) AS t (i) GROUP BY h)';
      expect((await duck.ask(many, 1)).rows).toEqual([['2000000']]);
    });
  });

  it.each([
    ['CREATE TABLE t (n INT)', 'CREATE'],
    ['CREATE TEMP VIEW v AS SELECT 1', 'CREATE'],
    ["ATTACH ':memory:' AS m", 'ATTACH'],
    ["SET memory_limit = '1TB'", 'SET'],
    ['PRAGMA enable_profiling', 'PRAGMA'],
    ['CALL enable_logging()', 'CALL'],
    ['LOAD httpfs', 'LOAD'],
    ['BEGIN', 'TRANSACTION'],
    ['EXPLAIN ANALYZE SELECT 1', 'EXPLAIN'],
    ['PREPARE p AS SELECT 1', 'PREPARE'],
    ['VACUUM', 'VACUUM'],
  ])('is not %j: that is told by the type of the statement, before it runs', async (sql, type) => {
    await withFile(async (duck) => {
      await expect(duck.ask(sql, 1)).rejects.toMatchObject({
        kind: 'invalid',
        code: 'query_refused',
        detail: expect.stringContaining(`a statement of the type ${type}`),
      });
    });
  });

  it('leaves nothing open when it ends early', async () => {
    await withFile(async (duck) => {
      const first = await duck.ask('FROM range(10000000000)', 3);
      expect(first).toMatchObject({ rows: [['0'], ['1'], ['2']], truncated: true });
      expect((await duck.ask('SELECT 2 AS n', 3)).rows).toEqual([[2]]);
    });
  });
});
