import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import type { Bench } from './bench.ts';

/** Opens the same accounts on both sides: `user-1:WALLET` and so on, with a limit that is checked and never reached. */
export async function openBooks(
  bench: Pick<Bench, 'say'>,
  client: pg.Client,
  accounts: number,
): Promise<void> {
  bench.say(`Opening ${accounts} accounts on both sides.`);
  await client.query("INSERT INTO ledger.ledgers (name) VALUES ('bench')");
  await openAccounts(client, 'bench', accounts);
  await client.query(readFileSync(join(import.meta.dirname, 'textbook.sql'), 'utf8'));
  await client.query(
    `INSERT INTO textbook.accounts (ledger_id, entity_id, group_type, currency)
     SELECT ledger_id, entity_id, group_type, currency FROM ledger.accounts ORDER BY id`,
  );
  await client.query(
    `INSERT INTO textbook.balances (account_id, min_balance)
     SELECT id, -1000000000000 FROM textbook.accounts ORDER BY id`,
  );
  await client.query('VACUUM ANALYZE');
}

/** Makes accounts, with empty balances, in a ledger of ours. */
export async function openAccounts(client: pg.Client, ledger: string, accounts: number): Promise<void> {
  await client.query(
    `INSERT INTO ledger.accounts (ledger_id, entity_id, group_type, currency)
     SELECT l.id, 'user-' || n, 'WALLET', 'EUR'
     FROM ledger.ledgers AS l, generate_series(1, $2::integer) AS n WHERE l.name = $1 ORDER BY n`,
    [ledger, accounts],
  );
  await client.query(
    `INSERT INTO ledger.balances (ledger_id, account_id, min_balance)
     SELECT a.ledger_id, a.id, -1000000000000
     FROM ledger.accounts AS a JOIN ledger.ledgers AS l ON l.id = a.ledger_id WHERE l.name = $1 ORDER BY a.id`,
    [ledger],
  );
}

/** What one side's books hold. */
interface Count {
  readonly transactions: bigint;
  readonly entries: bigint;
  readonly sum: string | null;
  readonly wrong_balances: bigint;
}

/** A side: its tables, and which rows of them are meant. */
const sides = {
  ours: { schema: 'ledger', mine: 'WHERE ledger_id = 1' },
  textbook: { schema: 'textbook', mine: '' },
} as const;

/**
 * Holds the books of a side against what was acknowledged: not one transaction more or fewer, two entries each, all
 * of them together zero, every balance and version equal to the account's entries.
 *
 * @throws Error when the books say otherwise: then the figures mean nothing
 */
export async function verifyBooks(
  client: pg.Client,
  side: keyof typeof sides,
  acknowledged: number,
): Promise<void> {
  const { schema, mine } = sides[side];
  const { rows } = await client.query<Count>(
    `SELECT (SELECT count(*) FROM ${schema}.transactions ${mine}) AS transactions,
            (SELECT count(*) FROM ${schema}.entries ${mine}) AS entries,
            (SELECT sum(amount)::text FROM ${schema}.entries ${mine}) AS sum,
            (SELECT count(*) FROM (SELECT * FROM ${schema}.balances ${mine}) AS b
             FULL JOIN (SELECT account_id, sum(amount) AS posted, count(*) AS version
                        FROM ${schema}.entries ${mine} GROUP BY account_id) AS e USING (account_id)
             WHERE b.posted <> coalesce(e.posted, 0) OR b.version <> coalesce(e.version, 0) OR b.account_id IS NULL
            ) AS wrong_balances`,
  );
  const found = rows[0];
  const right =
    found?.transactions === BigInt(acknowledged) &&
    found.entries === 2n * found.transactions &&
    (found.sum ?? '0') === '0' &&
    found.wrong_balances === 0n;
  if (right) return;
  const told = JSON.stringify(found, (_, value) => (typeof value === 'bigint' ? String(value) : value));
  throw new Error(
    `The books of ${side} are wrong: ${acknowledged} transactions were acknowledged, found ${told}.`,
  );
}
