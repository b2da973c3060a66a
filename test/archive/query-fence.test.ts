import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TwoQuarters, writeTwoQuarters } from './two-quarters.ts';

let directory: string;
let archives: TwoQuarters;
let ask: TwoQuarters['ask'];
beforeAll(async () => {
  archives = await writeTwoQuarters();
  ({ directory, ask } = archives);
});
afterAll(() => archives.remove());

describe('the fence around a query', () => {
  const refused = { kind: 'invalid', code: 'query_refused' };

  it.each([
    // What is more or less than one statement.
    '',
    ';',
    '-- nothing',
    'SELECT 1; SELECT 2',
    'SELECT 1; COMMIT; DROP VIEW ledger.entries',
    'SELEC 1',
    'SELECT 1\0; SELECT 2',
    'SELECT $1',
    'SELECT nothing FROM transactions',
    'SELECT 1 FROM no_such_table',
    "SELECT 'x'::int",
    // What writes or changes something.
    'CREATE TABLE a (n int)',
    'CREATE TEMP TABLE a AS SELECT 1',
    'CREATE MACRO m() AS 1',
    'CREATE OR REPLACE VIEW ledger.entries AS SELECT 1',
    'DROP VIEW ledger.entries',
    'ALTER VIEW ledger.entries RENAME TO e',
    'INSERT INTO entries SELECT * FROM entries',
    'UPDATE transactions SET amount = 0',
    'DELETE FROM transactions',
    'WITH gone AS (DELETE FROM transactions RETURNING *) SELECT * FROM gone',
    'MERGE INTO transactions USING entries ON true WHEN MATCHED THEN DELETE',
    'BEGIN',
    'COMMIT',
    'VACUUM',
    'ANALYZE',
    'CHECKPOINT',
    'EXPLAIN SELECT 1',
    'EXPLAIN ANALYZE SELECT 1',
    'PREPARE p AS SELECT 1',
    'EXECUTE p',
    'DEALLOCATE p',
    'USE main',
    "SET memory_limit = '1TB'",
    'SET VARIABLE x = 1',
    'RESET memory_limit',
    'PRAGMA show_tables',
    "PRAGMA memory_limit = '1TB'",
    'PRAGMA enable_profiling',
    'CALL pragma_version()',
    'CALL enable_logging()',
    'INSTALL httpfs',
    'LOAD httpfs',
    'LOAD json',
    'UPDATE EXTENSIONS',
    "CREATE SECRET (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "ATTACH ':memory:' AS other",
    'DETACH memory',
    "COPY (SELECT 1) TO 'DIR/written.csv'",
    "COPY entries FROM 'DIR/secret.csv'",
    "COPY entries TO 'DIR/written.parquet' (FORMAT parquet)",
    "EXPORT DATABASE 'DIR/written'",
    "IMPORT DATABASE 'DIR/database'",
    "PRAGMA import_database('DIR/database')",
    "ATTACH 'DIR/written.db'",
    // What reads anything else, or hides that it does.
    "FROM read_csv('DIR/secret.csv')",
    "FROM main.Read_CSV('DIR/secret.csv')",
    "FROM read_csv_auto('DIR/secret.csv')",
    "FROM read_text('DIR/secret.csv')",
    "FROM read_text('DIR/*')",
    "FROM read_blob('DIR/secret.csv')",
    "FROM read_json('DIR/secret.csv')",
    "FROM read_ndjson_objects('DIR/secret.csv')",
    "FROM read_parquet('DIR/books/2024q1/*/*.parquet')",
    "FROM read_parquet('DIR/books/2024q1/entries/part-0000.parquet')",
    "FROM read_duckdb('DIR/other.db')",
    "FROM sniff_csv('DIR/secret.csv')",
    "FROM parquet_metadata('DIR/books/2024q1/entries/part-0000.parquet')",
    "FROM parquet_schema('DIR/books/2024q1/entries/part-0000.parquet')",
    "FROM glob('/etc/*')",
    "FROM read_text('/proc/self/environ')",
    "FROM read_text('/dev/stdin')",
    "FROM read_text('file:///etc/passwd')",
    "FROM read_text('http://127.0.0.1:1/x')",
    "FROM read_csv('https://example.com/x.csv')",
    "FROM 'DIR/secret.csv'",
    "FROM 'DIR/other.parquet'",
    "FROM 'DIR/books/2024q1/manifest.json'",
    "FROM 's3://bucket/x.parquet'",
    'FROM "/etc/passwd"',
    "DESCRIBE FROM 'DIR/secret.csv'",
    "DESCRIBE 'DIR/secret.csv'",
    "SUMMARIZE 'DIR/secret.csv'",
    "SELECT (SELECT content FROM read_text('DIR/secret.csv'))",
    "SELECT 1 WHERE EXISTS (FROM (SELECT * FROM entries, LATERAL (FROM read_text('DIR/secret.csv'))))",
    "WITH t AS MATERIALIZED (FROM read_text('DIR/secret.csv')) SELECT 1 FROM t",
    "FROM query('FROM read_text(''DIR/secret.csv'')')",
    "FROM query_table('entries')",
    "FROM query_table(['DIR/secret.csv'])",
    "FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    // What changes how the process behaves, by way of a SELECT.
    "FROM enable_logging('QueryLog', storage = 'file', storage_config = {'path': 'DIR/log'})",
    'FROM enable_logging()',
    'FROM enable_profiling()',
    "FROM enable_profiling(save_location = 'DIR/profile.txt')",
    'FROM disable_logging()',
    'FROM checkpoint()',
    'FROM force_checkpoint()',
    "SELECT write_log('x')",
    'FROM duckdb_secrets()',
    "SELECT getenv('HOME')",
    "SELECT set_config('a', 'b', true)",
    "SELECT nextval('s')",
  ])('refuses %j, and it has read and written nothing', async (sql) => {
    await writeFile(join(directory, 'secret.csv'), 'secret\n1\n');
    await writeFile(join(directory, 'other.parquet'), 'secret');
    await mkdir(join(directory, 'database'), { recursive: true });
    await writeFile(join(directory, 'database', 'schema.sql'), 'CREATE TABLE secret (n int);');
    await writeFile(join(directory, 'database', 'load.sql'), '');
    const before = (await readdir(directory, { recursive: true })).sort();
    const place = directory.replaceAll("'", "''");
    await expect(ask(sql.replaceAll('DIR', place))).rejects.toMatchObject(refused);
    expect((await readdir(directory, { recursive: true })).sort()).toEqual(before);
  });

  it('stands, too, where the functions are not refused by their names', async () => {
    // A replacement scan is no function, and a path of the archive itself is a table like any other.
    const place = directory.replaceAll("'", "''");
    await writeFile(join(directory, 'other.parquet'), 'secret');
    await expect(ask(`FROM '${place}/other.parquet'`)).rejects.toMatchObject({
      detail: expect.stringMatching(/Permission Error|disabled by configuration/),
    });
    await expect(ask(`FROM '${place}/books/2024q1/entries/../../../other.parquet'`)).rejects.toMatchObject({
      detail: expect.stringMatching(/Permission Error|disabled by configuration/),
    });
    // It names no table, so no file may be read at all; not even one of the archive.
    await expect(ask(`FROM '${place}/books/2024q1/entries/part-0000.parquet'`)).rejects.toMatchObject({
      code: 'query_refused',
    });
  });

  it('lets through what is only called like something forbidden', async () => {
    const sql = `WITH read_text AS (SELECT 'COPY x TO y; DROP TABLE z' AS query)
      SELECT query FROM read_text, unnest([1, 2]) AS u (n) WHERE n IN (FROM range(2)) -- ; DELETE`;
    expect((await ask(sql)).rows).toEqual([['COPY x TO y; DROP TABLE z']]);
    expect((await ask(' /* */ VALUES (1), (2);')).rows).toEqual([[1], [2]]);
  });

  it('is not brought down by a query that nests deep', async () => {
    const nested = `SELECT ${'abs('.repeat(900)}1${')'.repeat(900)} AS n`;
    const chained = `SELECT ${Array.from({ length: 900 }, () => '1').join(' + ')} AS n`;
    const tables = `${'SELECT * FROM ('.repeat(400)}SELECT 1 AS n${')'.repeat(400)}`;
    for (const sql of [nested, chained, tables]) await expect(ask(sql)).rejects.toMatchObject(refused);
  });

  it('says when there is not enough memory, and goes on', async () => {
    const wide = "SELECT length(string_agg(repeat('x', 1000), '')) FROM range(1000000)";
    await expect(ask(wide)).rejects.toMatchObject({ kind: 'unavailable', code: 'no_room' });
    expect((await ask('SELECT 1')).rows).toEqual([[1]]);
  });

  it('tells no more than a process can hold, however wide the rows are', async () => {
    const wide = (count: number, width: number) =>
      ask(`SELECT repeat('x', ${width}) AS x FROM range(${count})`, { maxRows: 100_000 });
    const { rows, truncated } = await wide(100, 1024 * 1024);
    expect([rows.length, truncated]).toEqual([64, true]);
    await expect(wide(1, 65 * 1024 * 1024)).rejects.toMatchObject(refused);
    expect(await wide(2, 10)).toMatchObject({ rows: [['xxxxxxxxxx'], ['xxxxxxxxxx']], truncated: false });
  });
});
