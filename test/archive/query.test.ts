import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFileCache } from '../../src/archive/cache.ts';
import { openDiskStore } from '../../src/archive/disk-store.ts';
import { type Manifest, manifestText, parseManifest } from '../../src/archive/manifest.ts';
import { type ArchiveQuery, type ArchiveSource, queryArchives } from '../../src/archive/query.ts';
import { spoil, writeArchive } from './books.ts';

let directory: string;
let sources: ArchiveSource[];
const cache = createFileCache({ maxBytes: 0 });

/** The same books as those of the next quarter, with one payment more. */
const later = {
  change: (manifest: Manifest): Manifest => ({
    ...manifest,
    quarter: '2024q2',
    starts_at: '2024-04-01T00:00:00.000Z',
    ends_at: '2024-07-01T00:00:00.000Z',
  }),
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "query-it's-"));
  const store = openDiskStore(directory);
  sources = [
    // The later one first: they are put in order.
    { store, folder: 'books/2024q2', manifest: await writeArchive(store, 'books/2024q2', later) },
    { store, folder: 'books/2024q1', manifest: await writeArchive(store, 'books/2024q1') },
  ];
});
afterAll(() => rm(directory, { recursive: true, force: true }));

function ask(sql: string, options: Partial<ArchiveQuery> = {}) {
  return queryArchives(cache, sources, { sql, maxRows: 1000, timeoutMs: 60_000, ...options });
}

