import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { reopenQuarter } from '../../src/quarters/reopen.ts';
import { readTrialBalance, trialBalanceTotals } from '../../src/quarters/trial-balance-report.ts';
import { openHouse, run } from '../quarters/support.ts';
import { bookPayments, createLedger } from '../quarters/support-ledger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let home: TestDatabase;
let house: QuarterHouse;
const at = (text: string) => new Date(`${text}T00:00:00Z`);

/** In each quarter another lot of accounts moves, and some always do. */
beforeAll(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { premake: 1, now: '2025-10-20T00:00:00Z' });
  const db = house.database.write;
  await ensureQuarters(house, run, at('2025-01-01'), at('2025-12-01'));
  const a = await createLedger(db, 'a', 12);
  const b = await createLedger(db, 'b', 3);
  await bookPayments(db, a, { start: at('2025-01-01'), end: at('2025-04-01'), transactions: 60 });
  await bookPayments(db, a, { start: at('2025-04-01'), end: at('2025-07-01'), transactions: 2 });
  await bookPayments(db, b, { start: at('2025-04-01'), end: at('2025-07-01'), transactions: 9 });
  await bookPayments(db, a, { start: at('2025-07-01'), end: at('2025-10-01'), transactions: 4 });
  for (const quarter of ['2025q1', '2025q2', '2025q3']) {
    await sql`UPDATE ledger.accounts SET name = 'as in ' || ${quarter}`.execute(db);
    await closeQuarter(house, run, quarter);
  }
  await sql`UPDATE ledger.accounts SET name = 'later'`.execute(db);
});

afterAll(async () => {
  await house?.database.close();
  await home?.drop();
});

const shown = async (quarter: string) =>
  (
    await sql`
      SELECT ledger, account, group_type AS "groupType", account_name AS name, currency, 2 AS exponent, opening_minor AS opening,
             debits_minor AS debits, credits_minor AS credits, closing_minor AS closing, moved
      FROM reports.trial_balance WHERE quarter = ${quarter} ORDER BY ledger_id, account_id`.execute(
      house.database.write,
    )
  ).rows;

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const gathered: T[] = [];
  for await (const row of rows) gathered.push(row);
  return gathered;
}

describe('the trial balance', () => {
  it.each(['2025q1', '2025q2', '2025q3'])(
    'of %s is the one that is fixed, with what is carried over',
    async (quarter) => {
      const want = await all(readTrialBalance(house.database.write, quarter, { carried: true }));
      expect(want.some(({ moved }) => moved)).toBe(true);
      expect(want.some(({ moved }) => !moved)).toBe(quarter !== '2025q1');
      expect(await shown(quarter)).toEqual(want);
    },
  );

  it('comes to what the report of the quarter comes to, and balances', async () => {
    for (const quarter of ['2025q1', '2025q2', '2025q3']) {
      const { rows } = await sql`
        SELECT ledger, currency, 2 AS exponent, account_count AS accounts, opening_minor AS opening, debits_minor AS debits,
               credits_minor AS credits, closing_minor AS closing
        FROM reports.trial_balance_totals WHERE quarter = ${quarter} AND is_balanced ORDER BY ledger`.execute(
        house.database.write,
      );
      expect(rows).toEqual(await trialBalanceTotals(house.database.write, quarter, { carried: true }));
    }
    const { rows } = await sql`
      SELECT quarter, account_count > moved_count AS carried, debits > 0 AS moved, debits = credits AS equal, debits = debits_minor / 100 AS major
      FROM reports.trial_balance_totals WHERE ledger = 'a' ORDER BY quarter`.execute(house.database.write);
    expect(rows).toEqual([
      { quarter: '2025q1', carried: false, moved: true, equal: true, major: true },
      { quarter: '2025q2', carried: true, moved: true, equal: true, major: true },
      { quarter: '2025q3', carried: true, moved: true, equal: true, major: true },
    ]);
  });

  // The account that is spoilt in 2025q2 moves in 2025q3 again, which has figures of its own; that of 2025q1 never does, and is carried over.
  it.each([
    { quarter: '2025q2', balanced: [true, false, true] },
    { quarter: '2025q1', balanced: [false, false, false] },
  ])(
    'says when its figures do not balance, and carries that over: $quarter',
    async ({ quarter, balanced }) => {
      const spoilt = await house.database.write.startTransaction().execute();
      try {
        await sql`
        UPDATE ledger.quarter_balances SET credits = credits + 1, closing = closing + 1
        WHERE (ledger_id, quarter, account_id) = (SELECT ledger_id, quarter, account_id FROM ledger.quarter_balances
                                                  WHERE ledger_id = 1 AND quarter = ${quarter} ORDER BY account_id LIMIT 1)`.execute(
          spoilt,
        );
        const { rows } = await sql`
        SELECT quarter, is_balanced FROM reports.trial_balance_totals WHERE ledger_id = 1 ORDER BY quarter`.execute(
          spoilt,
        );
        expect(rows).toEqual(
          ['2025q1', '2025q2', '2025q3'].map((name, n) => ({ quarter: name, is_balanced: balanced[n] })),
        );
      } finally {
        await spoilt.rollback().execute();
      }
    },
  );

  it('is there of archived quarters as of others, and not of open ones', async () => {
    const db = house.database.write;
    const before = await shown('2025q1');
    for (const state of ['archived', 'detached', 'dropped', 'restored']) {
      await sql`UPDATE quartermaster.quarters SET state = ${state} WHERE quarter = '2025q1'`.execute(db);
      expect(await shown('2025q1')).toEqual(before);
    }
    await sql`UPDATE quartermaster.quarters SET state = 'closed' WHERE quarter = '2025q1'`.execute(db);
    await reopenQuarter(house, { ...run, reason: 'to test it' }, '2025q2');
    const { rows } = await sql`
      SELECT quarter, state, is_stale FROM reports.quarters WHERE quarter < '2026q1' ORDER BY quarter`.execute(
      db,
    );
    expect(rows).toEqual([
      { quarter: '2025q1', state: 'closed', is_stale: false },
      { quarter: '2025q2', state: 'open', is_stale: false },
      { quarter: '2025q3', state: 'closed', is_stale: true },
      { quarter: '2025q4', state: 'open', is_stale: false },
    ]);
    expect(await shown('2025q2')).toEqual([]);
    const { rows: stale } =
      await sql`SELECT DISTINCT quarter, state, is_stale FROM reports.trial_balance ORDER BY quarter`.execute(
        db,
      );
    expect(stale).toEqual([
      { quarter: '2025q1', state: 'closed', is_stale: false },
      { quarter: '2025q3', state: 'closed', is_stale: true },
    ]);
  });

  it('shares its accounts with the view of accounts', async () => {
    const { rows } = await sql`
      SELECT ledger, account, currency, account_name, account_status, balance, balance_minor FROM reports.accounts
      WHERE ledger = 'b' ORDER BY account_id LIMIT 1`.execute(house.database.write);
    const { rows: want } = await sql<{
      posted: bigint;
    }>`SELECT posted FROM ledger.balances WHERE ledger_id = 2 ORDER BY account_id LIMIT 1`.execute(
      house.database.write,
    );
    const posted = want[0]?.posted ?? 0n;
    expect(rows).toEqual([
      {
        ledger: 'b',
        account: 'user-1:WALLET',
        currency: 'EUR',
        account_name: 'later',
        account_status: 'ACTIVE',
        balance: (Number(posted) / 100).toFixed(2),
        balance_minor: String(posted),
      },
    ]);
  });
});
