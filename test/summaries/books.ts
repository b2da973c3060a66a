import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll } from 'vitest';
import { type Calendar, calendar } from '../../src/core/quarter.ts';
import { partitionName, quarterTables } from '../../src/core/tables.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { identifier, instantLiteral } from '../../src/db/identifier.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

/** Money that moves between two accounts of a ledger, or is refused. */
export interface Payment {
  readonly ledgerId: number;
  readonly at: Date;
  readonly user: string;
  readonly status: 'SUCCESS' | 'FAILED';
  readonly currency: string;
  readonly amount: bigint;
  readonly from: bigint;
  readonly to: bigint;
}

/** A ledger's tables with partitions, written row by row as posting does it, without posting. */
export interface Books {
  readonly database: Database;
  readonly calendar: Calendar;
  readonly url: string;
  /** A superuser's. */
  readonly adminUrl: string;
  /** Another process' pools on the same database. */
  open(applicationName?: string): Database;
  attach(quarters: readonly string[]): Promise<void>;
  /** Books payments, in the order given, in one transaction that also marks their days. */
  book(payments: readonly Payment[]): Promise<void>;
  marks(): Promise<number>;
  /** How many sessions of that name there are, and how many of them wait for a lock. */
  sessions(applicationName: string): Promise<{ all: number; waiting: number }>;
}

/** Registers the hooks that make the database and drop it. */
export function useBooks(zone: string): Books {
  let created: TestDatabase;
  const opened: Database[] = [];
  const cal = calendar(zone);
  const open = (applicationName = 'books') => {
    const database = openDatabase({ databaseUrl: created.url, poolMax: 4, applicationName });
    opened.push(database);
    return database;
  };
  beforeAll(async () => {
    created = await createDatabase({ zone });
    open();
  });
  afterAll(async () => {
    await Promise.all(opened.map((database) => database.close()));
    await created.drop();
  });
  const database = () => opened[0] as Database;
  // What each account has: posting reads it from balances.
  const accounts = new Map<string, { balance: bigint; version: bigint }>();

  function move(payment: Payment, accountId: bigint, amount: bigint, transactionId: string) {
    const key = `${payment.ledgerId} ${accountId}`;
    const known = accounts.get(key) ?? { balance: 0n, version: 0n };
    const next = { balance: known.balance + amount, version: known.version + 1n };
    accounts.set(key, next);
    return {
      ledger_id: payment.ledgerId,
      account_id: accountId,
      created_at: payment.at,
      version: next.version,
      transaction_id: transactionId,
      amount,
      balance_after: next.balance,
    };
  }

  return {
    get database() {
      return database();
    },
    get url() {
      return created.url;
    },
    get adminUrl() {
      return created.adminUrl;
    },
    calendar: cal,
    open,
    async attach(quarters) {
      for (const name of quarters) {
        const { start, end } = cal.quarter(name);
        for (const table of quarterTables) {
          const partition = identifier(table.schema, partitionName(table, name));
          const bounds = `FROM (${instantLiteral(start)}) TO (${instantLiteral(end)})`;
          await sql
            .raw(
              `CREATE TABLE ${partition} PARTITION OF ${identifier(table.schema, table.name)} FOR VALUES ${bounds}`,
            )
            .execute(database().direct);
        }
      }
    },
    async book(payments) {
      const transactions = payments.map((payment) => ({ id: randomUUID(), payment }));
      const entries = transactions
        .filter(({ payment }) => payment.status === 'SUCCESS')
        .flatMap(({ id, payment }) => [
          move(payment, payment.from, -payment.amount, id),
          move(payment, payment.to, payment.amount, id),
        ]);
      const marks = new Map(
        payments.map(({ ledgerId, at }) => {
          const day = cal.dayOf(at);
          return [`${ledgerId} ${day}`, { ledger_id: ledgerId, day }] as const;
        }),
      );
      await database()
        .write.transaction()
        .execute(async (trx) => {
          for (let i = 0; i < transactions.length; i += 1000) {
            await trx
              .insertInto('ledger.transactions')
              .values(
                transactions.slice(i, i + 1000).map(({ id, payment }) => ({
                  id,
                  ledger_id: payment.ledgerId,
                  created_at: payment.at,
                  user_id: payment.user,
                  status: payment.status,
                  currency: payment.currency,
                  amount: payment.amount,
                  account_ids: [payment.from, payment.to],
                })),
              )
              .execute();
          }
          for (let i = 0; i < entries.length; i += 1000) {
            await trx
              .insertInto('ledger.entries')
              .values(entries.slice(i, i + 1000))
              .execute();
          }
          await trx
            .insertInto('quartermaster.summary_marks')
            .values([...marks.values()])
            .execute();
          // Counters of changes otherwise arrive when they please, up to ten seconds later.
          await sql`SELECT pg_stat_force_next_flush()`.execute(trx);
        });
    },
    async marks() {
      const { rows } = await sql<{ n: number }>`
        SELECT count(*)::int AS n FROM quartermaster.summary_marks`.execute(database().write);
      return rows[0]?.n ?? 0;
    },
    async sessions(applicationName) {
      const { rows } = await sql<{ all: number; waiting: number }>`
        SELECT count(*)::int AS all, count(*) FILTER (WHERE wait_event_type = 'Lock')::int AS waiting
        FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = ${applicationName}`.execute(
        database().write,
      );
      return rows[0] ?? { all: 0, waiting: 0 };
    },
  };
}

/** Payments at random instants of `[from, to)`, in order of time; the same seed gives the same ones. */
export function randomPayments(count: number, from: Date, to: Date, seed: number): Payment[] {
  let state = seed;
  const random = (below: number) => {
    // A linear congruential generator (Numerical Recipes) is random enough here.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  return Array.from({ length: count }, () => new Date(from.getTime() + random(to.getTime() - from.getTime())))
    .sort((a, b) => a.getTime() - b.getTime())
    .map((at) => {
      const payer = random(8);
      return {
        ledgerId: 1 + random(2),
        at,
        user: `user-${random(4)}`,
        status: random(5) === 0 ? ('FAILED' as const) : ('SUCCESS' as const),
        currency: ['EUR', 'JPY'][random(2)] as string,
        amount: BigInt(1 + random(10_000)),
        from: BigInt(1 + payer),
        to: BigInt(1 + ((payer + 1 + random(7)) % 8)),
      };
    });
}
