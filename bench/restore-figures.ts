import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { openDiskStore } from '../src/archive/disk-store.ts';
import { systemClock } from '../src/core/clock.ts';
import { calendar } from '../src/core/quarter.ts';
import { quarterTables } from '../src/core/tables.ts';
import { withSnapshot } from '../src/db/copy.ts';
import { type Database, openDatabase } from '../src/db/database.ts';
import { identifier } from '../src/db/identifier.ts';
import { readIndexNeeds } from '../src/db/index-build.ts';
import { partitionSql } from '../src/db/partition.ts';
import { packageRoot } from '../src/db/root.ts';
import { archiveQuarter } from '../src/quarters/archive.ts';
import type { QuarterHouse } from '../src/quarters/context.ts';
import { detachQuarter } from '../src/quarters/detach.ts';
import { dropQuarter } from '../src/quarters/drop.ts';
import { releaseQuarter } from '../src/quarters/release.ts';
import { restoreQuarter } from '../src/quarters/restore.ts';
import type { Bench } from './bench.ts';
import { copyIn } from './copy-in.ts';
import { withClient } from './database.ts';

/** A closed quarter in a database of its own, with so many transactions and entries together. */
export interface QuarterOfRows {
  readonly rows: number;
  readonly url: string;
  readonly quarter: string;
}

const run = { actor: 'bench', reason: 'bench' };

/**
 * A restore of a dropped quarter, all of it from the first look at the archive to the last table attached, against the bare
 * COPY of the same rows in the same order into tables like it and the build of the same indexes. COPY proves nothing, so it
 * is a limit and no alternative. The quarters are archived, detached and dropped here, and stay dropped.
 */
export async function measureRestore(bench: Bench, quarters: readonly QuarterOfRows[]): Promise<void> {
  if (!bench.wants('restore/copy')) return;
  for (const one of quarters) await measureQuarter(bench, one);
}

async function measureQuarter(bench: Bench, { rows, url, quarter }: QuarterOfRows): Promise<void> {
  const parent = join(packageRoot(), 'var', 'bench');
  await mkdir(parent, { recursive: true });
  const directory = await mkdtemp(join(parent, 'restore-'));
  bench.onEnd(() => rm(directory, { recursive: true, force: true }));
  const database = openDatabase({ databaseUrl: url, applicationName: 'bench-restore' });
  bench.onEnd(() => database.close());
  const house = houseOf(database, join(directory, 'store'));
  bench.say(`restore/copy of ${rows} rows: archive and drop`);
  const files = await writeRows(database, quarter, directory);
  await archiveQuarter(house, run, quarter);
  await detachQuarter(house, run, quarter);
  await dropQuarter(house, run, quarter);

  const ours: number[] = [];
  const other: number[] = [];
  for (let round = 1; round <= bench.options.rounds; round++) {
    ours.push(rows / (await secondsOf(() => restoreQuarter(house, run, quarter))));
    await releaseQuarter(house, run, quarter);
    await dropQuarter(house, run, quarter);
    await withClient(url, async (client) => {
      await client.query('CHECKPOINT').catch(() => {});
      other.push(rows / (await secondsOf(() => copyAll(client, database, files))));
      await client.query('DROP SCHEMA bench_copy CASCADE');
      await client.query('CHECKPOINT').catch(() => {});
    });
    bench.say(
      `  round ${round}: ours ${Math.round(ours.at(-1) ?? 0)} rows/s, copy and indexes ${Math.round(other.at(-1) ?? 0)} rows/s`,
    );
  }
  bench.print({ figure: 'restore/copy', unit: 'rows/s', rows, goal: 0.67 }, ours, other);
}

function houseOf(database: Database, store: string): QuarterHouse {
  return {
    database,
    store: openDiskStore(store),
    calendar: calendar('UTC'),
    clock: systemClock,
    ledgerSet: 'bench',
    version: '0.0.0-bench',
    premakeQuarters: 1,
    oldest: new Date('2000-01-01T00:00:00Z'),
    archiveApproval: 'auto',
    restoreDays: 1,
  };
}

/** The rows of a table as COPY reads them, in a file. */
interface RowFile {
  readonly table: (typeof quarterTables)[number];
  readonly path: string;
}

async function writeRows(database: Database, quarter: string, directory: string): Promise<RowFile[]> {
  const files: RowFile[] = [];
  for (const table of quarterTables) {
    const path = join(directory, `${table.name}.csv`);
    const columns = table.columns.map(({ name }) => identifier(name)).join(', ');
    const key = table.key.map((name) => identifier(name)).join(', ');
    const select = `SELECT ${columns} FROM ${partitionSql(table, quarter)} ORDER BY ${key}`;
    await withSnapshot(database, undefined, (snapshot) =>
      pipeline(snapshot.copy(select), createWriteStream(path)),
    );
    files.push({ table, path });
  }
  return files;
}

/** Tables, rows, indexes: one statement after the other on one connection. */
async function copyAll(client: pg.Client, database: Database, files: readonly RowFile[]): Promise<void> {
  await client.query('CREATE SCHEMA bench_copy');
  for (const { table, path } of files) {
    const name = identifier('bench_copy', table.name);
    const parent = identifier(table.schema, table.name);
    await client.query(`CREATE TABLE ${name} (LIKE ${parent} INCLUDING ALL EXCLUDING INDEXES)`);
    const columns = table.columns.map((column) => identifier(column.name)).join(', ');
    await copyIn(client, `COPY ${name} (${columns}) FROM STDIN (FORMAT csv)`, path);
    const needs = await readIndexNeeds(
      database.direct,
      [table.schema, table.name],
      ['bench_copy', table.name],
    );
    for (const { isUnique, definition } of needs)
      await client.query(`CREATE ${isUnique ? 'UNIQUE ' : ''}INDEX ON ${name} USING ${definition}`);
  }
}

async function secondsOf(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return (performance.now() - start) / 1000;
}
