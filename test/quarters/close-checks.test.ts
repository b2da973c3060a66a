import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { type CloseReport, closeQuarter } from '../../src/quarters/close.ts';
import { type CloseCheck, checkNames } from '../../src/quarters/close-checks.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openHouse, run, standing } from './support.ts';
import { bookPayments, createLedger } from './support-ledger.ts';

let home: TestDatabase;
let house: QuarterHouse;
let admin: Database;
const at = (text: string) => new Date(text);
const close = (quarter: string) => closeQuarter(house, run, quarter);
/** As a superuser, whom no grant keeps from spoiling the books. */
const spoil = (text: string) => sql.raw(text).execute(admin.write);

/** Two ledgers and 40 payments in each of three quarters, the first of them closed. */
beforeEach(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { premake: 1, now: '2025-11-11T00:00:00Z' });
  admin = openDatabase({ databaseUrl: home.adminUrl, poolMax: 2 });
  await ensureQuarters(house, run, at('2025-01-01T00:00:00Z'), at('2025-11-11T00:00:00Z'));
  for (const name of ['a', 'b']) {
    const ledger = await createLedger(house.database.write, name, 5);
    for (const [start, end] of [
      ['2025-01-01', '2025-04-01'],
      ['2025-04-01', '2025-07-01'],
      ['2025-07-01', '2025-10-01'],
    ] as const) {
      await bookPayments(house.database.write, ledger, { start: at(start), end: at(end), transactions: 20 });
    }
  }
  await close('2025q1');
});

afterEach(async () => {
  await house?.database.close();
  await admin?.close();
  await home?.drop();
});

async function lastEvent(quarter: string) {
  return house.database.write
    .selectFrom('quartermaster.quarter_events')
    .select(['event', 'detail'])
    .where('quarter', '=', quarter)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow();
}

/** The names of the checks that failed, as the story keeps them, with what the caller was told. */
async function failing(quarter: string) {
  const error = await close(quarter).then(
    () => undefined,
    (thrown: unknown) => thrown as { kind: string; code: string; detail: string },
  );
  expect(error).toMatchObject({ kind: 'corrupt', code: 'close_check_failed' });
  const { event, detail } = await lastEvent(quarter);
  expect(event).toBe('close_refused');
  const checks = detail.checks as CloseCheck[];
  expect(checks.map(({ name }) => name)).toEqual([...checkNames]);
  const failed = checks.filter(({ ok }) => !ok);
  for (const { name, detail } of failed) expect(error?.detail).toContain(`${name}: ${detail}`);
  return { names: failed.map(({ name }) => name), said: error?.detail ?? '', checks };
}

