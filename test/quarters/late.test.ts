import { Readable } from 'node:stream';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { toAppError } from '../../src/db/sqlstate.ts';
import { createAccounts } from '../../src/ledger/account-create.ts';
import { createAccountCache } from '../../src/ledger/accounts.ts';
import { load } from '../../src/ledger/load.ts';
import { createPoster, type PostResult } from '../../src/ledger/post.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { createQuarter, ensureQuarters } from '../../src/quarters/create.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { reopenQuarter } from '../../src/quarters/reopen.ts';
import { refreshSummaries } from '../../src/summaries/refresh.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openHouse, run } from './support.ts';

let home: TestDatabase;
let house: QuarterHouse;
let admin: Database;
const at = (text: string) => new Date(text);
const ann = { actor: 'ann', reason: 'late invoice' };
const ledgerId = 1;

/** All accounts of ledger `main` may go below zero. The first two quarters of 2025 hold a payment each and are closed. */
beforeAll(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { premake: 1, now: '2025-11-11T00:00:00Z' });
  admin = openDatabase({ databaseUrl: home.adminUrl, poolMax: 2 });
  await ensureQuarters(house, run, at('2025-01-01T00:00:00Z'), at('2025-11-11T00:00:00Z'));
  // What is posted without a time of its own is posted now, by the server's clock.
  const { rows } = await sql<{ now: Date }>`SELECT now() AS now`.execute(house.database.write);
  await createQuarter(house, run, house.calendar.quarterOf(rows[0]?.now ?? at('')).name);
  await house.database.write.insertInto('ledger.ledgers').values({ name: 'main' }).execute();
  const accounts = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => ({
    address: `${name}:CASH`,
    currency: 'EUR',
    minBalance: null,
  }));
  await createAccounts(house.database.write, ledgerId, accounts);
  expect(await post(pay('a', 'b', '2025-02-02'), pay('c', 'd', '2025-05-05'))).toEqual([
    'created',
    'created',
  ]);
  await refresh();
  for (const quarter of ['2025q1', '2025q2']) await closeQuarter(house, run, quarter);
});

afterAll(async () => {
  await house?.database.close();
  await admin?.close();
  await home?.drop();
});

async function refresh(): Promise<void> {
  await refreshSummaries({ database: house.database, calendar: house.calendar });
}

function pay(from: string, to: string, day?: string) {
  const postings = [{ from: `${from}:CASH`, to: `${to}:CASH`, amount: 100n, currency: 'EUR' }];
  return { postings, ...(day === undefined ? {} : { createdAt: at(`${day}T12:00:00Z`) }) };
}

async function postAll(...requests: ReturnType<typeof pay>[]): Promise<PostResult[]> {
  const { database, calendar } = house;
  const poster = createPoster({ db: database.write, calendar, accounts: createAccountCache() });
  return poster.post(ledgerId, requests);
}

async function post(...requests: ReturnType<typeof pay>[]): Promise<string[]> {
  return (await postAll(...requests)).map((one) => (one.kind === 'refused' ? one.error.code : one.kind));
}

const columns = '(ledger_id, account_id, created_at, version, transaction_id, amount, balance_after)';
const values = (time: string, version = 99) =>
  `VALUES (1, 1, '${time}', ${version}, gen_random_uuid(), 1, 1)`;
const late = '2025-05-05 05:05:05+00';
const open = '2025-08-08 08:08:08+00';

