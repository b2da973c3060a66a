import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let created: TestDatabase;
let database: Database;
beforeAll(async () => {
  created = await createDatabase({ zone: 'UTC' });
  database = openDatabase({ databaseUrl: created.url, poolMax: 1 });
});
afterAll(async () => {
  await database.close();
  await created.drop();
});

async function read<T>(zone: string, expression: ReturnType<typeof sql>): Promise<T | undefined> {
  return database.write.transaction().execute(async (trx) => {
    await sql`SELECT set_config('TimeZone', ${zone}, true)`.execute(trx);
    return (await sql<{ value: T }>`SELECT ${expression} AS value`.execute(trx)).rows[0]?.value;
  });
}

describe('an instant is read as it is, whatever zone the session shows it in', () => {
  const zones = ['UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/St_Johns', 'Africa/Monrovia'];
  const instants = [
    '1969-12-31T23:59:59.999Z',
    '1960-06-01T00:00:00.001Z',
    '2026-03-29T00:59:59.290Z',
    '2026-03-29T01:00:00.000Z',
    '2026-10-25T00:30:00.057Z',
    '2026-10-25T01:30:00.029Z',
    '0001-01-02T00:00:00.000Z',
    '9999-12-30T00:00:00.000Z',
  ];
  it.each(zones.flatMap((zone) => instants.map((instant) => [instant, zone] as const)))(
    '%s in %s',
    async (instant, zone) => {
      const found = await read<Date>(zone, sql`${instant}::timestamptz`);
      expect(found?.toISOString()).toBe(instant);
    },
  );

  it.each([
    ["'10000-01-01 00:00:00Z'", Date.UTC(10_000, 0, 1)],
    ["'0044-03-15 12:00:00Z BC'", new Date('-000043-03-15T12:00:00Z').getTime()],
    ["'infinity'", Number.POSITIVE_INFINITY],
    ["'-infinity'", Number.NEGATIVE_INFINITY],
  ])('%s, which JavaScript does not read by itself', async (text, expected) => {
    const found = await read<Date | number>('UTC', sql`${sql.raw(text)}::timestamptz`);
    expect(Number(found)).toBe(expected);
  });

  it('to the millisecond, where PostgreSQL has microseconds', async () => {
    const found = await read<Date>('UTC', sql`'2026-03-31 12:00:00.123999Z'::timestamptz`);
    expect(found?.toISOString()).toBe('2026-03-31T12:00:00.123Z');
  });
});

it('money is a bigint, alone and in lists, and a day is its text', async () => {
  expect(await read('UTC', sql`9223372036854775807::bigint`)).toBe(9_223_372_036_854_775_807n);
  expect(await read('UTC', sql`'{1,-2}'::bigint[]`)).toEqual([1n, -2n]);
  expect(await read('UTC', sql`'{}'::bigint[]`)).toEqual([]);
  expect(await read('UTC', sql`'2026-03-31'::date`)).toBe('2026-03-31');
});
