import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { toAppError } from '../../src/db/sqlstate.ts';
import { closeQuarter, previewClose } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { reconcile } from '../../src/quarters/reconcile.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { eventsOf, houseOver, openHouse, run, standing } from './support.ts';
import { bookPayments, createLedger } from './support-ledger.ts';
import { sumUp } from './support-summaries.ts';

let home: TestDatabase;
let house: QuarterHouse;
let admin: Database;
let ledger: number;
const at = (text: string) => new Date(text);
const stand = () => standing(house.database.direct);
const close = (quarter: string) => closeQuarter(house, run, quarter);
const refusal = (quarter: string) => close(quarter).catch((error: unknown) => error);
/** As a superuser, whom no grant keeps from spoiling the books. */
const spoil = (text: string) => sql.raw(text).execute(admin.write);

/** 2025 in quarters and 30 payments in each of its first two, among the first four of five accounts. */
beforeEach(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { premake: 1, now: '2025-11-11T00:00:00Z' });
  admin = openDatabase({ databaseUrl: home.adminUrl, poolMax: 2 });
  await ensureQuarters(house, run, at('2025-01-01T00:00:00Z'), at('2025-11-11T00:00:00Z'));
  ledger = await createLedger(house.database.write, 'a', 4);
  for (const [start, end] of [
    ['2025-01-01', '2025-04-01'],
    ['2025-04-01', '2025-07-01'],
  ] as const) {
    await bookPayments(house.database.write, ledger, { start: at(start), end: at(end), transactions: 30 });
  }
});

afterEach(async () => {
  await house?.database.close();
  await admin?.close();
  await home?.drop();
});

async function trialBalance(quarter: string) {
  return house.database.write
    .selectFrom('ledger.quarter_balances')
    .select(['account_id', 'opening', 'debits', 'credits', 'closing'])
    .where('ledger_id', '=', ledger)
    .where('quarter', '=', quarter)
    .orderBy('account_id')
    .execute();
}

describe('closeQuarter', () => {
  it('fixes counts, digest and trial balance, and tells them again when asked again', async () => {
    const report = await close('2025q1');
    expect(report).toMatchObject({ closed: true, transactions: 30n, entries: 60n, accounts: 4n });
    expect(report.digest).toMatch(/^[0-9a-f]{64}$/);
    expect((await stand())[0]).toBe('2025q1 closed: attached fenced, attached fenced');
    const { accounts: _, ...facts } = report;
    expect(await close('2025q1')).toEqual({ ...facts, closed: false });
    expect(await eventsOf(house.database.direct, '2025q1')).toEqual(['create', 'close']);

    await close('2025q2');
    const [first, second] = [await trialBalance('2025q1'), await trialBalance('2025q2')];
    expect(second.map(({ opening }) => opening)).toEqual(first.map(({ closing }) => closing));
    const balances = await house.database.write
      .selectFrom('ledger.balances')
      .select('posted')
      .where('ledger_id', '=', ledger)
      .orderBy('account_id')
      .execute();
    expect(second.map(({ closing }) => closing)).toEqual(balances.map(({ posted }) => posted));
    expect(await reconcile(house, run)).toMatchObject({ drift: [], created: [] });
  });

  it('closes a quarter in which nothing happened', async () => {
    for (const quarter of ['2025q1', '2025q2']) await close(quarter);
    expect(await close('2025q3')).toMatchObject({ transactions: 0n, entries: 0n, accounts: 0n });
  });

  it('keeps rows out from then on, and lets them into the quarters that are open', async () => {
    await close('2025q1');
    const entry = (time: string) =>
      sql`INSERT INTO ledger.entries (ledger_id, account_id, created_at, version, transaction_id, amount, balance_after)
          VALUES (${ledger}, 1, ${time}::timestamptz, 1000, gen_random_uuid(), 1, 1)`.execute(
        house.database.write,
      );
    expect(await entry('2025-03-31T23:59:59.999Z').catch(toAppError)).toMatchObject({
      code: 'quarter_closed',
    });
    await entry('2025-04-01T00:00:00Z');
  });

  it('finds the opening balance of an account that rested for a while', async () => {
    for (const quarter of ['2025q1', '2025q2', '2025q3']) await close(quarter);
    const others = await createLedger(house.database.write, 'b', 2);
    for (const of of [ledger, others])
      await bookPayments(house.database.write, of, {
        start: at('2025-10-02'),
        end: at('2025-10-03'),
        transactions: 9,
      });
    house = houseOver(house.database, { now: '2026-02-02T00:00:00Z' });
    expect(await close('2025q4')).toMatchObject({ accounts: 6n });
  });

  it('takes failed transactions as they are, without entries', async () => {
    await sql`
      INSERT INTO ledger.transactions (ledger_id, created_at, id, status, currency, amount, account_ids)
      VALUES (${ledger}, '2025-02-02 00:00:00+00', gen_random_uuid(), 'FAILED', 'EUR', 5, '{}')`.execute(
      house.database.write,
    );
    await sumUp(house.database.write, ledger, at('2025-02-02T00:00:00Z'), at('2025-02-02T00:00:00Z'));
    expect(await close('2025q1')).toMatchObject({ transactions: 31n, entries: 60n });
  });

  it('leaves nothing of a trial balance that was made before', async () => {
    const stale = { ledger_id: ledger, quarter: '2025q1', opening: 1n, debits: 0n, credits: 0n, closing: 1n };
    await house.database.write
      .insertInto('ledger.quarter_balances')
      .values([1n, 999n].map((account_id) => ({ ...stale, account_id })))
      .execute();
    await close('2025q1');
    expect((await trialBalance('2025q1')).map(({ account_id, opening }) => [account_id, opening])).toEqual(
      [1n, 2n, 3n, 4n].map((account) => [account, 0n]),
    );
  });

  it('puts back a fence that somebody took away', async () => {
    await close('2025q1');
    await spoil('ALTER TABLE ledger.entries_2025q1 DROP CONSTRAINT quarter_closed');
    expect((await reconcile(house, run)).drift).toMatchObject([{ code: 'fence_missing' }]);
    expect((await previewClose(house, run, '2025q1')).steps).toEqual([
      'let no more rows into ledger.entries_2025q1 again, if 2025q1 still holds what was closed',
    ]);
    await close('2025q1');
    expect((await stand())[0]).toBe('2025q1 closed: attached fenced, attached fenced');
  });

  it('does not put one back before rows that came in since: nothing would tell that they did', async () => {
    await close('2025q1');
    await spoil('ALTER TABLE ledger.entries_2025q1 DROP CONSTRAINT quarter_closed');
    await spoil(`INSERT INTO ledger.entries SELECT ledger_id, account_id, created_at, 999, transaction_id, 1, 1
                 FROM ledger.entries_2025q1 LIMIT 1`);
    expect(await refusal('2025q1')).toMatchObject({ kind: 'corrupt', code: 'quarter_changed' });
    expect((await stand())[0]).toBe('2025q1 closed: attached fenced, attached');
  });
});

