import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { instantArray, plainArray, textArray } from '../../src/ledger/arrays.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let created: TestDatabase;
let database: Database;
beforeAll(async () => {
  created = await createDatabase({ migrated: false });
  database = openDatabase({ databaseUrl: created.url, poolMax: 2 });
});
afterAll(async () => {
  await database.close();
  await created.drop();
});

async function read(literal: string, type: string): Promise<unknown[]> {
  // unnest, for a null inside an array is no text that node-postgres could mistake.
  const { rows } = await sql<{ value: unknown }>`
    SELECT value FROM unnest(${literal}::${sql.raw(type)}) WITH ORDINALITY AS u (value, place) ORDER BY place`.execute(
    database.write,
  );
  return rows.map(({ value }) => value);
}

it('texts reach PostgreSQL as they are', async () => {
  const nasty = [
    '',
    ' ',
    'NULL',
    'null',
    '"',
    '\\',
    '\\"',
    '{}',
    '{a,b}',
    ',',
    '\n',
    "'",
    '💶',
    'a\\b"c,{d} ',
  ];
  expect(await read(textArray(nasty), 'text[]')).toEqual(nasty);
  expect(await read(textArray(['a', null, undefined, 'b']), 'text[]')).toEqual(['a', null, null, 'b']);
  expect(await read(textArray([]), 'text[]')).toEqual([]);
  const text = fc.option(
    fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0') && value.isWellFormed()),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(text), async (values) => {
      expect(await read(textArray(values), 'text[]')).toEqual(values);
    }),
    { numRuns: 200 },
  );
});

it('whole numbers keep all of their 64 bits', async () => {
  const values = [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), null];
  expect(await read(plainArray(values), 'bigint[]')).toEqual(values);
});

it('instants keep their millisecond whatever the time zone of the session', async () => {
  const values = [
    new Date('2026-03-29T01:30:00.001Z'),
    null,
    new Date('1969-12-31T23:59:59.999Z'),
    new Date('0044-03-15T00:00:00Z'),
  ];
  expect(await read(instantArray([...values, undefined]), 'timestamptz[]')).toEqual([...values, null]);
});
