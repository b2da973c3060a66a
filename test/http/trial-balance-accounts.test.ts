import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/db/database.ts';
import { openDatabase } from '../../src/db/database.ts';
import { createApp } from '../../src/http/app.ts';
import type { App } from '../../src/http/app-type.ts';
import { findLedger } from '../../src/ledger/ledgers.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { reopenQuarter } from '../../src/quarters/reopen.ts';
import { sortColumns, trialBalanceAccounts } from '../../src/quarters/trial-balance-accounts.ts';
import { readTrialBalance, type TrialBalanceRow } from '../../src/quarters/trial-balance-report.ts';
import { openHouse, run } from '../quarters/support.ts';
import { bookPayments, createLedger } from '../quarters/support-ledger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { inRole } from '../support/roles.ts';
import { ways } from '../support/ways.ts';
import { emptyHouse, inject, problemIn } from './house.ts';

let home: TestDatabase;
let house: QuarterHouse;
let api: Database;
let app: App;
/** Of each quarter all that the file has, in its order, which is that of ledgers and ids. */
const whole = new Map<string, TrialBalanceRow[]>();
const quarters = ['2025q1', '2025q2'];
const at = (text: string) => new Date(text);

beforeAll(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { premake: 1, now: '2025-08-11T00:00:00Z' });
  const db = house.database.write;
  await ensureQuarters(house, run, at('2025-01-01T00:00:00Z'), at('2025-08-11T00:00:00Z'));
  const first = await createLedger(db, 'a', 12);
  const second = await createLedger(db, 'b', 5);
  const book = (ledger: number, start: string, end: string, transactions: number) =>
    bookPayments(db, ledger, { start: at(start), end: at(end), transactions });
  await book(first, '2025-01-01', '2025-04-01', 40);
  await book(second, '2025-01-01', '2025-04-01', 7);
  // Few enough that most accounts carry their balance over.
  await book(first, '2025-04-01', '2025-07-01', 3);
  await closeQuarter(house, run, '2025q1');
  await sql`UPDATE ledger.accounts SET name = 'After ' || entity_id`.execute(db);
  await closeQuarter(house, run, '2025q2');
  api = openDatabase({ ...ways(inRole(home.url, 'api')), poolMax: 3 });
  const base = emptyHouse();
  app = createApp({
    ...base,
    ledgers: { ...base.ledgers, find: (name) => findLedger(api.write, name) },
    quarters: {
      ...base.quarters,
      trialBalanceAccounts: (quarter, query) => trialBalanceAccounts(api.write, quarter, query),
    },
  });
  for (const quarter of quarters) {
    const rows: TrialBalanceRow[] = [];
    for await (const row of readTrialBalance(db, quarter, { carried: true })) rows.push(row);
    whole.set(quarter, rows);
  }
});

afterAll(async () => {
  await app?.close();
  await api?.close();
  await house?.database.close();
  await home?.drop();
});

interface Query {
  readonly ledger?: string | undefined;
  readonly currency?: string | undefined;
  readonly account_prefix?: string | undefined;
  readonly moved?: string | undefined;
  readonly sort?: (typeof sortColumns)[number] | undefined;
  readonly order?: 'asc' | 'desc' | undefined;
  readonly limit?: number | undefined;
}

async function ask(quarter: string, query: Query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const parameters = new URLSearchParams(
    given.map(([name, value]): [string, string] => [name, String(value)]),
  );
  const url = `/v1/quarters/${quarter}/trial-balance/accounts?${parameters}`;
  return inject(app, { url });
}

/** The same out of the whole, the plain way. */
function expected(quarter: string, query: Query) {
  const { sort = 'account', order = 'asc', limit = 50 } = query;
  const keyOf = (row: TrialBalanceRow) => (sort === 'account' ? row.account : BigInt(row[sort]));
  const rows = (whole.get(quarter) ?? []).filter(
    (row) =>
      (query.ledger === undefined || row.ledger === query.ledger) &&
      (query.currency === undefined || row.currency === query.currency) &&
      row.account.startsWith(query.account_prefix ?? '') &&
      (query.moved !== 'true' || row.moved),
  );
  // The sort is stable, so those alike stay in the order of ledgers and ids.
  const sorted = rows.toSorted((a, b) => {
    const [x, y] = [keyOf(a), keyOf(b)];
    return (x < y ? -1 : x > y ? 1 : 0) * (order === 'asc' ? 1 : -1);
  });
  const accounts = sorted.slice(0, limit).map(({ groupType, ...row }) => ({ ...row, group_type: groupType }));
  return { accounts, more: sorted.length > limit };
}

