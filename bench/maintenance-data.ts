import { calendar } from '../src/core/quarter.ts';
import { openDatabase } from '../src/db/database.ts';
import { identifier } from '../src/db/identifier.ts';
import { refreshSummaries } from '../src/summaries/refresh.ts';
import { bookPayments, createLedger } from '../test/quarters/support-ledger.ts';
import type { Bench } from './bench.ts';
import { openAccounts } from './books.ts';
import { withClient } from './database.ts';
import { runCommand } from './server-process.ts';

/** Accounts of the writers, and of what was booked in the years before. */
export const ACCOUNTS = 1000;
const FIRST = '2015q1';

/**
 * Fills old quarters with payments and their summaries, oldest first, and opens the writers' accounts; returns the names
 * of the old quarters.
 */
export async function fillQuarters(
  bench: Bench,
  url: string,
  count: number,
  transactions: number,
): Promise<string[]> {
  const { range, quarter } = calendar('UTC');
  const names = range(FIRST, '2024q4')
    .map(({ name }) => name)
    .slice(0, count);
  const environment = { QM_DATABASE_URL: url };
  await runCommand(bench, ['migrate', 'up'], environment);
  await runCommand(bench, ['run', 'reconcile-partitions'], environment);
  await runCommand(bench, ['quarters', 'create', FIRST], environment);
  bench.say(`Booking ${transactions} transactions in each of ${count} old quarters.`);
  const database = openDatabase({ databaseUrl: url, poolMax: 4 });
  try {
    const ledger = await createLedger(database.write, 'history', ACCOUNTS);
    for (const name of names) {
      const { start, end } = quarter(name);
      await bookPayments(database.write, ledger, { start, end, transactions });
    }
    await withClient(url, (client) =>
      client.query(
        `INSERT INTO quartermaster.summary_marks (ledger_id, day)
         SELECT DISTINCT ledger_id, (created_at AT TIME ZONE 'UTC')::date FROM ledger.transactions`,
      ),
    );
    await refreshSummaries({ database, calendar: calendar('UTC') });
  } finally {
    await database.close();
  }
  await withClient(url, async (client) => {
    await client.query("INSERT INTO ledger.ledgers (name) VALUES ('bench')");
    await openAccounts(client, 'bench', ACCOUNTS);
    await client.query('VACUUM ANALYZE');
  });
  return names;
}

/** The plain way to make a partition of each table for a range that nobody uses. */
export function plainCreate(number: number): string[] {
  return ['transactions', 'entries'].map(
    (table) =>
      `CREATE TABLE ${identifier('ledger', `${table}_plain_${number}`)} PARTITION OF ${identifier('ledger', table)}
       FOR VALUES FROM ('${2200 + number}-01-01Z') TO ('${2200 + number}-04-01Z')`,
  );
}

/** The plain way to take a quarter out. */
export function plainDetach(quarter: string): string[] {
  return ['transactions', 'entries'].map(
    (table) =>
      `ALTER TABLE ${identifier('ledger', table)} DETACH PARTITION ${identifier('ledger', `${table}_${quarter}`)}`,
  );
}

/** @throws Error unless exactly what was acknowledged to the writers is booked, and adds up */
export async function verifyWriters(url: string, acknowledged: number): Promise<void> {
  await withClient(url, async (client) => {
    const { rows } = await client.query<{ transactions: bigint; entries: bigint; sum: string | null }>(
      `SELECT (SELECT count(*) FROM ledger.transactions WHERE ledger_id = l.id) AS transactions,
              (SELECT count(*) FROM ledger.entries WHERE ledger_id = l.id) AS entries,
              (SELECT sum(amount)::text FROM ledger.entries WHERE ledger_id = l.id) AS sum
       FROM ledger.ledgers AS l WHERE l.name = 'bench'`,
    );
    const found = rows[0];
    if (
      found?.transactions === BigInt(acknowledged) &&
      found.entries === 2n * found.transactions &&
      (found.sum ?? '0') === '0'
    )
      return;
    throw new Error(
      `${acknowledged} transactions were acknowledged, and there are ${found?.transactions} with ${found?.entries} entries that sum to ${found?.sum}.`,
    );
  });
}
