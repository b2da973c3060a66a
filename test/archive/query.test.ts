import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBTimestampTZValue } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDiskStore } from '../../src/archive/disk-store.ts';
import { manifestText, parseManifest } from '../../src/archive/manifest.ts';
import { queryArchives } from '../../src/archive/query.ts';
import { spoil } from './books.ts';
import { type TwoQuarters, writeTwoQuarters } from './two-quarters.ts';

let archives: TwoQuarters;
let ask: TwoQuarters['ask'];
beforeAll(async () => {
  archives = await writeTwoQuarters();
  ask = archives.ask;
});
afterAll(() => archives.remove());

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
    // What the library would take for the zone of the machine, and keeps from when it was loaded.
    const before = DuckDBTimestampTZValue.timezoneOffsetInMinutes;
    DuckDBTimestampTZValue.timezoneOffsetInMinutes = 345;
    try {
      const sql = 'SELECT created_at, [created_at] AS l, account_ids FROM transactions ORDER BY id LIMIT 1';
      expect((await ask(sql)).rows).toEqual([
        ['2024-02-01 10:00:00.001+00', '{"2024-02-01 10:00:00.001+00"}', '{1,2}'],
      ]);
    } finally {
      DuckDBTimestampTZValue.timezoneOffsetInMinutes = before;
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
    const store = openDiskStore(archives.directory);
    const [, first] = archives.sources;
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
    const { rows } = await queryArchives(archives.cache, both, { sql, maxRows: 10, timeoutMs: 60_000 });
    expect(rows).toEqual([
      ['2023q4', null],
      ['2024q1', 'Ada'],
    ]);
  });

  it('does not read a file that is not the one that was written', async () => {
    const file = join(archives.directory, 'books/2024q2/entries/part-0000.parquet');
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
