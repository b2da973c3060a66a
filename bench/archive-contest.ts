import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import type pg from 'pg';
import { archiveTables } from '../src/archive/format.ts';
import { quarterTables } from '../src/core/tables.ts';
import { identifier } from '../src/db/identifier.ts';
import { partitionSql } from '../src/db/partition.ts';
import { packageRoot } from '../src/db/root.ts';
import type { ClosedQuarter } from './archive-data.ts';
import type { Bench } from './bench.ts';
import { copyOut } from './copy-out.ts';
import { withClient } from './database.ts';
import { runCommand } from './server-process.ts';

/** What was measured in one round. Sizes and memory are in bytes. */
export interface Round {
  readonly ours: { readonly seconds: number; readonly bytes: number; readonly memory: number };
  readonly copy: { readonly seconds: number };
  readonly ordered: { readonly seconds: number };
  readonly gzip: { readonly seconds: number; readonly bytes: number };
}

/** Measures all sides of a quarter once, one after the other. */
export async function measureRound(bench: Bench, { url, quarter }: ClosedQuarter): Promise<Round> {
  const directory = await mkdtemp(join(await benchDirectory(), 'archive-'));
  bench.onEnd(() => rm(directory, { recursive: true, force: true }));
  const round = await withClient(url, async (client) => ({
    ours: await archive(bench, client, { url, quarter, directory }),
    copy: await timed(async () => {
      for (const name of partitionsOf(quarter)) await copyOut(client, `COPY ${name} TO STDOUT (FORMAT csv)`);
    }),
    ordered: await timed(async () => {
      for (const select of orderedSelects(quarter))
        await copyOut(client, `COPY (${select}) TO STDOUT (FORMAT csv)`);
    }),
    gzip: await gzip(client, quarter, directory),
  }));
  await rm(directory, { recursive: true, force: true });
  return round;
}

/**
 * `quartermaster quarters archive`, the real command in a process of its own. What the same command takes that finds the
 * quarter archived already, time and memory, is what the process takes when it is idle, and no part of the figure.
 */
async function archive(
  bench: Bench,
  client: pg.Client,
  { url, quarter, directory }: { url: string; quarter: string; directory: string },
): Promise<Round['ours']> {
  const store = join(directory, 'store');
  const environment = { QM_DATABASE_URL: url, QM_STORE: pathToFileURL(store).href };
  const command = async () => {
    const peakFile = join(directory, 'peak');
    const { seconds } = await timed(() =>
      runCommand(bench, ['quarters', 'archive', quarter, '--json'], {
        ...environment,
        NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, 'report-peak.ts')).href}`,
        BENCH_PEAK_FILE: peakFile,
      }),
    );
    return { seconds, memory: Number(await readFile(peakFile, 'utf8')) };
  };
  const whole = await command();
  const idle = await command();
  const bytes = await sizeOf(store);
  await undo(client, quarter);
  return { seconds: whole.seconds - idle.seconds, bytes, memory: whole.memory - idle.memory };
}

/** Takes the quarter back to where it was closed: a bench archives the same one again and again. */
async function undo(client: pg.Client, quarter: string): Promise<void> {
  for (const table of ['archive_files', 'archive_parts', 'archives'])
    await client.query(`DELETE FROM ${identifier('quartermaster', table)} WHERE quarter = $1`, [quarter]);
  await client.query(
    "UPDATE quartermaster.quarters SET state = 'closed', archived_at = NULL, verified_at = NULL WHERE quarter = $1",
    [quarter],
  );
}

/** COPY piped into `gzip -6`, a process of its own as in a shell, and into a file for each table. */
async function gzip(client: pg.Client, quarter: string, directory: string): Promise<Round['gzip']> {
  const place = join(directory, 'gzip');
  await mkdir(place);
  const { seconds } = await timed(async () => {
    for (const [i, name] of partitionsOf(quarter).entries()) {
      const file = await open(join(place, `${i}.csv.gz`), 'w');
      const zip = spawn('gzip', ['-6', '-c'], { stdio: ['pipe', file.fd, 'inherit'] });
      const ended = once(zip, 'close');
      const pipe = zip.stdin as Writable;
      await copyOut(client, `COPY ${name} TO STDOUT (FORMAT csv)`, pipe);
      pipe.end();
      const [code] = await ended;
      if (code !== 0) throw new Error(`gzip ended with ${code}.`);
      await file.sync();
      await file.close();
    }
  });
  return { seconds, bytes: await sizeOf(place) };
}

function partitionsOf(quarter: string): string[] {
  return quarterTables.map((table) => partitionSql(table, quarter));
}

function orderedSelects(quarter: string): string[] {
  return quarterTables.map((table) => {
    const { key } = archiveTables.find(({ name }) => name === table.name) ?? table;
    return `SELECT * FROM ${partitionSql(table, quarter)} ORDER BY ${key.map((name) => identifier(name)).join(', ')}`;
  });
}

async function timed(action: () => Promise<unknown>): Promise<{ seconds: number }> {
  const start = performance.now();
  await action();
  return { seconds: (performance.now() - start) / 1000 };
}

async function benchDirectory(): Promise<string> {
  const directory = join(packageRoot(), 'var', 'bench');
  await mkdir(directory, { recursive: true });
  return directory;
}

async function sizeOf(directory: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}
