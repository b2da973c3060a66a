import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { quarterTables } from '../../src/core/tables.ts';
import type { Db } from '../../src/db/schema.ts';
import { archiveQuarter } from '../../src/quarters/archive.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { detachQuarter } from '../../src/quarters/detach.ts';
import { dropQuarter } from '../../src/quarters/drop.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { bookNastyPayments, closeQuarters, openArchiveHouse, run } from './archive-fixture.ts';

/** A database with archived quarters, and the rows they had when they were closed, in the schema `before`. */
export interface ArchivedHome {
  readonly database: TestDatabase;
  readonly directory: string;
  readonly house: QuarterHouse;
  close(): Promise<void>;
}

export async function openArchivedHome(
  quarters: readonly string[],
  transactions = 120,
): Promise<ArchivedHome> {
  const database = await createDatabase();
  const directory = await mkdtemp(join(tmpdir(), 'test-restore-'));
  const house = openArchiveHouse(database.url, directory);
  await bookNastyPayments(
    house,
    quarters.map((quarter) => ({ quarter, transactions })),
  );
  await closeQuarters(house, quarters);
  const db = house.database.direct;
  await sql`CREATE SCHEMA before`.execute(db);
  for (const { name } of quarterTables) {
    await sql
      .raw(`CREATE TABLE before.${name} AS SELECT *, '' AS quarter FROM ledger.${name} WITH NO DATA`)
      .execute(db);
    for (const quarter of quarters) {
      await sql
        .raw(`INSERT INTO before.${name} SELECT *, '${quarter}' FROM ledger.${name}_${quarter}`)
        .execute(db);
    }
  }
  for (const quarter of quarters) await archiveQuarter(house, run, quarter);
  return {
    database,
    directory,
    house,
    close: async () => {
      await house.database.close();
      await database.drop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Takes an archived quarter to where a restore begins. */
export async function takeTo(
  house: QuarterHouse,
  quarter: string,
  state: 'detached' | 'dropped',
): Promise<void> {
  await detachQuarter(house, run, quarter);
  if (state === 'dropped') await dropQuarter(house, run, quarter);
}

/** The rows that are on one side only, of those that the quarter had and those that `from` has, table by table. */
export async function differences(
  db: Db,
  quarter: string,
  from: (table: string) => string,
): Promise<Record<string, { before: bigint; lost: bigint; gained: bigint }>> {
  const found: Record<string, { before: bigint; lost: bigint; gained: bigint }> = {};
  for (const { name, columns } of quarterTables) {
    const list = columns.map((column) => column.name).join(', ');
    const old = `SELECT ${list} FROM before.${name} WHERE quarter = '${quarter}'`;
    const now = `SELECT ${list} FROM ${from(name)}`;
    const { rows } = await sql
      .raw<{ before: bigint; lost: bigint; gained: bigint }>(
        `SELECT (SELECT count(*) FROM (${old}) AS a) AS before,
                (SELECT count(*) FROM (${old} EXCEPT ALL ${now}) AS a) AS lost,
                (SELECT count(*) FROM (${now} EXCEPT ALL ${old}) AS a) AS gained`,
      )
      .execute(db);
    if (rows[0] !== undefined) found[name] = rows[0];
  }
  return found;
}

/** Changes one bit in the middle of a stored file; returns what puts the file back. */
export async function flipBit(directory: string, path: string): Promise<() => Promise<void>> {
  const file = join(directory, path);
  const bytes = await readFile(file);
  const flipped = Buffer.from(bytes);
  const middle = bytes.length >> 1;
  flipped[middle] = (bytes[middle] ?? 0) ^ 1;
  await writeFile(file, flipped);
  return () => writeFile(file, bytes);
}
