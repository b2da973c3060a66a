import { sql } from 'kysely';
import type { Db } from '../../src/db/schema.ts';
import { refreshSummaries } from '../../src/summaries/refresh.ts';
import { type Books, useBooks } from '../summaries/books.ts';

/** Books of two ledgers whose accounts, currencies and quarters the views know. */
export interface ReportBooks extends Books {
  /** Creates the partitions of the quarters, and their state rows. */
  openQuarters(quarters: readonly string[]): Promise<void>;
  /** Sums up what is marked, the kinds of accounts too. */
  refresh(): Promise<void>;
}

/** Accounts 1 to 8 of both ledgers: four entities, two kinds, two currencies. */
export function useReportBooks(zone: string): ReportBooks {
  const books = useBooks(zone);
  return Object.defineProperties(
    {
      async openQuarters(quarters: readonly string[]) {
        const db = books.database.direct;
        await sql`INSERT INTO ledger.ledgers (name) SELECT unnest(ARRAY['one', 'two'])`.execute(db);
        await sql`
          INSERT INTO ledger.accounts (ledger_id, id, entity_id, group_type, currency, name)
          OVERRIDING SYSTEM VALUE
          SELECT l.id, n, 'entity-' || n % 4, CASE WHEN n <= 4 THEN 'WALLET' ELSE 'FEES' END,
                 CASE n % 2 WHEN 0 THEN 'EUR' ELSE 'JPY' END, 'Account ' || n
          FROM ledger.ledgers AS l CROSS JOIN generate_series(1, 8) AS n`.execute(db);
        await sql`
          INSERT INTO ledger.balances (ledger_id, account_id, min_balance)
          SELECT ledger_id, id, NULL FROM ledger.accounts`.execute(db);
        await books.attach(quarters);
        for (const name of quarters) {
          const { start, end } = books.calendar.quarter(name);
          await sql`
            INSERT INTO quartermaster.quarters (quarter, starts_at, ends_at, state)
            VALUES (${name}, ${start}, ${end}, 'open')`.execute(db);
        }
        // As the jobs leave them: tables of a few rows are taken for large ones while nothing is known of them.
        await sql`ANALYZE`.execute(db);
      },
      async refresh() {
        // Before the marks go, so that nobody sees the one without the other.
        await sumUpGroups(books.database.write, zone);
        await refreshSummaries({ database: books.database, calendar: books.calendar });
      },
    },
    Object.getOwnPropertyDescriptors(books),
  ) as ReportBooks;
}

/** All days anew, by other statements than the refresh has. */
async function sumUpGroups(db: Db, zone: string): Promise<void> {
  await sql`
    INSERT INTO ledger.daily_group_totals (ledger_id, day, group_type, currency, entry_count, debits, credits)
    SELECT e.ledger_id, (e.created_at AT TIME ZONE ${sql.lit(zone)})::date, a.group_type, a.currency, count(*),
           sum(greatest(-e.amount, 0)), sum(greatest(e.amount, 0))
    FROM ledger.entries AS e JOIN ledger.accounts AS a ON a.ledger_id = e.ledger_id AND a.id = e.account_id
    GROUP BY 1, 2, 3, 4
    ON CONFLICT (ledger_id, day, group_type, currency) DO UPDATE
    SET entry_count = excluded.entry_count, debits = excluded.debits, credits = excluded.credits`.execute(db);
}

/** What one statement gives and the other does not, either way round. */
export async function difference(db: Db, have: string, want: string): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    WITH have AS MATERIALIZED (${sql.raw(have)}), want AS MATERIALIZED (${sql.raw(want)})
    SELECT 'has ' || row_to_json(h)::text AS line FROM (SELECT * FROM have EXCEPT ALL SELECT * FROM want) AS h
    UNION ALL
    SELECT 'wants ' || row_to_json(w)::text FROM (SELECT * FROM want EXCEPT ALL SELECT * FROM have) AS w
    LIMIT 10`.execute(db);
  return rows.map(({ line }) => line);
}

export async function count(db: Db, statement: string): Promise<number> {
  const { rows } = await sql<{
    n: number;
  }>`SELECT count(*)::integer AS n FROM (${sql.raw(statement)}) AS s`.execute(db);
  return rows[0]?.n ?? 0;
}