describe('a late row from any client', () => {
  it.each([
    ['an insert', `INSERT INTO ledger.entries ${columns} ${values(late)}`],
    ['an insert into the partition', `INSERT INTO ledger.entries_2025q2 ${columns} ${values(late)}`],
    [
      'an insert with others that could stay',
      `INSERT INTO ledger.entries ${columns} ${values(open)}, ${values(late).slice(7)}`,
    ],
    [
      'an insert of what is there',
      `INSERT INTO ledger.entries ${columns} SELECT ledger_id, account_id, created_at, version + 90, transaction_id, amount, balance_after
       FROM ledger.entries_2025q2`,
    ],
    [
      'an insert that would do nothing on a conflict',
      `INSERT INTO ledger.entries ${columns} ${values(late)} ON CONFLICT DO NOTHING`,
    ],
    [
      'a transaction',
      `INSERT INTO ledger.transactions (ledger_id, created_at, id, status, currency, amount, account_ids)
       VALUES (1, '${late}', gen_random_uuid(), 'FAILED', 'EUR', 1, '{}')`,
    ],
    ['the last instant', `INSERT INTO ledger.entries ${columns} ${values('2025-06-30 23:59:59.999+00')}`],
    [
      'a COPY',
      `COPY ledger.entries FROM PROGRAM 'printf "1\\t1\\t2025-05-05\\t99\\t01940000-0000-7000-8000-000000000000\\t1\\t1\\n"'`,
    ],
    [
      'a COPY into the partition',
      `COPY ledger.entries_2025q2 FROM PROGRAM 'printf "1\\t1\\t2025-05-05\\t99\\t01940000-0000-7000-8000-000000000000\\t1\\t1\\n"'`,
    ],
    ['an update', `UPDATE ledger.entries SET amount = amount WHERE created_at = '2025-05-05 12:00:00+00'`],
    ['an update of the partition', 'UPDATE ledger.transactions_2025q2 SET amount = amount + 1'],
    [
      'an update that moves a row in from an open quarter',
      `UPDATE ledger.entries SET created_at = '${late}' WHERE created_at = '${open}'`,
    ],
    [
      'a merge',
      `MERGE INTO ledger.entries AS e USING (SELECT 1) AS one (n) ON false WHEN NOT MATCHED THEN INSERT ${columns} ${values(late)}`,
    ],
  ])('is refused by PostgreSQL itself, superusers included: %s', async (_, statement) => {
    await admin.write
      .transaction()
      .execute(async (trx) => {
        await sql.raw(`INSERT INTO ledger.entries ${columns} ${values(open, 98)}`).execute(trx);
        const error = await sql
          .raw(statement)
          .execute(trx)
          .then(() => undefined, toAppError);
        expect(error).toMatchObject({
          kind: 'refused',
          code: 'quarter_closed',
          cause: { code: '23514', constraint: 'quarter_closed' },
        });
        expect(error?.detail).toMatch(/^2025q2 is closed.*effective_at.*quarters reopen 2025q2/);
        throw new Error('taken back');
      })
      .catch((error: Error) => expect(error.message).toBe('taken back'));
    const { rows } = await sql`SELECT count(*) AS n FROM ledger.entries`.execute(admin.read);
    expect(rows).toEqual([{ n: 4n }]);
  });

  it('cannot even be tried where it would change or remove one, by the role the software runs as', async () => {
    for (const statement of [
      `UPDATE ledger.entries SET created_at = '${open}'`,
      'DELETE FROM ledger.entries_2025q2',
      'TRUNCATE ledger.entries_2025q2',
    ]) {
      const error = await sql
        .raw(statement)
        .execute(house.database.write)
        .then(() => undefined, toAppError);
      expect(error, statement).toMatchObject({ code: 'insufficient_privilege' });
    }
  });
});

describe('a late posting', () => {
  it('is refused with the way to book it, which works, and lets its neighbours pass', async () => {
    const [refused, booked] = await postAll(pay('e', 'f', '2025-05-06'), pay('e', 'f', '2025-08-08'));
    expect(refused).toMatchObject({
      kind: 'refused',
      error: { code: 'quarter_closed', detail: expect.stringContaining('effective_at') },
    });
    expect(booked).toMatchObject({ kind: 'created' });
    const now = { ...pay('e', 'f'), effectiveAt: at('2025-05-06T12:00:00Z') };
    expect(await postAll(now)).toMatchObject([{ kind: 'created' }]);
  });

  it('of a load is a bad row that says so', async () => {
    const text = `created_at,debit_account,credit_account,amount,currency\n2025-05-07T12:00:00Z,a:CASH,b:CASH,1.00,EUR\n`;
    const { database, calendar, clock } = house;
    const loading = load(
      {
        database,
        calendar,
        clock,
        accounts: createAccountCache(),
        ensureQuarters: async (from, to) => void (await ensureQuarters(house, run, from, to)),
        finish: async () => {},
        oldest: house.oldest,
      },
      {
        ledger: 'main',
        amounts: 'decimal',
        id: 'late',
        source: { stream: Readable.from([Buffer.from(text)]) },
      },
    );
    await expect(loading).rejects.toMatchObject({
      code: 'bad_row',
      detail: expect.stringMatching(/line 2, column created_at: .*effective_at/),
    });
  });

  it('into a quarter that is being closed is refused alone, though the quarter is open by its state', async () => {
    await refresh();
    let meanwhile: string[] = [];
    const step = async (name: string) => {
      if (name === 'close.fenced') meanwhile = await post(pay('e', 'f', '2025-09-09'), pay('a', 'c'));
    };
    await closeQuarter(house, { ...run, step }, '2025q3');
    expect(meanwhile).toEqual(['quarter_closed', 'created']);
  });
});

describe('a row that belongs into a closed quarter', () => {
  it('is booked there once it is reopened, is summed up, and is in all closes from then on', async () => {
    const digests = async () =>
      Promise.all(
        ['2025q1', '2025q2', '2025q3'].map(
          async (name) => (await readQuarter(house.database.write, name)).digest,
        ),
      );
    const before = await digests();
    await createAccounts(house.database.write, ledgerId, [
      { address: 'new:CASH', currency: 'EUR', minBalance: null },
      { address: 'newer:CASH', currency: 'EUR', minBalance: null },
    ]);
    await reopenQuarter(house, ann, '2025q1');
    // Nothing is posted before an account's last entry: that takes an account that has not moved since.
    expect(await post(pay('new', 'newer', '2025-03-03'), pay('c', 'd', '2025-03-03'))).toEqual([
      'created',
      'out_of_order',
    ]);
    await expect(closeQuarter(house, run, '2025q1')).rejects.toMatchObject({ code: 'summaries_outstanding' });
    await refresh();
    expect(await closeQuarter(house, run, '2025q1')).toMatchObject({ closed: true, transactions: 2n });
    for (const quarter of ['2025q2', '2025q3'])
      expect(await closeQuarter(house, run, quarter)).toMatchObject({ closed: true });
    const [first, ...others] = await digests();
    expect(first).not.toBe(before[0]);
    expect(others).toEqual(before.slice(1));
  });
});