describe('the accounts of a trial balance', () => {
  it('are those of the file with its numbers, by any column, filtered in any way', async () => {
    const maybe = <T>(...values: T[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
    const query = fc.record<Query>({
      ledger: maybe('a', 'b'),
      currency: maybe('EUR', 'EUR', 'USD'),
      account_prefix: maybe('user-1', 'user-', 'user-2:WALLET', 'User', '%', 'user_1', "'", '\\', '💶'),
      moved: maybe('true', 'false'),
      sort: maybe(...sortColumns),
      order: maybe('asc', 'desc'),
      limit: maybe(1, 3, 11, 12, 16, 17, 18, 1000),
    });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...quarters), query, async (quarter, asked) => {
        const response = await ask(quarter, asked);
        expect(response.statusCode, response.body).toBe(200);
        expect(response.json()).toEqual(expected(quarter, asked));
      }),
      { numRuns: 150 },
    );
  });

  it('have among them those that carry over, unless only those that moved are wanted', async () => {
    const all = (await ask('2025q2', { limit: 1000 })).json().accounts;
    const moved = (await ask('2025q2', { limit: 1000, moved: 'true' })).json().accounts;
    expect(all).toHaveLength(17);
    expect(moved.length).toBeGreaterThan(0);
    expect(moved.length).toBeLessThan(17);
    expect(all.filter((one: { moved: boolean }) => one.moved)).toEqual(moved);
    // One that rests has the name of its last close, and one that moved that of this one.
    expect(new Set(all.map((one: { name: string }) => one.name.slice(0, 6)))).toEqual(
      new Set(['', 'After ']),
    );
  });

  it('are none of a quarter that is open, or that there is not', async () => {
    problemIn(await ask('2025q3', {}), 409, 'quarter_state');
    problemIn(await ask('2019q3', {}), 404, 'no_such_quarter');
    problemIn(await ask('2025q2', { ledger: 'none' }), 404, 'no_such_ledger');
    problemIn(await ask('2025q2', { limit: 1001 }), 400, 'invalid_request');
    problemIn(await ask('2025q2', { sort: 'name' as never }), 400, 'invalid_request');
  });

  it('are given up with the way to the file when it takes too long', async () => {
    const query = { sort: 'account', order: 'asc', limit: 10, carried: true } as const;
    const other = openDatabase({ ...ways(home.url), poolMax: 1 });
    try {
      await other.write.transaction().execute(async (trx) => {
        // Nobody reads a table that is locked, so this takes as long as anybody waits.
        await sql`LOCK TABLE ledger.quarter_balances`.execute(trx);
        await expect(
          trialBalanceAccounts(api.write, '2025q1', query, { limitMs: 200 }),
        ).rejects.toMatchObject({
          kind: 'busy',
          code: 'read_too_slow',
          detail: expect.stringContaining('/v1/quarters/2025q1/trial-balance.csv'),
        });
      });
    } finally {
      await other.close();
    }
  });

  it('are not mixed of two closes', async () => {
    const query = { sort: 'closing', order: 'desc', limit: 10, carried: true } as const;
    const other = openDatabase({ ...ways(home.url), poolMax: 1 });
    try {
      const reading = await other.write.transaction().execute(async (trx) => {
        await sql`LOCK TABLE ledger.quarter_balances`.execute(trx);
        const waits = trialBalanceAccounts(api.write, '2025q2', query).catch((error: unknown) => error);
        await expect
          .poll(async () => {
            const { rows } = await sql`SELECT FROM pg_locks WHERE NOT granted AND database =
              (SELECT oid FROM pg_database WHERE datname = current_database())`.execute(
              house.database.direct,
            );
            return rows.length;
          })
          .toBe(1);
        // What tells of a close anew is its event.
        await sql`INSERT INTO quartermaster.quarter_events (quarter, event, actor) VALUES ('2025q2', 'close', 'test')`.execute(
          house.database.direct,
        );
        return { waits };
      });
      expect(await reading.waits).toMatchObject({ code: 'trial_balance_changed' });
    } finally {
      await other.close();
    }
    await reopenQuarter(house, { ...run, reason: 'a late row' }, '2025q2');
    problemIn(await ask('2025q2', {}), 409, 'quarter_state');
  });
});
