import { runBench } from './bench.ts';
import { openServer } from './database.ts';
import { readOptions } from './options.ts';
import { openContests } from './read-contests.ts';
import { type Data, makeData } from './read-data.ts';
import { type Arena, measureReading } from './read-figures.ts';

/**
 * Reading: the functions behind the API against the same data in unpartitioned tables, at several sizes side by side.
 * docs/performance.md says what each figure means.
 */
const options = readOptions(process.argv.slice(2), { rows: [1_000_000, 10_000_000], rounds: 7, seconds: 1 });

await runBench(options, async (bench) => {
  const server = await openServer(bench);
  const now = new Date();
  const made: Data[] = [];
  for (const rows of options.rows) made.push(await makeData(bench, server, rows, now));
  const arenas: Arena[] = [];
  for (const data of made) arenas.push({ rows: data.rows, contests: await openContests(bench, data) });
  await measureReading(bench, arenas);
});
