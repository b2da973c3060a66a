import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calendar as calendarOf } from '../src/core/quarter.ts';
import { runBench } from './bench.ts';
import { openServer } from './database.ts';
import { readOptions } from './options.ts';
import { makeBefore } from './outcome/before-rows.ts';
import { measureOutcome } from './outcome/measure.ts';
import { slowLogSettings } from './outcome/slow-log.ts';
import type { Stage } from './outcome/stage.ts';
import { type Line, renderTable } from './outcome/table.ts';
import { meetsTick, minutesFor } from './outcome/tick.ts';
import { makeData } from './read-data.ts';
import { ACCOUNTS } from './read-rows.ts';
import { measureRefresh, REFRESH } from './refresh-matview.ts';
import { runCommand } from './server-process.ts';

/**
 * The ledger as a team has it before (bench/outcome/before-server.ts says what that is) and ours, with the same rows in one
 * PostgreSQL, under the same mixed traffic in turns; and a refresh of the summaries against materialized views.
 * docs/performance.md says what each figure means.
 */
const options = readOptions(process.argv.slice(2), {
  rows: [10_000_000],
  rounds: 2,
  // Of few rows much is answered in a short time.
  seconds: (rows) => (rows < 1_000_000 ? 5 : 20),
});

await runBench(options, async (bench) => {
  if (options.databaseUrl !== undefined || process.platform !== 'linux') {
    throw new Error(
      'bench:outcome reads in /proc what the processes of PostgreSQL spend: run it on Linux, without --database-url.',
    );
  }
  const rows = options.rows.at(-1) as number;
  const now = new Date();
  if (meetsTick(now, minutesFor(rows))) {
    throw new Error(
      'At 02:00 UTC the worker closes the quarters that have ended, which is no part of this traffic: begin after that.',
    );
  }
  // It looks for work often, so that what a side leaves dead is cleared away in its own turn.
  const server = await openServer(bench, { ...slowLogSettings, autovacuum_naptime: '10s' });
  const data = await makeData(bench, server, rows, now);
  await makeBefore(bench, data.url);
  const store = await mkdtemp(join(tmpdir(), 'quartermaster-bench-'));
  bench.onEnd(() => rm(store, { recursive: true, force: true }));
  const token = await runCommand(bench, ['keys', 'create', '--name', 'bench', '--role', 'writer', '--json'], {
    QM_DATABASE_URL: data.url,
  });
  const stage: Stage = {
    bench,
    server,
    data,
    ledger: 'bench',
    key: (JSON.parse(token) as { token: string }).token,
    store,
    mix: {
      accounts: ACCOUNTS,
      rows,
      start: Number(data.span.start),
      today: calendarOf('UTC').dayOf(now),
    },
  };
  const lines: Line[] = [];
  if (bench.wants('outcome.')) lines.push(...(await measureOutcome(stage)));
  if (bench.wants(REFRESH.figure)) lines.push(await measureRefresh(stage));
  process.stderr.write(`\n${renderTable(lines, options.markdown ? 'markdown' : 'columns')}\n`);
});
