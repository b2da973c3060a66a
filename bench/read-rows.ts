import { identifier } from '../src/db/identifier.ts';
import type { Bench } from './bench.ts';
import { withClient } from './database.ts';
import type { Part, Span } from './read-span.ts';

/** As many accounts as users, each user with one. */
export const ACCOUNTS = 100_000;

/** How many quarters are made at once: as many as there are cores on the smallest machine this is meant for. */
const PARALLEL = 2;

/** For filling tables: nothing that is lost by a crash would be missed, and sorts go through memory. */
const FILLING = `SET synchronous_commit = off; SET work_mem = '1GB'; SET maintenance_work_mem = '1GB';
  SET max_parallel_workers_per_gather = 0; SET max_parallel_maintenance_workers = 0`;

/** Runs the statements a few at a time, each on a connection of its own. */
export async function fill(url: string, statements: readonly (string | readonly string[])[]): Promise<void> {
  const left = [...statements];
  const work = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const all = [next].flat();
      await withClient(url, async (client) => {
        await client.query(FILLING);
        for (const statement of all) await client.query(statement);
      });
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
}

/**
 * Fills the partitions straight away, as posting would have filled them: entries sum to zero, versions and balances run
 * on through the quarters. Users are busy by Zipf's law, so the first has about 6 % of all transactions; whom they pay
 * is uniform; one transaction in 128 failed and has no entries.
 *
 * The rows are the same for the same size: what looks random is a hash of the row's number.
 */
export async function makeRows(bench: Bench, url: string, span: Span): Promise<void> {
  bench.say(`  ${span.rows} transactions over ${span.parts.length} quarters`);
  await fill(url, [
    [
      "INSERT INTO ledger.ledgers (name) VALUES ('bench')",
      `INSERT INTO ledger.accounts (ledger_id, entity_id, group_type, currency)
       SELECT 1, 'user-' || n, 'WALLET', 'EUR' FROM generate_series(1, ${ACCOUNTS}) AS n ORDER BY n`,
      'CREATE SCHEMA making',
      'CREATE UNLOGGED TABLE making.net (quarter text, account bigint, amount bigint, entries bigint)',
    ],
  ]);
  await fill(
    url,
    span.parts.map((part) => [transactionRows(span, part), insertTransactions(part), insertNet(part)]),
  );
  bench.say('  their entries');
  await fill(url, ['CREATE INDEX ON making.net (quarter)', 'ANALYZE making.net']);
  await fill(url, [...span.parts.map(insertEntries), INSERT_BALANCES]);
  await fill(url, ['DROP SCHEMA making CASCADE']);
}

function made({ quarter }: Part): string {
  return `making.${identifier(quarter.name)}`;
}

/** A number from 0 up to 1 for the row n. */
const chance = (seed: number) =>
  `((hashint8extended(n, ${seed}) >> 11) & 9007199254740991) / 9007199254740992.0::float8`;

/** What is random about the transactions of a quarter. An id is a version 7 UUID of its instant, as ids are. */
function transactionRows(span: Span, part: Part): string {
  return `CREATE UNLOGGED TABLE ${made(part)} AS
    SELECT n, ms, to_timestamp(ms / 1000.0)::timestamptz(3) AS at, payer,
           1 + (payer + floor(${chance(2)} * (${ACCOUNTS} - 1))::bigint) % ${ACCOUNTS} AS payee,
           1 + (hashint8extended(n, 3) & 65535) AS amount,
           (hashint8extended(n, 4) & 127) = 0 AS failed,
           (lpad(to_hex(ms), 12, '0') || '7' || lpad(to_hex(hashint8extended(n, 5) & 4095), 3, '0')
             || '8' || lpad(to_hex(hashint8extended(n, 6) & 1152921504606846975), 15, '0'))::uuid AS id
    FROM (
      SELECT n, ${span.start} + n * ${span.length} / ${span.rows} AS ms,
             least(${ACCOUNTS}, floor(exp(${chance(1)} * ln(${ACCOUNTS + 1}::float8))))::bigint AS payer
      FROM generate_series(${part.first}, ${part.end - 1n}) AS n
    ) AS t`;
}

function insertTransactions(part: Part): string {
  return `INSERT INTO ledger.${identifier(`transactions_${part.quarter.name}`)}
      (ledger_id, created_at, id, user_id, status, currency, amount, reference_code, description, account_ids, metadata)
    SELECT 1, at, id, 'user-' || payer, CASE WHEN failed THEN 'FAILED' ELSE 'SUCCESS' END, 'EUR', amount,
           'order-' || n, 'Payment of order ' || n, ARRAY[payer, payee],
           CASE WHEN n % 4 = 0 THEN jsonb_build_object('channel', 'web', 'order', n) END
    FROM ${made(part)}`;
}

/** Both sides of what did not fail, an account a row. */
function sidesOf(part: Part): string {
  return `(SELECT n, at, id, payer AS account, -amount AS amount FROM ${made(part)} WHERE NOT failed
           UNION ALL SELECT n, at, id, payee, amount FROM ${made(part)} WHERE NOT failed) AS e`;
}

function insertNet(part: Part): string {
  return `INSERT INTO making.net
    SELECT '${part.quarter.name}', account, sum(amount), count(*) FROM ${sidesOf(part)} GROUP BY account`;
}

/** In the order of time, as they would have been posted, and not in that of the key, which would flatter statements. */
function insertEntries(part: Part): string {
  return `INSERT INTO ledger.${identifier(`entries_${part.quarter.name}`)}
      (ledger_id, account_id, created_at, version, transaction_id, amount, balance_after)
    SELECT 1, e.account, e.at, coalesce(before.entries, 0) + row_number() OVER account, e.id, e.amount,
           coalesce(before.amount, 0) + sum(e.amount) OVER account
    FROM ${sidesOf(part)}
    LEFT JOIN (SELECT account, sum(amount)::bigint AS amount, sum(entries)::bigint AS entries
               FROM making.net WHERE quarter < '${part.quarter.name}' GROUP BY account) AS before
      ON before.account = e.account
    WINDOW account AS (PARTITION BY e.account ORDER BY e.n ROWS UNBOUNDED PRECEDING)
    ORDER BY e.n, e.amount`;
}

const INSERT_BALANCES = `
  INSERT INTO ledger.balances (ledger_id, account_id, posted, version, min_balance)
  SELECT 1, a.id, coalesce(sum(n.amount), 0), coalesce(sum(n.entries), 0), NULL
  FROM ledger.accounts AS a LEFT JOIN making.net AS n ON n.account = a.id GROUP BY a.id ORDER BY a.id`;
