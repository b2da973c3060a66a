import { createHash } from 'node:crypto';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withPartWriter } from '../../src/archive/parquet.ts';
import {
  addLanes,
  combineDigests,
  digestSelect,
  type Lanes,
  lanesOf,
  noLanes,
  rowTextSql,
  tableDigest,
} from '../../src/core/digest.ts';
import type { QuarterTable } from '../../src/core/tables.ts';
import { withSnapshot } from '../../src/db/copy.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { inDirectory } from '../archive/books.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

/** One column of each type. */
const table: QuarterTable = {
  schema: 'public',
  name: 'things',
  key: ['n'],
  columns: [
    { name: 'n', type: 'integer' },
    { name: 'amount', type: 'bigint' },
    { name: 'word', type: 'text' },
    { name: 'at', type: 'timestamptz' },
    { name: 'id', type: 'uuid' },
    { name: 'document', type: 'jsonb' },
    { name: 'list', type: 'bigint[]' },
  ],
};

interface Row {
  readonly n: number;
  readonly amount: bigint | null;
  readonly word: string | null;
  readonly at: Date | null;
  readonly id: string | null;
  readonly document: unknown;
  readonly list: readonly bigint[] | null;
}

let home: TestDatabase;
let database: Database;

beforeAll(async () => {
  home = await createDatabase({ migrated: false });
  database = openDatabase({ databaseUrl: home.url, poolMax: 2 });
  const columns = table.columns.map(({ name, type }) => `"${name}" ${type}`).join(', ');
  await database.withClient((client) => client.query(`CREATE TABLE things (${columns})`));
});

afterAll(async () => {
  await database?.close();
  await home?.drop();
});

async function fill(rows: readonly Row[]): Promise<void> {
  await database.withClient(async (client) => {
    await client.query('TRUNCATE things');
    for (const { n, amount, word, at, id, document, list } of rows) {
      await client.query('INSERT INTO things VALUES ($1, $2, $3, $4, $5, $6, $7)', [
        n,
        amount,
        word,
        at?.toISOString() ?? null,
        id,
        document === null ? null : JSON.stringify(document),
        list,
      ]);
    }
  });
}

/** What the session's settings are must not matter, so the strangest are tried. */
async function inPostgres(select: string): Promise<Record<string, string>> {
  return database.withClient(async (client) => {
    await client.query(
      `SET TimeZone = 'Asia/Kathmandu'; SET DateStyle = 'SQL, DMY'; SET extra_float_digits = 0`,
    );
    const { rows } = await client.query(select);
    await client.query('RESET ALL');
    return rows[0];
  });
}

/** The same table as Parquet, asked in another zone than it was written in. */
async function inDuckdb(select: (from: string) => string): Promise<Record<string, string>> {
  return inDirectory(async (directory) => {
    const parts: string[] = [];
    const store = async (_: unknown, { file, path }: { file: string; path: string }) => {
      parts.push(join(directory, path.replace('/', '-')));
      await copyFile(file, parts.at(-1) as string);
    };
    await withPartWriter({ store, partBytes: 2000 }, (write) =>
      withSnapshot(database, undefined, (snapshot) =>
        write({ ...table, kind: 'quarter' }, snapshot.copy('SELECT * FROM things ORDER BY n')),
      ),
    );
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    await connection.run("SET TimeZone = 'America/St_Johns'");
    const files = parts.map((part) => `'${part}'`).join(', ');
    const result = await connection.runAndReadAll(select(`read_parquet([${files}])`));
    connection.closeSync();
    instance.closeSync();
    return result.getRowObjectsJson()[0] as Record<string, string>;
  });
}

const postgresLanes = async () =>
  lanesOf((await inPostgres(digestSelect(table, 'postgres', 'things'))) as Parameters<typeof lanesOf>[0]);
const duckdbLanes = async () =>
  lanesOf((await inDuckdb((from) => digestSelect(table, 'duckdb', from))) as Parameters<typeof lanesOf>[0]);

/** The lanes by the definition, from the texts of the rows. */
function lanesByHand(texts: readonly string[]): Lanes {
  return texts.reduce((sum, text) => {
    const hash = createHash('md5').update(text).digest('hex');
    return addLanes(sum, {
      rows: 1n,
      hi: BigInt(`0x${hash.slice(0, 16)}`),
      lo: BigInt(`0x${hash.slice(16)}`),
    });
  }, noLanes);
}

const id = 'ABCDEF01-2345-7789-8abc-def012345678';

