import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { packageRoot } from '../src/db/root.ts';
import type { Bench } from './bench.ts';
import { openAccounts } from './books.ts';
import { type CopyFile, writeCopyFiles, writeLoadFile } from './copy-files.ts';
import { copyIn } from './copy-in.ts';
import { withClient } from './database.ts';
import { runCommand } from './server-process.ts';
import { ACCOUNTS } from './write-figures.ts';

/** A quarter that nobody else writes to; both sides write to the same one, each round in ledgers of its own. */
const START = new Date('2020-01-01T00:00:00Z');

/**
 * Rows a second of `quartermaster load`, the whole command from start to end, against COPY of the rows as they are in
 * the end: one stream a table, one after the other on one connection. COPY is given every id, version and balance, and
 * checks no funds, so it is a limit and no alternative.
 */
export async function measureLoadAgainstCopy(
  bench: Bench,
  url: string,
  environment: Record<string, string>,
): Promise<void> {
  const { rounds } = bench.options;
  const rows = bench.options.rows[0] as number;
  const directory = await mkdtemp(join(await ensured(join(packageRoot(), 'var', 'bench')), 'files-'));
  bench.onEnd(() => rm(directory, { recursive: true, force: true }));
  bench.say(`load/copy of ${rows} rows`);
  const file = await writeLoadFile(directory, START, rows, ACCOUNTS);

  await withClient(url, async (client) => {
    const ours: number[] = [];
    const other: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      // The accounts are there beforehand on both sides; ours finds their balances empty, COPY brings them.
      await openLedger(client, `load-${round}`);
      await openLedger(client, `copy-${round}`);
      const copied = await emptyLedger(client, `copy-${round}`);
      const files = await writeCopyFiles(directory, START, rows, { ...copied, accounts: ACCOUNTS });
      await client.query('VACUUM ANALYZE ledger.accounts, ledger.balances');
      const args = ['load', file, '--ledger', `load-${round}`, '--id', `load-${round}`, '--amounts', 'minor'];
      ours.push(rows / (await secondsOf(() => runCommand(bench, [...args, '--json'], environment))));
      bench.say(`  ours ${Math.round(ours.at(-1) as number)} rows/s`);
      other.push(rows / (await secondsOf(() => copyAll(client, files))));
      bench.say(`  copy ${Math.round(other.at(-1) as number)} rows/s`);
      await requireSameBooks(client, round, rows);
    }
    bench.print({ figure: 'load/copy', unit: 'rows/s', rows, goal: 0.4 }, ours, other);
  });
}

async function ensured(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  return directory;
}

async function secondsOf(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return (performance.now() - start) / 1000;
}

async function openLedger(client: pg.Client, name: string): Promise<void> {
  await client.query('INSERT INTO ledger.ledgers (name) VALUES ($1)', [name]);
  await openAccounts(client, name, ACCOUNTS);
}

/** Takes the balances away again and says what the ids are: those of one INSERT, in order of the number in the name. */
async function emptyLedger(client: pg.Client, name: string): Promise<{ ledgerId: number; firstId: bigint }> {
  const { rows } = await client.query<{ ledger_id: number; first_id: bigint; is_run: boolean }>(
    `SELECT a.ledger_id, min(a.id) AS first_id,
            bool_and(a.entity_id = 'user-' || (a.id - first.id + 1)) AS is_run
     FROM ledger.accounts AS a
     JOIN ledger.ledgers AS l ON l.id = a.ledger_id
     CROSS JOIN LATERAL (SELECT min(id) AS id FROM ledger.accounts WHERE ledger_id = l.id) AS first
     WHERE l.name = $1 GROUP BY a.ledger_id`,
    [name],
  );
  const found = rows[0];
  if (!found?.is_run)
    throw new Error(`The ids of the accounts of ${name} are not in the order of their names.`);
  await client.query('DELETE FROM ledger.balances WHERE ledger_id = $1', [found.ledger_id]);
  return { ledgerId: found.ledger_id, firstId: found.first_id };
}

async function copyAll(client: pg.Client, files: readonly CopyFile[]): Promise<void> {
  for (const { into, path } of files) await copyIn(client, `COPY ${into} FROM STDIN`, path);
}

/** Both ledgers must hold the same transactions, entries and balances, account by account: else it was not the same work. */
async function requireSameBooks(client: pg.Client, round: number, rows: number): Promise<void> {
  const books = (name: string) => `
    SELECT substr(a.entity_id, 6) AS account, b.posted, b.version, b.last_entry_at, e.entries, e.amounts
    FROM ledger.ledgers AS l
    JOIN ledger.accounts AS a ON a.ledger_id = l.id
    JOIN ledger.balances AS b ON b.ledger_id = a.ledger_id AND b.account_id = a.id
    JOIN (SELECT account_id, count(*) AS entries, sum(amount * version + balance_after) AS amounts
          FROM ledger.entries WHERE ledger_id = (SELECT id FROM ledger.ledgers WHERE name = '${name}-${round}')
          GROUP BY account_id) AS e ON e.account_id = a.id
    WHERE l.name = '${name}-${round}'`;
  const count = (name: string) => `
    (SELECT count(*) FROM ledger.transactions AS t JOIN ledger.ledgers AS l ON l.id = t.ledger_id
     WHERE l.name = '${name}-${round}')`;
  const { rows: found } = await client.query(
    `SELECT ${count('load')} AS loaded, ${count('copy')} AS copied,
            (SELECT count(*) FROM (${books('load')} EXCEPT ${books('copy')}) AS d) AS different`,
  );
  const { loaded, copied, different } = found[0] as Record<string, bigint>;
  if (loaded === BigInt(rows) && copied === loaded && different === 0n) return;
  throw new Error(
    `The books differ: ${loaded} rows loaded, ${copied} copied, ${different} accounts different.`,
  );
}
