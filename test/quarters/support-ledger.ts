import { sql } from 'kysely';
import type { Db } from '../../src/db/schema.ts';
import { sumUp } from './support-summaries.ts';

/** A ledger with so many EUR accounts, which may all go below zero. */
export async function createLedger(db: Db, name: string, accounts: number): Promise<number> {
  const { id } = await db
    .insertInto('ledger.ledgers')
    .values({ name })
    .returning('id')
    .executeTakeFirstOrThrow();
  await sql`
    INSERT INTO ledger.accounts (ledger_id, entity_id, group_type, currency)
    SELECT ${id}, 'user-' || n, 'WALLET', 'EUR' FROM generate_series(1, ${accounts}::int) AS n`.execute(db);
  await sql`
    INSERT INTO ledger.balances (ledger_id, account_id, min_balance)
    SELECT ledger_id, id, NULL FROM ledger.accounts WHERE ledger_id = ${id}`.execute(db);
  return id;
}

/**
 * Books `transactions` payments of 1 to 100 cents between accounts of the ledger, spread over the time from `start` to
 * `end`, going on from the balances as they stand. The sums are right, and the
 * days are summed up at once, so that nothing has to be marked.
 */
export async function bookPayments(
  db: Db,
  ledger: number,
  options: { start: Date; end: Date; transactions: number },
): Promise<void> {
  const { start, end, transactions } = options;
  await db.transaction().execute(async (trx) => {
    await sql`
      CREATE TEMPORARY TABLE payment ON COMMIT DROP AS
      SELECT n, gen_random_uuid() AS id, 1 + n % 100 AS amount,
             date_trunc('milliseconds', ${start}::timestamptz
               + (${end}::timestamptz - ${start}::timestamptz) * (n::float8 / ${transactions + 1})) AS at,
             accounts[1 + n * 7 % size] AS source, accounts[1 + (n * 7 + 1 + n % (size - 1)) % size] AS target
      FROM generate_series(1, ${transactions}::int) AS n,
           (SELECT array_agg(id ORDER BY id) AS accounts, count(*)::int AS size
            FROM ledger.accounts WHERE ledger_id = ${ledger}) AS a`.execute(trx);
    await sql`
      INSERT INTO ledger.transactions (ledger_id, created_at, id, status, currency, amount, account_ids)
      SELECT ${ledger}, at, id, 'SUCCESS', 'EUR', amount, ARRAY[source, target] FROM payment`.execute(trx);
    await sql`
      CREATE TEMPORARY TABLE side ON COMMIT DROP AS
      SELECT s.account_id, p.at, p.id, s.amount,
             b.version + row_number() OVER account AS version, b.posted + sum(s.amount) OVER account AS balance
      FROM payment AS p
      CROSS JOIN LATERAL (VALUES (p.source, -p.amount, 0), (p.target, p.amount, 1)) AS s (account_id, amount, side)
      JOIN ledger.balances AS b ON b.ledger_id = ${ledger} AND b.account_id = s.account_id
      WINDOW account AS (PARTITION BY s.account_id ORDER BY p.n, s.side)`.execute(trx);
    await sql`
      INSERT INTO ledger.entries (ledger_id, account_id, created_at, version, transaction_id, amount, balance_after)
      SELECT ${ledger}, account_id, at, version, id, amount, balance FROM side ORDER BY at, id, amount`.execute(
      trx,
    );
    await sql`
      UPDATE ledger.balances AS b
      SET posted = b.posted + s.total, version = b.version + s.entries, last_entry_at = s.at
      FROM (SELECT account_id, sum(amount) AS total, count(*) AS entries, max(at) AS at FROM side GROUP BY 1) AS s
      WHERE b.ledger_id = ${ledger} AND b.account_id = s.account_id`.execute(trx);
    await sumUp(trx, ledger, start, end);
  });
}