describe('a query over archives', () => {
  it('reads the rows of all of them, and nothing of what it does not name', async () => {
    const found = await ask('SELECT count(*) AS n, sum(amount) AS total FROM transactions');
    expect(found).toEqual({
      columns: [
        { name: 'n', type: 'bigint' },
        { name: 'total', type: 'numeric' },
      ],
      rows: [['10', '3000']],
      truncated: false,
      quarters: ['2024q1', '2024q2'],
    });
  });

  it('calls the tables as the database does', async () => {
    const sql = `
      SELECT a.entity_id, sum(e.amount)::bigint AS moved
      FROM ledger.entries AS e JOIN ledger.accounts AS a ON a.ledger_id = e.ledger_id AND a.id = e.account_id
      WHERE a.quarter = '2024q1' GROUP BY 1 ORDER BY 1`;
    expect((await ask(sql)).rows).toEqual([
      ['user-1', '-2000'],
      ['user-2', '2000'],
    ]);
  });

  it('tells apart of which quarter a balance, an account or a currency is', async () => {
    expect((await ask('TABLE quarter_balances ORDER BY quarter, account_id')).rows).toEqual([
      [1, '2024q1', '1', '500', '1000', '0', '-500'],
      [1, '2024q1', '2', '-500', '0', '1000', '500'],
      [1, '2024q2', '1', '500', '1000', '0', '-500'],
      [1, '2024q2', '2', '-500', '0', '1000', '500'],
    ]);
    expect((await ask("SELECT * FROM currencies WHERE code = 'JPY' ORDER BY 1")).rows).toEqual([
      ['2024q1', 'JPY', 0],
      ['2024q2', 'JPY', 0],
    ]);
  });

  it('keeps every digit, and says values as PostgreSQL does', async () => {
    const values = {
      '9223372036854775807::bigint': ['bigint', '9223372036854775807'],
      '170141183460469231731687303715884105727::hugeint': [
        'numeric',
        '170141183460469231731687303715884105727',
      ],
      '1.50::numeric(12,2)': ['numeric(12,2)', '1.50'],
      '2147483647': ['integer', 2147483647],
      '0.1::float8': ['double precision', 0.1],
      "'NaN'::float8": ['double precision', 'NaN'],
      "'-Infinity'::float8": ['double precision', '-Infinity'],
      "'2026-03-31 23:59:59.123456+00'::timestamptz": [
        'timestamp with time zone',
        '2026-03-31 23:59:59.123456+00',
      ],
      "'2026-04-01 01:59:59+02'::timestamptz": ['timestamp with time zone', '2026-03-31 23:59:59+00'],
      "'infinity'::timestamptz": ['timestamp with time zone', 'infinity'],
      "'2026-03-31'::date": ['date', '2026-03-31'],
      '[1, 2, NULL]::bigint[]': ['bigint[]', '{1,2,NULL}'],
      "['a', 'b c', '', 'NULL', '\"']": ['text[]', '{a,"b c","","NULL","\\""}'],
      '[[1], [2, 3]]': ['integer[][]', '{{1},{2,3}}'],
      true: ['boolean', true],
      'null::text': ['text', null],
    };
    const list = Object.keys(values).map((value) => `${value} AS twin`);
    const { columns, rows } = await ask(`SELECT ${list.join(', ')}`);
    expect(columns).toEqual(Object.values(values).map(([type]) => ({ name: 'twin', type })));
    expect(rows).toEqual([Object.values(values).map(([, value]) => value)]);
  });

  it('says instants in UTC, whatever the zone of this machine', async () => {
    const zone = process.env.TZ;
    process.env.TZ = 'Asia/Kathmandu';
    try {
      const [row] = (await ask('SELECT created_at, account_ids FROM transactions ORDER BY id LIMIT 1')).rows;
      expect(row).toEqual(['2024-02-01 10:00:00.001+00', '{1,2}']);
    } finally {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    }
  });

  it('fetches no more rows than were asked for, and says when there are more', async () => {
    // Without an end, so it can only be answered row by row.
    const endless = 'SELECT a.range FROM range(1000000000000) AS a';
    const some = await ask(endless, { maxRows: 3000 });
    expect([some.rows.length, some.truncated, some.rows.at(-1)]).toEqual([3000, true, ['2999']]);
    const all = await ask('TABLE transactions', { maxRows: 10 });
    expect([all.rows.length, all.truncated]).toEqual([10, false]);
    expect((await ask('TABLE transactions', { maxRows: 9 })).truncated).toBe(true);
  });

  it('ends when it takes too long, or nobody waits for it any more', async () => {
    const slow = 'SELECT sum(a.range * b.range) FROM range(10000000) AS a, range(10000000) AS b';
    await expect(ask(slow, { timeoutMs: 300 })).rejects.toMatchObject({
      kind: 'busy',
      code: 'statement_canceled',
    });
    // The first rows are there at once, and the next never.
    const late = 'SELECT range FROM range(10000000000000) WHERE range < 10 OR range < 0';
    await expect(ask(late, { timeoutMs: 300 })).rejects.toMatchObject({ code: 'statement_canceled' });
    const stop = new AbortController();
    const asked = ask(slow, { signal: stop.signal });
    setImmediate(() => stop.abort('SIGINT'));
    await expect(asked).rejects.toMatchObject({ kind: 'aborted' });
  });

  it('says which tables there are, and what is in them', async () => {
    expect((await ask('SHOW TABLES')).rows.flat()).toEqual([
      'accounts',
      'currencies',
      'entries',
      'quarter_balances',
      'transactions',
    ]);
    expect((await ask('DESCRIBE currencies')).rows.map(([name]) => name)).toEqual([
      'quarter',
      'code',
      'exponent',
    ]);
  });

  it('reads what a later version wrote beside what an earlier one did', async () => {
    const store = openDiskStore(directory);
    const [, first] = sources;
    if (first === undefined) throw new Error('there are two');
    const older = parseManifest(Buffer.from(manifestText(first.manifest)));
    const without = {
      ...older,
      quarter: '2023q4',
      tables: older.tables.map((table) =>
        table.name === 'accounts'
          ? { ...table, columns: table.columns.filter(({ name }) => name !== 'name') }
          : table,
      ),
    };
    const both = [{ store, folder: first.folder, manifest: without }, first];
    const sql = 'SELECT quarter, name FROM accounts WHERE id = 1 ORDER BY quarter';
    const { rows } = await queryArchives(cache, both, { sql, maxRows: 10, timeoutMs: 60_000 });
    expect(rows).toEqual([
      ['2023q4', null],
      ['2024q1', 'Ada'],
    ]);
  });
});

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
    for (const sql of [nested, chained, tables]) {
      const answer = await ask(sql).catch((error: unknown) => error);
      expect(answer).toMatchObject(answer instanceof Error ? refused : { columns: [{ name: 'n' }] });
    }
  });

  it('says when there is not enough memory, and goes on', async () => {
    const wide = "SELECT length(string_agg(repeat('x', 1000), '')) FROM range(1000000)";
    await expect(ask(wide)).rejects.toMatchObject({ kind: 'unavailable', code: 'no_room' });
    expect((await ask('SELECT 1')).rows).toEqual([[1]]);
  });

  it('does not read a file that is not the one that was written', async () => {
    const file = join(directory, 'books/2024q2/entries/part-0000.parquet');
    await spoil(file, (bytes) => bytes.fill(bytes.readUInt8(50) ^ 1, 50, 51));
    await expect(ask('SELECT count(*) FROM entries')).rejects.toMatchObject({
      kind: 'corrupt',
      code: 'archive_damaged',
    });
    // The other tables are whole.
    expect((await ask('SELECT count(*) FROM transactions')).rows).toEqual([['10']]);
    await rm(file);
    await expect(ask('SELECT count(*) FROM entries')).rejects.toMatchObject({ code: 'not_in_store' });
  });
});
