import { sql } from 'kysely';
import { calendar as calendarOf } from '../../src/core/quarter.ts';
import { partitionName, quarterTables } from '../../src/core/tables.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import type { RoleKey } from '../../src/db/grants.ts';
import { identifier } from '../../src/db/identifier.ts';
import type { Db } from '../../src/db/schema.ts';
import { createAccounts, type NewAccount } from '../../src/ledger/account-create.ts';
import { createAccountCache } from '../../src/ledger/accounts.ts';
import { createLedger } from '../../src/ledger/ledgers.ts';
import { createPoster } from '../../src/ledger/post.ts';
import { createDatabase } from '../support/database.ts';
import { inRole, underRoles } from '../support/roles.ts';
import { ways } from '../support/ways.ts';
import { ensureQuarters } from './quarters.ts';

/** A migrated database with one ledger, its calendar, and the quarters a test asks for. */
export type Book = Awaited<ReturnType<typeof openBook>>;

export async function openBook(options: { zone?: string; poolMax?: number } = {}) {
  const zone = options.zone ?? 'UTC';
  const created = await createDatabase({ zone });
  const database = openDatabase({ ...ways(created.url), poolMax: options.poolMax ?? 10 });
  const calendar = calendarOf(zone);
  const accounts = createAccountCache();
  const db = database.write;
  const ledger = await createLedger(db, 'main');
  const others: Database[] = [];
  return {
    url: created.url,
    adminUrl: created.adminUrl,
    database,
    db,
    calendar,
    accounts,
    ledger,
    poster: createPoster({ db, calendar, accounts }),
    ensureQuarters: (from: Date, to: Date) => ensureQuarters(database, zone, from, to),
    open: (...wanted: NewAccount[]) => createAccounts(db, ledger.id, wanted),
    /** The same database as one of the roles, where the run is under roles. */
    as: (role: RoleKey): Database => {
      if (!underRoles()) return database;
      const other = openDatabase({ ...ways(inRole(created.url, role)), poolMax: options.poolMax ?? 10 });
      others.push(other);
      return other;
    },
    close: async () => {
      await Promise.all([database, ...others].map((one) => one.close()));
      await created.drop();
    },
  };
}

/** Refuses all further rows of a quarter, as close does. */
export async function closeQuarter(book: Book, name: string): Promise<void> {
  await book.db.transaction().execute(async (trx) => {
    for (const table of quarterTables) {
      await sql
        .raw(
          `ALTER TABLE ${identifier(table.schema, partitionName(table, name))}
           ADD CONSTRAINT quarter_closed CHECK (false) NOT VALID`,
        )
        .execute(trx);
    }
    await sql`UPDATE quartermaster.quarters SET state = 'closed' WHERE quarter = ${name}`.execute(trx);
  });
}

/** Everything that must hold whatever was posted, as one list of broken rules. */
export async function brokenRules(db: Db): Promise<string[]> {
  const { rows } = await sql<{ rule: string; which: string }>`
    SELECT 'a transaction sums to zero' AS rule, e.transaction_id::text AS which
    FROM ledger.entries e JOIN ledger.accounts a ON a.ledger_id = e.ledger_id AND a.id = e.account_id
    GROUP BY e.ledger_id, e.transaction_id, a.currency HAVING sum(e.amount) <> 0
    UNION ALL
    SELECT 'a balance is the sum of its entries', b.account_id::text
    FROM ledger.balances b
    LEFT JOIN (SELECT ledger_id, account_id, sum(amount) AS total, count(*) AS entries, max(version) AS version,
                      max(created_at) AS last
               FROM ledger.entries GROUP BY ledger_id, account_id) e USING (ledger_id, account_id)
    WHERE b.posted <> coalesce(e.total, 0) OR b.version <> coalesce(e.entries, 0) OR b.version <> coalesce(e.version, 0)
       OR b.last_entry_at IS DISTINCT FROM e.last
    UNION ALL
    SELECT 'balance_after runs on, in order of time and version', account_id::text
    FROM (SELECT ledger_id, account_id, version, balance_after, created_at,
                 sum(amount) OVER w AS running, row_number() OVER w AS place,
                 lag(created_at) OVER w AS previous
          FROM ledger.entries WINDOW w AS (PARTITION BY ledger_id, account_id ORDER BY version)) e
    WHERE balance_after <> running OR version <> place OR created_at < previous
    UNION ALL
    SELECT 'no limit is passed', account_id::text FROM ledger.balances WHERE posted - pending_out < min_balance
    UNION ALL
    SELECT 'a booked transaction has entries of its own time', t.id::text
    FROM ledger.transactions t
    LEFT JOIN ledger.entries e
      ON e.ledger_id = t.ledger_id AND e.transaction_id = t.id AND e.created_at = t.created_at
     AND e.account_id = ANY (t.account_ids)
    GROUP BY t.ledger_id, t.created_at, t.id, t.status
    HAVING (count(e.*) = 0) <> (t.status = 'FAILED')
    UNION ALL
    SELECT 'what is held is what pending reservations hold', b.account_id::text
    FROM ledger.balances b
    JOIN ledger.accounts a ON a.ledger_id = b.ledger_id AND a.id = b.account_id
    LEFT JOIN LATERAL (
      SELECT sum((p->>'amount')::bigint) FILTER (WHERE p->>'from' = a.entity_id || ':' || a.group_type) AS held,
             sum((p->>'amount')::bigint) FILTER (WHERE p->>'to' = a.entity_id || ':' || a.group_type) AS coming
      FROM ledger.reservations r CROSS JOIN jsonb_array_elements(r.postings) p
      WHERE r.ledger_id = b.ledger_id AND r.state = 'PENDING' AND p->>'currency' = a.currency) r ON true
    WHERE b.pending_out <> coalesce(r.held, 0) OR b.pending_in <> coalesce(r.coming, 0)
    UNION ALL
    SELECT 'a settled reservation names the transaction that names it', r.id::text
    FROM ledger.reservations r
    WHERE r.state = 'SETTLED' AND NOT EXISTS (
      SELECT FROM ledger.transactions t
      WHERE t.ledger_id = r.ledger_id AND t.id = r.transaction_id AND t.settles = r.id)
    UNION ALL
    SELECT 'a reservation is settled once', settles::text
    FROM ledger.transactions WHERE settles IS NOT NULL GROUP BY settles HAVING count(*) > 1
    UNION ALL
    SELECT 'a transaction is reversed once, and known to be', reverses::text
    FROM ledger.transactions t
    LEFT JOIN ledger.reversals v ON v.ledger_id = t.ledger_id AND v.reversed_id = t.reverses AND v.transaction_id = t.id
    WHERE reverses IS NOT NULL GROUP BY reverses HAVING count(*) > 1 OR count(v.reversed_id) <> 1
    UNION ALL
    SELECT 'an entry has a transaction', e.transaction_id::text
    FROM ledger.entries e
    WHERE NOT EXISTS (SELECT FROM ledger.transactions t
                      WHERE t.ledger_id = e.ledger_id AND t.created_at = e.created_at AND t.id = e.transaction_id)`.execute(
    db,
  );
  return rows.map(({ rule, which }) => `${rule}: ${which}`);
}