describe('the content digest', () => {
  it('is of this text of a row, for ever', async () => {
    const row = {
      n: -7,
      amount: -(2n ** 63n),
      word: 'a"b\u001fß\n',
      at: new Date('1969-12-31T23:59:59.999Z'),
      id,
      document: { b: [1, null, 'ü"'], a: 1.5 },
      list: [1n, -2n],
    };
    await fill([row]);
    const text = [
      '-7',
      '-9223372036854775808',
      'a"b\u001fß\n',
      '-1000',
      id.toLowerCase(),
      '{"a": 1.5, "b": [1, null, "ü\\""]}',
      '{1,-2}',
    ].join('\u001f');
    const asked = (dialect: 'postgres' | 'duckdb', from: string) =>
      `SELECT ${rowTextSql(table.columns, dialect)} AS text FROM ${from}`;
    expect(await inPostgres(asked('postgres', 'things'))).toEqual({ text });
    expect(await inDuckdb((from) => asked('duckdb', from))).toEqual({ text });
    expect(await postgresLanes()).toEqual(lanesByHand([text]));
    expect(await duckdbLanes()).toEqual(lanesByHand([text]));
    expect(tableDigest(await duckdbLanes())).toBe(createHash('md5').update(text).digest('hex'));
  });

  it('tells NULL from what is empty, in every column', async () => {
    await fill([{ n: 0, amount: null, word: null, at: null, id: null, document: null, list: null }]);
    const nothing = `0${'\u001f\u001e'.repeat(6)}`;
    expect(await postgresLanes()).toEqual(lanesByHand([nothing]));
    expect(await duckdbLanes()).toEqual(lanesByHand([nothing]));
    await fill([{ n: 0, amount: 0n, word: '', at: new Date(0), id, document: '', list: [] }]);
    const empty = ['0', '0', '', '0', id.toLowerCase(), '""', '{}'].join('\u001f');
    expect(await postgresLanes()).toEqual(lanesByHand([empty]));
    expect(await duckdbLanes()).toEqual(lanesByHand([empty]));
  });

  it('is the same in PostgreSQL and in Parquet, whatever the rows are', async () => {
    const int8 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    // PostgreSQL keeps no NUL and no half of a surrogate pair.
    const word = fc
      .string({
        unit: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('"', ',', '\n', '\r', '\\', '\u001e')),
      })
      .map((text) => text.replaceAll('\0', '').toWellFormed());
    const row = fc.record<Row>({
      n: fc.integer(),
      amount: fc.option(int8),
      word: fc.option(word),
      at: fc.option(
        fc.date({ min: new Date('0001-01-01Z'), max: new Date('9999-12-31Z'), noInvalidDate: true }),
      ),
      id: fc.option(fc.uuid()),
      document: fc.option(
        fc
          .jsonValue()
          .map((value) => JSON.parse(JSON.stringify(value).replaceAll('\\u0000', '').toWellFormed())),
      ),
      list: fc.option(fc.array(int8)),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 40 }), async (rows) => {
        await fill(rows);
        const lanes = await postgresLanes();
        expect(lanes.rows).toBe(BigInt(rows.length));
        expect(await duckdbLanes()).toEqual(lanes);
      }),
      { numRuns: 25 },
    );
  });

  it('is zero of no rows', async () => {
    await fill([]);
    expect(await postgresLanes()).toEqual(noLanes);
    expect(await duckdbLanes()).toEqual(noLanes);
    expect(tableDigest(noLanes)).toBe('0'.repeat(32));
  });

  it('changes with any value, with a row that is lost or doubled, and not with the order', async () => {
    const rows = [1, 2, 3].map((n) => ({
      n,
      amount: BigInt(n),
      word: `${n}`,
      at: new Date(n),
      id,
      document: { n },
      list: [BigInt(n)],
    }));
    const digestOf = async (some: readonly Row[]) => {
      await fill(some);
      return tableDigest(await postgresLanes());
    };
    const [first, second, third] = rows as unknown as [Row, Row, Row];
    const digest = await digestOf(rows);
    expect(await digestOf([third, first, second])).toBe(digest);
    const changes: Row[][] = [
      [first, second],
      [first, second, third, third],
      [first, first, second, second, third],
      [{ ...first, n: 4 }, second, third],
      [{ ...first, amount: null }, second, third],
      [{ ...first, amount: 2n }, { ...second, amount: 1n }, third],
      [{ ...first, word: '1 ' }, second, third],
      [{ ...first, at: new Date(2) }, second, third],
      [{ ...first, id: id.replace('A', 'B') }, second, third],
      [{ ...first, document: { n: 1.0001 } }, second, third],
      [{ ...first, list: [] }, second, third],
      [{ ...first, list: [1n, 1n] }, second, third],
    ];
    for (const [i, changed] of changes.entries())
      expect(await digestOf(changed), `change ${i}`).not.toBe(digest);
  });

  it('adds up from parts, and never leaves its 64 bits', () => {
    const lane = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const lanes = fc.record({ rows: fc.nat().map(BigInt), hi: lane, lo: lane });
    fc.assert(
      fc.property(fc.array(lanes), (parts) => {
        const sum = parts.reduce(addLanes, noLanes);
        expect([...parts].reverse().reduce(addLanes, noLanes)).toEqual(sum);
        expect(sum.rows).toBe(parts.reduce((rows, part) => rows + part.rows, 0n));
        expect(tableDigest(sum)).toMatch(/^[0-9a-f]{32}$/);
      }),
    );
    expect(
      tableDigest(addLanes({ rows: 1n, hi: 2n ** 64n - 1n, lo: 7n }, { rows: 1n, hi: 2n, lo: 8n })),
    ).toBe('0000000000000001000000000000000f');
    expect(lanesOf({ rows: '3', hi: '-1', lo: `${2n ** 64n + 5n}` })).toEqual({
      rows: 3n,
      hi: 2n ** 64n - 1n,
      lo: 5n,
    });
  });

  it('of a quarter is the SHA-256 of one line for each table', () => {
    const tables = [
      { name: 'transactions', rows: 2n, digest: '0'.repeat(32) },
      { name: 'entries', rows: 4n, digest: 'f'.repeat(32) },
    ];
    const lines = `transactions 2 ${'0'.repeat(32)}\nentries 4 ${'f'.repeat(32)}\n`;
    expect(combineDigests(tables)).toBe(createHash('sha256').update(lines).digest('hex'));
  });
});
