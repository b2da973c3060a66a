import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { reopenQuarter } from '../../src/quarters/reopen.ts';
import { csvColumns, textCell, trialBalanceCsv } from '../../src/quarters/trial-balance-csv.ts';
import {
  readTrialBalance,
  type TrialBalanceOptions,
  type TrialBalanceRow,
  trialBalanceTotals,
} from '../../src/quarters/trial-balance-report.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openHouse, run } from './support.ts';
import { bookPayments, createLedger } from './support-ledger.ts';

let home: TestDatabase;
let house: QuarterHouse;
const ledgers: number[] = [];
const at = (text: string) => new Date(text);

/** Ledger `b` moves in the first quarter only. */
beforeAll(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { premake: 1, now: '2025-08-11T00:00:00Z' });
  const db = house.database.write;
  await ensureQuarters(house, run, at('2025-01-01T00:00:00Z'), at('2025-08-11T00:00:00Z'));
  for (const name of ['a', 'b']) ledgers.push(await createLedger(db, name, 4));
  for (const [ledger, start, end] of [
    [ledgers[0], '2025-01-01', '2025-04-01'],
    [ledgers[1], '2025-01-01', '2025-04-01'],
    [ledgers[0], '2025-04-01', '2025-07-01'],
  ] as const)
    await bookPayments(db, ledger ?? 0, { start: at(start), end: at(end), transactions: 30 });
  await sql`UPDATE ledger.accounts SET name = 'Before ' || entity_id`.execute(db);
  await closeQuarter(house, run, '2025q1');
  await sql`UPDATE ledger.accounts SET name = 'After ' || entity_id`.execute(db);
  await closeQuarter(house, run, '2025q2');
});

afterAll(async () => {
  await house?.database.close();
  await home?.drop();
});

async function read(quarter: string, options?: TrialBalanceOptions): Promise<TrialBalanceRow[]> {
  return gather(readTrialBalance(house.database.read, quarter, options));
}

async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function* iterate(rows: readonly TrialBalanceRow[]) {
  yield* rows;
}

async function csvOf(rows: readonly TrialBalanceRow[]): Promise<string> {
  return (await gather(trialBalanceCsv(iterate(rows)))).join('');
}

describe('the trial balance', () => {
  it('has a row for every account that moved, with its name of then', async () => {
    const rows = await read('2025q1');
    expect(rows.map(({ ledger, account }) => `${ledger} ${account}`)).toEqual(
      ['a', 'b'].flatMap((ledger) => [1, 2, 3, 4].map((n) => `${ledger} user-${n}:WALLET`)),
    );
    const { rows: known } = await sql<{ net: string; debits: string; credits: string }>`
      SELECT sum(amount)::text AS net, (-sum(amount) FILTER (WHERE amount < 0))::text AS debits,
             (sum(amount) FILTER (WHERE amount > 0))::text AS credits
      FROM ledger.entries_2025q1 WHERE ledger_id IN (${ledgers[0]}, ${ledgers[1]})
      GROUP BY ledger_id, account_id ORDER BY ledger_id, account_id`.execute(house.database.read);
    expect(rows.map(({ closing: net, debits, credits }) => ({ net, debits, credits }))).toEqual(known);
    expect(rows[0]).toMatchObject({
      groupType: 'WALLET',
      name: 'Before user-1',
      currency: 'EUR',
      exponent: 2,
      opening: '0',
      moved: true,
    });
    expect((await read('2025q2'))[0]).toMatchObject({ name: 'After user-1', opening: rows[0]?.closing });
  });

  it('is of one ledger where one is named', async () => {
    const rows = await read('2025q1', { ledgerId: ledgers[1] });
    expect(new Set(rows.map(({ ledger }) => ledger))).toEqual(new Set(['b']));
    expect(await read('2025q2', { ledgerId: ledgers[1] })).toEqual([]);
  });

  it('has those that rested as well where they are asked for, and then sums to zero', async () => {
    const carried = await read('2025q2', { carried: true });
    const before = await read('2025q1', { ledgerId: ledgers[1] });
    expect(carried.filter(({ ledger }) => ledger === 'b')).toEqual(
      before.map((row) => ({ ...row, opening: row.closing, debits: '0', credits: '0', moved: false })),
    );
    expect(carried.filter(({ moved }) => moved)).toEqual(await read('2025q2'));
    for (const total of await trialBalanceTotals(house.database.read, '2025q2', { carried: true }))
      expect(total).toMatchObject({ opening: '0', closing: '0', accounts: 4n, currency: 'EUR', exponent: 2 });
  });

  it('has totals by ledger and currency', async () => {
    const sum = (rows: readonly TrialBalanceRow[], of: 'opening' | 'debits' | 'credits' | 'closing') =>
      rows.reduce((total, row) => total + BigInt(row[of]), 0n).toString();
    for (const options of [{}, { carried: true }, { ledgerId: ledgers[0] }]) {
      const rows = await read('2025q2', options);
      const expected = [...new Set(rows.map(({ ledger }) => ledger))].map((ledger) => {
        const mine = rows.filter((row) => row.ledger === ledger);
        return {
          ledger,
          currency: 'EUR',
          exponent: 2,
          accounts: BigInt(mine.length),
          opening: sum(mine, 'opening'),
          debits: sum(mine, 'debits'),
          credits: sum(mine, 'credits'),
          closing: sum(mine, 'closing'),
        };
      });
      expect(await trialBalanceTotals(house.database.read, '2025q2', options)).toEqual(expected);
    }
  });

  it('is of closed quarters that there are', async () => {
    await expect(read('2025q3')).rejects.toMatchObject({ kind: 'conflict', code: 'quarter_state' });
    await expect(read('1999q1')).rejects.toMatchObject({ code: 'no_such_quarter' });
    const totals = trialBalanceTotals(house.database.read, '2025q3');
    await expect(totals).rejects.toMatchObject({ code: 'quarter_state' });
  });

  it('is read over many pages, once each account, and a reader is told when it was made anew meanwhile', async () => {
    const db = house.database.write;
    const ledger = await createLedger(db, 'c', 12_000);
    // Every third account moved, and the last page is empty of them.
    await sql`
      INSERT INTO ledger.quarter_balances (ledger_id, quarter, account_id, opening, debits, credits, closing)
      SELECT ledger_id, '2025q2', id, 0, 0, 7, 7 FROM ledger.accounts
      WHERE ledger_id = ${ledger} AND id % 3 = 0 AND entity_id < 'user-9'`.execute(db);
    const rows = await read('2025q2', { ledgerId: ledger });
    const { rows: known } = await sql<{ n: bigint }>`
      SELECT count(*) AS n FROM ledger.quarter_balances WHERE ledger_id = ${ledger}`.execute(db);
    expect(BigInt(rows.length)).toBe(known[0]?.n);
    expect(new Set(rows.map(({ account }) => account)).size).toBe(rows.length);

    const reading = readTrialBalance(house.database.read, '2025q2');
    await reading.next();
    await reopenQuarter(house, { ...run, reason: 'late invoice' }, '2025q2');
    await closeQuarter(house, run, '2025q2');
    await expect(gather(reading)).rejects.toMatchObject({
      kind: 'conflict',
      code: 'trial_balance_changed',
    });
  });
});