describe('a close is refused', () => {
  it('before the end of the quarter, while an earlier one is open, without its tables: all named at once', async () => {
    await sql`ALTER TABLE ledger.entries DETACH PARTITION ledger.entries_2025q4`.execute(
      house.database.direct,
    );
    const error = await refusal('2025q4');
    expect(error).toMatchObject({ kind: 'refused', code: 'quarter_refused' });
    const { detail } = error as { detail: string };
    expect(detail).toContain('2025q4 ends at 2026-01-01T00:00:00.000Z.');
    expect(detail).toContain(
      'Quarters close in order, and 2025q1, 2025q2, 2025q3 are still open. Close 2025q1 first.',
    );
    expect(detail).toContain('The partition of ledger.entries is standalone.');
    expect(await refusal('2025q2')).toMatchObject({ code: 'earlier_quarter_open' });
    expect(await refusal('2024q4')).toMatchObject({ code: 'no_such_quarter' });
  });

  it('for as long as a day of it has not been summed up, and then helps itself by trying again', async () => {
    const mark = (day: string) =>
      house.database.write
        .insertInto('quartermaster.summary_marks')
        .values({ ledger_id: ledger, day })
        .execute();
    await mark('2025-04-01');
    await mark('2025-03-31');
    expect(await refusal('2025q1')).toMatchObject({
      kind: 'busy',
      code: 'summaries_outstanding',
      detail: expect.stringContaining('The summaries of 1 days of 2025q1'),
    });
    await house.database.write
      .deleteFrom('quartermaster.summary_marks')
      .where('day', '=', '2025-03-31')
      .execute();
    await close('2025q1');
  });

  it('when the last writer has left marks behind, and the fence is taken down again', async () => {
    const held = Promise.withResolvers<void>();
    const wrote = Promise.withResolvers<void>();
    const writing = house.database.write.transaction().execute(async (trx) => {
      await sql`LOCK TABLE ledger.entries_2025q1 IN ROW EXCLUSIVE MODE`.execute(trx);
      await trx
        .insertInto('quartermaster.summary_marks')
        .values({ ledger_id: ledger, day: '2025-02-02' })
        .execute();
      wrote.resolve();
      await held.promise;
    });
    await wrote.promise;
    const closing = closeQuarter(house, { ...run, onBlocked: () => held.resolve() }, '2025q1');
    await expect(closing).rejects.toMatchObject({ kind: 'busy', code: 'summaries_outstanding' });
    await writing;
    expect((await stand())[0]).toBe('2025q1 open: attached, attached');
  });

  const last = 'SELECT max(version) FROM ledger.entries_2025q2 WHERE account_id = 1';
  it.each<[string, string, string[]]>([
    [
      'an entry that does not go on from the one before',
      `UPDATE ledger.entries_2025q2 SET balance_after = balance_after + 1 WHERE account_id = 1 AND version = (${last}) - 2`,
      ['Accounts with a gap', 'account 1 of ledger 1'],
    ],
    [
      'a gap in the versions',
      `UPDATE ledger.entries_2025q2 SET version = version + 1 WHERE account_id = 1 AND version = (${last})`,
      ['Accounts with a gap'],
    ],
    [
      'versions that do not rise with time',
      `UPDATE ledger.entries_2025q2 SET created_at = '2025-04-01 00:00:00+00' WHERE account_id = 1 AND version = (${last})`,
      ['Accounts with a gap', 'Transactions that entries name and that are not booked at that time: 1'],
    ],
    [
      'entries that do not sum to zero',
      `UPDATE ledger.entries_2025q2 SET amount = amount + 1, balance_after = balance_after + 1
         WHERE account_id = 1 AND version = (${last})`,
      ['The entries of ledger a in EUR sum to 1 minor units', 'Transactions whose entries do not sum to 0'],
    ],
    [
      'a transaction without entries',
      `INSERT INTO ledger.transactions (ledger_id, created_at, id, status, currency, amount, account_ids)
         VALUES (1, '2025-05-05 00:00:00+00', '01940000-0000-7000-8000-000000000000', 'SUCCESS', 'EUR', 5, '{1,2}')`,
      ['booked and have no entries: 1, for one 01940000-0000-7000-8000-000000000000'],
    ],
    [
      'entries without a transaction',
      'DELETE FROM ledger.transactions_2025q2 WHERE id = (SELECT min(id::text)::uuid FROM ledger.transactions_2025q2)',
      ['Transactions that entries name and that are not booked at that time: 1'],
    ],
    [
      'entries of a failed transaction',
      `UPDATE ledger.transactions_2025q2 SET status = 'FAILED'`,
      ['Transactions that entries name and that are not booked at that time: 30'],
    ],
    [
      'another amount',
      'UPDATE ledger.transactions_2025q2 SET amount = amount + 1',
      ['another amount than their entries: 30'],
    ],
    [
      'an account that does not exist',
      'UPDATE ledger.entries_2025q2 SET account_id = 999 WHERE account_id = 1',
      [
        'Accounts that have entries and do not exist: 1, for one account 999 of ledger 1',
        'do not begin with the balance',
      ],
    ],
    [
      'an opening balance that is not the last closing one',
      `UPDATE ledger.quarter_balances SET opening = opening + 1, closing = closing + 1 WHERE quarter = '2025q1'`,
      ['Accounts that do not begin with the balance they ended the quarter with in which they last moved: 4'],
    ],
  ])('for %s, which is put down in its story, and the quarter stays open', async (_, statement, said) => {
    await close('2025q1');
    await spoil(statement);
    const error = await refusal('2025q2');
    expect(error).toMatchObject({ kind: 'corrupt', code: 'close_check_failed' });
    for (const words of said) expect((error as { detail: string }).detail).toContain(words);
    expect((await stand())[1]).toBe('2025q2 open: attached, attached');
    expect(await trialBalance('2025q2')).toEqual([]);
    expect(await eventsOf(house.database.direct, '2025q2')).toEqual(['create', 'close_refused']);
  });
});

describe('days of the quarter', () => {
  it('are those of the zone of the ledger', async () => {
    const database = await createDatabase({ zone: 'Asia/Kolkata' });
    const indian = openHouse(database.url, { zone: 'Asia/Kolkata', premake: 1, now: '2025-06-30T18:30:00Z' });
    try {
      await ensureQuarters(indian, run, at('2025-06-30T00:00:00Z'), at('2025-06-30T18:30:00Z'));
      expect((await standing(indian.database.direct))[0]).toContain('2025q2 open');
      await indian.database.write
        .insertInto('quartermaster.summary_marks')
        .values([
          { ledger_id: 1, day: '2025-03-31' },
          { ledger_id: 1, day: '2025-07-01' },
        ])
        .execute();
      const early = houseOver(indian.database, { zone: 'Asia/Kolkata', now: '2025-06-30T18:29:59.999Z' });
      await expect(closeQuarter(early, run, '2025q2')).rejects.toMatchObject({ code: 'quarter_not_ended' });
      expect(await closeQuarter(indian, run, '2025q2')).toMatchObject({ closed: true });
    } finally {
      await indian.database.close();
      await database.drop();
    }
  });
});
