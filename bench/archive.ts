import { type ClosedQuarter, makeClosedQuarter } from './archive-data.ts';
import { measureArchiving } from './archive-figures.ts';
import { runBench } from './bench.ts';
import { openServer } from './database.ts';
import { readOptions } from './options.ts';
import { measureRestore } from './restore-figures.ts';

/**
 * Archiving: a closed quarter written to Parquet, read back and proved, against the bare COPY of its rows and against
 * COPY through gzip; and restored, against COPY in and the building of its indexes. Rows are transactions and entries together.
 */
const options = readOptions(process.argv.slice(2), { rows: [1_000_000, 5_000_000], rounds: 5, seconds: 1 });

await runBench(options, async (bench) => {
  const server = await openServer(bench);
  const quarters: ClosedQuarter[] = [];
  for (const rows of options.rows) quarters.push(await makeClosedQuarter(bench, server, rows));
  await measureArchiving(bench, quarters);
  await measureRestore(bench, quarters);
});