describe('the checks of a close', () => {
  it('are reported by name, and kept in the story, when all are passed', async () => {
    const report: CloseReport = await close('2025q2');
    expect(report.checks.map(({ name, ok }) => [name, ok])).toEqual(checkNames.map((name) => [name, true]));
    for (const { detail } of report.checks) expect(detail).toMatch(/^[A-Z].*\.$/);
    expect(await lastEvent('2025q2')).toMatchObject({ event: 'close', detail: { checks: report.checks } });
    expect((await close('2025q2')).checks).toEqual(report.checks);
  });

  const last = 'SELECT max(version) FROM ledger.entries_2025q2 WHERE account_id = 1';
  const nobody = '01940000-0000-7000-8000-000000000000';
  it.each<[string, string, string[], string[]]>([
    [
      'an amount that was changed on one side',
      `UPDATE ledger.entries_2025q2 SET amount = amount + 1 WHERE account_id = 1 AND version = (${last})`,
      ['sums', 'transactions', 'versions', 'summaries'],
      ['The entries of ledger a in EUR sum to 1 minor units', 'do not sum to 0 in a currency: 1'],
    ],
    [
      'an entry that was taken away',
      `DELETE FROM ledger.entries_2025q2 WHERE account_id = 1 AND version = (${last}) - 1`,
      ['sums', 'transactions', 'versions', 'summaries'],
      ['account 1 of ledger 1'],
    ],
    [
      'the transactions that were taken away with their entries at the beginning of the quarter',
      `WITH gone AS (DELETE FROM ledger.transactions_2025q2 WHERE ledger_id = 1 AND created_at < '2025-04-20' RETURNING id)
       DELETE FROM ledger.entries_2025q2 WHERE transaction_id IN (SELECT id FROM gone)`,
      ['versions', 'summaries', 'openings'],
      ['Accounts whose first version does not follow'],
    ],
    [
      'a transaction that does not name an account of its entries',
      `UPDATE ledger.transactions_2025q2 SET account_ids = account_ids[1:1] WHERE ledger_id = 2`,
      ['transactions'],
      ['do not name the accounts of their entries: 20'],
    ],
    [
      'a day of a user that is summed up wrongly',
      `UPDATE ledger.daily_transaction_summary SET total_amount = total_amount + 1
         WHERE ledger_id = 2 AND day = (SELECT min(day) FROM ledger.daily_transaction_summary WHERE day >= '2025-04-01')`,
      ['summaries'],
      ['Rows of ledger.daily_transaction_summary', ': 1, for one of 2025-04-0', 'summary_marks'],
    ],
    [
      'a day of a ledger that is missing',
      `DELETE FROM ledger.daily_totals WHERE ledger_id = 2 AND day BETWEEN '2025-05-01' AND '2025-05-31'`,
      ['summaries'],
      ['Rows of ledger.daily_totals'],
    ],
    [
      'a day of a kind of account that is summed up wrongly',
      `UPDATE ledger.daily_group_totals SET credits = credits + 1
         WHERE ledger_id = 2 AND day = (SELECT min(day) FROM ledger.daily_group_totals WHERE day >= '2025-04-01')`,
      ['summaries'],
      ['Rows of ledger.daily_group_totals that are not what the entries come to: 1, for one of 2025-04-0'],
    ],
    [
      'a kind of account that nobody has',
      `INSERT INTO ledger.daily_group_totals (ledger_id, day, group_type, currency, entry_count, debits, credits)
       VALUES (1, '2025-06-29', 'NONE', 'EUR', 0, 0, 0)`,
      ['summaries'],
      ['daily_group_totals', '1, for one of 2025-06-29 of ledger 1'],
    ],
    [
      'a day on which nothing happened',
      `INSERT INTO ledger.daily_transaction_summary (ledger_id, day, user_id, currency, status, transaction_count, total_amount)
       VALUES (1, '2025-06-30', 'nobody', 'EUR', 'SUCCESS', 1, 1)`,
      ['summaries'],
      ['for one of 2025-06-30 of ledger 1'],
    ],
    [
      'a daily balance that is another',
      `UPDATE ledger.daily_balances SET closing_balance = closing_balance - 1
         WHERE account_id = 2 AND snapshot_date BETWEEN '2025-04-01' AND '2025-06-30'`,
      ['summaries'],
      ['missing or another balance', 'account 2 of ledger 1'],
    ],
    [
      'a daily balance that is missing',
      `DELETE FROM ledger.daily_balances WHERE account_id = 2 AND snapshot_date BETWEEN '2025-04-01' AND '2025-06-30'`,
      ['summaries'],
      ['missing or another balance', 'account 2 of ledger 1'],
    ],
    [
      'a daily balance of an account that rested',
      `INSERT INTO ledger.daily_balances (ledger_id, account_id, snapshot_date, closing_balance) VALUES (1, 999, '2025-06-30', 0)`,
      ['summaries'],
      ['for days on which their account did not move: 1'],
    ],
    [
      'an account that is gone',
      'DELETE FROM ledger.balances WHERE account_id = 10; DELETE FROM ledger.accounts WHERE id = 10',
      ['transactions', 'balances', 'summaries', 'accounts'],
      ['Accounts that have entries and do not exist: 1, for one account 10 of ledger 2'],
    ],
    [
      'a trial balance that was changed',
      `UPDATE ledger.quarter_balances SET opening = opening + 1, closing = closing + 1 WHERE account_id = 4`,
      ['openings'],
      ['they last moved: 1, for one account 4 of ledger 1'],
    ],
    [
      'an entry and a balance too high for any arithmetic',
      `UPDATE ledger.entries_2025q2 SET balance_after = 9223372036854775807, amount = -9223372036854775807
         WHERE account_id = 1 AND version = (${last}) - 1`,
      ['sums', 'transactions', 'versions', 'summaries'],
      ['sum to -92233720368547757', 'more than the trial balance can hold: 1'],
    ],
    [
      'a version that cannot be counted on from, and a transaction without entries: the others speak all the same',
      `UPDATE ledger.entries_2025q2 SET version = 9223372036854775807 WHERE account_id = 1 AND version = (${last}) - 1;
       INSERT INTO ledger.transactions (ledger_id, created_at, id, status, currency, amount, account_ids)
       VALUES (1, '2025-05-05 00:00:00+00', '${nobody}', 'SUCCESS', 'EUR', 5, '{1,2}')`,
      ['sums', 'transactions', 'balances', 'versions', 'summaries', 'openings', 'accounts'],
      ['could not be carried out: bigint out of range', `no entries: 1, for one ${nobody}`, 'daily_totals'],
    ],
  ])('find %s', async (_, statement, names, said) => {
    await spoil(statement);
    const found = await failing('2025q2');
    expect(found.names).toEqual(names);
    for (const words of said) expect(found.said).toContain(words);
    expect((await standing(house.database.direct))[1]).toBe('2025q2 open: attached, attached');
  });

  it.each<[string, string, string]>([
    [
      'other money than the last entry',
      'UPDATE ledger.balances SET posted = posted + 7 WHERE account_id = 3',
      'account 3 of ledger 1 has',
    ],
    [
      'another version',
      'UPDATE ledger.balances SET version = version + 1 WHERE account_id = 3',
      'at version',
    ],
    [
      'an earlier last entry',
      `UPDATE ledger.balances SET last_entry_at = last_entry_at - interval '1 ms' WHERE account_id = 3`,
      'for one account 3 of ledger 1',
    ],
    [
      'a last entry long ago',
      `UPDATE ledger.balances SET last_entry_at = '2024-01-01' WHERE account_id = 3`,
      'account 3 of ledger 1 has none',
    ],
    ['nothing', 'DELETE FROM ledger.balances WHERE account_id = 3', 'account 3 of ledger 1 has none'],
    [
      'moved on without a further version',
      `UPDATE ledger.balances SET last_entry_at = '2025-10-10' WHERE account_id = 3`,
      'for one account 3 of ledger 1',
    ],
    [
      'a last entry that is not there',
      `INSERT INTO ledger.accounts (ledger_id, id, entity_id, group_type, currency) OVERRIDING SYSTEM VALUE
         VALUES (1, 999, 'x', 'CASH', 'EUR');
       INSERT INTO ledger.balances (ledger_id, account_id, posted, version, last_entry_at) VALUES (1, 999, 5, 1, '2025-09-09')`,
      'say their last entry is in 2025q3, where there is none: 1, for one account 999 of ledger 1',
    ],
  ])('find a balance of an account that has not moved since with %s', async (_, statement, said) => {
    await close('2025q2');
    await spoil(statement);
    const found = await failing('2025q3');
    expect(found.names).toEqual(['balances']);
    expect(found.said).toContain(said);
  });

  it('take no notice of other quarters: balances of accounts that have moved on, days outside of it', async () => {
    await spoil(`
      UPDATE ledger.balances SET posted = posted + 7 WHERE account_id = 3;
      UPDATE ledger.daily_totals SET total_amount = total_amount + 1 WHERE day < '2025-04-01' OR day > '2025-06-30';
      UPDATE ledger.daily_balances SET closing_balance = 0 WHERE snapshot_date < '2025-04-01' OR snapshot_date > '2025-06-30'`);
    expect(await close('2025q2')).toMatchObject({ closed: true });
  });

  it('take no notice of what reservations hold', async () => {
    await close('2025q2');
    await spoil('UPDATE ledger.balances SET pending_out = 3, pending_in = 4 WHERE account_id = 3');
    expect(await close('2025q3')).toMatchObject({ closed: true });
  });

  it('let a quarter close once its books are mended', async () => {
    await spoil('UPDATE ledger.daily_totals SET total_amount = total_amount + 1');
    expect((await failing('2025q2')).names).toEqual(['summaries']);
    await spoil('UPDATE ledger.daily_totals SET total_amount = total_amount - 1');
    expect(await close('2025q2')).toMatchObject({ closed: true });
  });

  it('are none while only the summaries lag: then it is busy, and nothing is put down', async () => {
    await spoil(
      `DELETE FROM ledger.daily_totals; INSERT INTO quartermaster.summary_marks (ledger_id, day) VALUES (1, '2025-05-05')`,
    );
    await expect(close('2025q2')).rejects.toMatchObject({ kind: 'busy', code: 'summaries_outstanding' });
    expect((await lastEvent('2025q2')).event).toBe('create');
  });
});