const row: TrialBalanceRow = {
  ledger: 'main',
  account: 'user-1:WALLET',
  groupType: 'WALLET',
  name: 'Ann',
  currency: 'EUR',
  exponent: 2,
  opening: '-5',
  debits: '0',
  credits: '123456',
  closing: '123451',
  moved: true,
};

describe('the trial balance as CSV', () => {
  it('has a header, ends its lines as RFC 4180 says, and shows amounts for people and for programs', async () => {
    expect(await csvOf([row])).toBe(
      'ledger,account,group_type,name,currency,exponent,opening,debits,credits,closing,opening_minor,debits_minor,credits_minor,closing_minor,moved\r\n' +
        'main,user-1:WALLET,WALLET,Ann,EUR,2,-0.05,0.00,1234.56,1234.51,-5,0,123456,123451,true\r\n',
    );
    expect(await csvOf([])).toBe(`${csvColumns.join(',')}\r\n`);
  });

  it.each([
    ['=HYPERLINK("http://x")', `"'=HYPERLINK(""http://x"")"`],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t=1"],
    ['＝1+1', "'＝1+1"],
    ['\n=1', `"'\n=1"`],
    ['a=b', 'a=b'],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['', ''],
  ])('writes the text %j as %j', (text, cell) => {
    expect(textCell(text)).toBe(cell);
  });

  it('is read back as it was, whatever the names, and no text begins like a formula', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('=1+1', '"', '\r\n', '-', '@x', 'a,"b'),
    );
    const amount = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
    const rows = fc.array(
      fc.record({
        ledger: fc.constant('main'),
        account: text,
        groupType: text,
        name: text,
        currency: fc.constant('EUR'),
        exponent: fc.integer({ min: 0, max: 18 }),
        opening: amount,
        debits: amount,
        credits: amount,
        closing: amount,
        moved: fc.boolean(),
      }),
      { maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(rows, async (all) => {
        const records: Record<string, string>[] = parse(await csvOf(all), {
          columns: true,
          record_delimiter: '\r\n',
        });
        expect(records).toHaveLength(all.length);
        for (const [i, record] of records.entries()) {
          const { exponent = 0, ...given } = all[i] ?? row;
          for (const [column, value] of [
            ['account', given.account],
            ['group_type', given.groupType],
            ['name', given.name],
          ] as const) {
            expect(record[column]?.replace(/^'(?=[=+\-@\t\r\n＝＋－＠])/, '')).toBe(
              value.replace(/^'(?=[=+\-@\t\r\n＝＋－＠])/, ''),
            );
            expect(record[column]).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/);
          }
          expect(record.closing_minor).toBe(given.closing);
          const digits = record.closing?.replace('.', '') ?? '';
          expect(BigInt(digits)).toBe(BigInt(given.closing));
          expect(record.closing?.split('.')[1]?.length ?? 0).toBe(exponent);
        }
      }),
    );
  });

  it('comes in pieces, so that none grows with the quarter', async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => ({ ...row, account: `user-${i}:WALLET` }));
    const pieces = await gather(trialBalanceCsv(iterate(rows)));
    expect(pieces.length).toBeGreaterThan(10);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(100_000);
    expect(pieces.join('').split('\r\n')).toHaveLength(20_002);
  });
});
