import { calendar as calendarOf } from '../src/core/quarter.ts';
import type { Bench } from './bench.ts';
import { type BenchServer, withClient } from './database.ts';
import { makeNaiveRows } from './read-naive-rows.ts';
import { fill, makeRows } from './read-rows.ts';
import { type Span, spanOf } from './read-span.ts';
import { makeSummaries } from './read-summaries.ts';
import { runCommand } from './server-process.ts';

/** A database that holds so many transactions, once as we keep them and once as one would naively. */
export interface Data {
  readonly rows: number;
  readonly url: string;
  readonly span: Span;
}

/** Makes a database of that size with everything that reading needs: rows, summaries, statistics, visibility. */
export async function makeData(bench: Bench, server: BenchServer, rows: number, now: Date): Promise<Data> {
  const calendar = calendarOf('UTC');
  bench.say(`Making ${rows} transactions twice.`);
  const url = await server.createDatabase();
  const environment = { QM_DATABASE_URL: url };
  const span = spanOf(calendar, now, rows);
  await runCommand(bench, ['migrate', 'up'], environment);
  await runCommand(bench, ['run', 'reconcile-partitions'], environment);
  // Creating the oldest creates those up to the present too.
  await runCommand(bench, ['quarters', 'create', span.parts[0]?.quarter.name ?? ''], environment);
  await makeRows(bench, url, span);
  await makeNaiveRows(bench, url);
  await makeSummaries(bench, url, span, environment);
  bench.say('  statistics');
  await fill(url, ['VACUUM ANALYZE']);
  await withClient(url, async (client) => {
    const { rows: sizes } = await client.query<{ size: string }>(
      'SELECT pg_size_pretty(pg_database_size(current_database())) AS size',
    );
    bench.say(`  done: ${sizes[0]?.size}`);
  });
  return { rows, url, span };
}
