import { calendar as calendarOf } from '../src/core/quarter.ts';
import type { Bench } from './bench.ts';
import { type BenchServer, withClient } from './database.ts';
import { fill, makeRows } from './read-rows.ts';
import type { Span } from './read-span.ts';
import { makeSummaries } from './read-summaries.ts';
import { runCommand } from './server-process.ts';

/** A database with one closed quarter in it. */
export interface ClosedQuarter {
  /** Of its transactions and entries together, as they were counted at its close. */
  readonly rows: number;
  readonly url: string;
  readonly quarter: string;
}

/** A transaction and its two entries; one in 128 failed and has none. */
const ROWS_OF_A_TRANSACTION = 1 + (2 * 127) / 128;

/** Reading does not ask when an account moved last; a close does. */
const LAST_ENTRIES = `
  UPDATE ledger.balances AS b SET last_entry_at = e.at
  FROM (SELECT account_id, max(created_at) AS at FROM ledger.entries WHERE ledger_id = 1 GROUP BY account_id) AS e
  WHERE b.ledger_id = 1 AND b.account_id = e.account_id`;

/** Makes a database in which the quarter before this one holds about so many rows, and closes it. */
export async function makeClosedQuarter(
  bench: Bench,
  server: BenchServer,
  wanted: number,
): Promise<ClosedQuarter> {
  const url = await server.createDatabase();
  const environment = { QM_DATABASE_URL: url };
  const calendar = calendarOf('UTC');
  const current = calendar.quarterOf(new Date());
  const quarter = calendar.quarterOf(new Date(current.start.getTime() - 1));
  const transactions = BigInt(Math.max(1, Math.round(wanted / ROWS_OF_A_TRANSACTION)));
  const start = BigInt(quarter.start.getTime());
  const span: Span = {
    rows: transactions,
    start,
    length: BigInt(quarter.end.getTime()) - start,
    parts: [{ quarter, first: 0n, end: transactions }],
  };
  bench.say(`Making a quarter of ${wanted} rows.`);
  await runCommand(bench, ['migrate', 'up'], environment);
  await runCommand(bench, ['run', 'reconcile-partitions'], environment);
  await runCommand(bench, ['quarters', 'create', quarter.name], environment);
  await makeRows(bench, url, span);
  await makeSummaries(bench, url, span, environment);
  await fill(url, [LAST_ENTRIES, 'VACUUM ANALYZE']);
  bench.say('  its close');
  await runCommand(bench, ['quarters', 'close', quarter.name], environment);
  const rows = await withClient(url, async (client) => {
    const { rows: found } = await client.query<{ rows: bigint }>(
      'SELECT transactions + entries AS rows FROM quartermaster.quarters WHERE quarter = $1',
      [quarter.name],
    );
    return Number(found[0]?.rows);
  });
  return { rows, url, quarter: quarter.name };
}
