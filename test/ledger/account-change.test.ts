import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { changeAccounts, createAccount } from '../../src/ledger/account-change.ts';
import { type AccountChange, type AccountResult, searchAccounts } from '../../src/ledger/account-list.ts';
import { createAccountCache } from '../../src/ledger/accounts.ts';
import { createPoster } from '../../src/ledger/post.ts';
import { type Book, brokenRules, openBook } from './fixture.ts';

let book: Book;
beforeAll(async () => {
  book = await openBook();
  await book.ensureQuarters(new Date(), new Date());
  await book.open({ address: 'bank:CASH', currency: 'EUR', minBalance: null });
});
afterAll(() => book.close());

const change = (...changes: AccountChange[]) =>
  changeAccounts(book.db, book.accounts, book.ledger.id, changes);
const kinds = (results: readonly AccountResult[]) =>
  results.map((result) => (result.kind === 'refused' ? result.code : result.kind));

/** Pays and says what became of it. */
async function pay(from: string, to: string, amount: bigint): Promise<string> {
  const posting = { from, to, amount, currency: 'EUR' };
  const [result] = await book.poster.post(book.ledger.id, [{ postings: [posting] }]);
  return result?.kind === 'refused' ? result.error.code : (result?.kind ?? 'nothing');
}

async function storedOf(entity: string) {
  const { rows } = await sql<{ account: string; listed: string; posted_by: string; min: bigint | null }>`
    SELECT a.entity_id || ':' || a.group_type AS account, a.status AS listed, b.status AS posted_by,
           b.min_balance AS min
    FROM ledger.accounts a LEFT JOIN ledger.balances b ON b.ledger_id = a.ledger_id AND b.account_id = a.id
    WHERE a.entity_id = ${entity} ORDER BY a.group_type, a.currency`.execute(book.db);
  return rows;
}

describe('accounts', () => {
  it('are created with their usual values, changed where something is given, and else left as they are', async () => {
    const account = { account: 'ann:WALLET', currency: 'EUR' };
    expect(await change(account)).toMatchObject([
      { kind: 'created', account: { ...account, name: '', status: 'ACTIVE' } },
    ]);
    expect(await storedOf('ann')).toMatchObject([{ listed: 'ACTIVE', posted_by: 'ACTIVE', min: 0n }]);
    expect(kinds(await change(account))).toEqual(['unchanged']);
    expect(await change({ ...account, name: 'Ann', minBalance: -5n })).toMatchObject([
      { kind: 'updated', account: { name: 'Ann', status: 'ACTIVE' } },
    ]);
    expect(await change({ ...account, status: 'BLOCKED' })).toMatchObject([
      { kind: 'updated', account: { name: 'Ann', status: 'BLOCKED' } },
    ]);
    expect(await storedOf('ann')).toMatchObject([{ listed: 'BLOCKED', posted_by: 'BLOCKED', min: -5n }]);
    expect(kinds(await change({ ...account, minBalance: null }))).toEqual(['updated']);
    expect(await storedOf('ann')).toMatchObject([{ min: null }]);
    expect(kinds(await change({ ...account, minBalance: null, name: 'Ann' }))).toEqual(['unchanged']);
  });

  it('have a result each, in order, and a refused one keeps none of the others back', async () => {
    const results = await change(
      { account: 'zoe:WALLET', currency: 'EUR' },
      { account: 'bob:WALLET', currency: 'XYZ' },
      { account: 'zoe:WALLET', currency: 'EUR', name: 'again' },
      { account: 'bank:CASH', currency: 'EUR', minBalance: null },
      { account: 'bob:WALLET', currency: 'EUR', status: 'CLOSED', minBalance: null, name: '"q\\' },
    );
    expect(kinds(results)).toEqual([
      'created',
      'unknown_currency',
      'duplicate_account',
      'unchanged',
      'created',
    ]);
    expect(results[4]).toMatchObject({ account: { name: '"q\\', status: 'CLOSED' } });
    expect(await storedOf('bob')).toMatchObject([{ listed: 'CLOSED', posted_by: 'CLOSED', min: null }]);
    expect(await change()).toEqual([]);
  });

  it('have exactly the phones they were given last', async () => {
    const phones = ['1', '2'].map((phoneNumber) => ({ countryCode: '+44', phoneNumber }));
    const [one, two] = phones as [(typeof phones)[0], (typeof phones)[0]];
    const account = { account: 'phone:WALLET', currency: 'EUR' };
    const found = async (phone: string) =>
      (await searchAccounts(book.db, book.ledger.id, { phone })).map((view) => view.account);
    expect(kinds(await change({ ...account, phones: [one, one] }))).toEqual(['created']);
    expect(kinds(await change({ ...account, phones: [one] }))).toEqual(['unchanged']);
    expect(kinds(await change({ ...account, phones: [two, one] }))).toEqual(['updated']);
    expect(await found('+441')).toEqual(['phone:WALLET']);
    expect(kinds(await change({ ...account, phones: [two] }))).toEqual(['updated']);
    expect([await found('+441'), await found('+442')]).toEqual([[], ['phone:WALLET']]);
    expect(kinds(await change({ ...account, name: 'x' }))).toEqual(['updated']);
    expect(await found('+442')).toEqual(['phone:WALLET']);
    expect(kinds(await change({ ...account, phones: [] }))).toEqual(['updated']);
    expect(await found('+442')).toEqual([]);
  });

  it('are known to postings at once', async () => {
    await change({ account: 'fresh:WALLET', currency: 'EUR' });
    await change({ account: 'fresh:WALLET', currency: 'USD' });
    expect([...(book.accounts.get(book.ledger.id, 'fresh:WALLET')?.keys() ?? [])]).toEqual(['EUR', 'USD']);
    expect(await pay('bank:CASH', 'fresh:WALLET', 1n)).toBe('created');
  });
});

describe('an account', () => {
  it('is closed only when nothing is on it, and may be opened again', async () => {
    const account = { account: 'till:CASH', currency: 'EUR' };
    await change(account);
    await pay('bank:CASH', 'till:CASH', 5n);
    const [refused] = await change({ ...account, status: 'CLOSED', name: 'kept back too' });
    expect(refused).toMatchObject({ kind: 'refused', code: 'account_not_empty' });
    expect(await storedOf('till')).toMatchObject([{ listed: 'ACTIVE', posted_by: 'ACTIVE' }]);
    await pay('till:CASH', 'bank:CASH', 5n);
    expect(kinds(await change({ ...account, status: 'CLOSED' }))).toEqual(['updated']);
    expect(await pay('bank:CASH', 'till:CASH', 5n)).toBe('account_not_active');
    expect(kinds(await change({ ...account, status: 'CLOSED', name: 'old till' }))).toEqual(['updated']);
    expect(kinds(await change({ ...account, status: 'ACTIVE' }))).toEqual(['updated']);
    expect(await pay('bank:CASH', 'till:CASH', 5n)).toBe('created');
  });

  it.each(['pending_out', 'pending_in'])('is not closed while something is pending: %s', async (column) => {
    const account = { account: `${column}:HELD`, currency: 'EUR' };
    await change(account);
    await sql`UPDATE ledger.balances SET ${sql.ref(column)} = 1
              WHERE account_id = (SELECT id FROM ledger.accounts WHERE entity_id = ${column})`.execute(
      book.db,
    );
    expect(kinds(await change({ ...account, status: 'CLOSED' }))).toEqual(['account_not_empty']);
    await sql`UPDATE ledger.balances SET ${sql.ref(column)} = 0`.execute(book.db);
  });

  it('may get a limit above what it holds, and then only takes', async () => {
    const account = { account: 'low:WALLET', currency: 'EUR' };
    await change(account);
    await pay('bank:CASH', 'low:WALLET', 5n);
    expect(kinds(await change({ ...account, minBalance: 8n }))).toEqual(['updated']);
    expect(await pay('low:WALLET', 'bank:CASH', 1n)).toBe('insufficient_funds');
    expect(await pay('bank:CASH', 'low:WALLET', 4n)).toBe('created');
    expect(await pay('low:WALLET', 'bank:CASH', 1n)).toBe('created');
  });

  it('that exists is not created, nor changed by that', async () => {
    const account = { account: 'once:WALLET', currency: 'EUR', name: 'first' };
    const create = (what: AccountChange) => createAccount(book.db, book.accounts, book.ledger.id, what);
    expect(await create(account)).toMatchObject(account);
    await expect(create({ ...account, name: 'second' })).rejects.toMatchObject({
      kind: 'conflict',
      code: 'account_exists',
    });
    await expect(create({ ...account, currency: 'XYZ' })).rejects.toMatchObject({
      kind: 'invalid',
      code: 'unknown_currency',
    });
    expect(await searchAccounts(book.db, book.ledger.id, { entityId: 'once' })).toMatchObject([account]);
  });
});

/** So many names, in an order of each caller's own. */
function shuffled(prefix: string, count: number, caller: number): string[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `${prefix}-${index}:CASH`,
    at: Math.sin(caller * 97 + index * 31),
  }))
    .sort((a, b) => a.at - b.at)
    .map(({ name }) => name);
}

it('many who create the same accounts at once, in different orders, make each once and never deadlock', async () => {
  const database = openDatabase({ databaseUrl: book.url, poolMax: 12 });
  const deadlocks = await countDeadlocks();
  for (let round = 0; round < 4; round++) {
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, caller) =>
        changeAccounts(
          database.write,
          createAccountCache(),
          book.ledger.id,
          shuffled(`new-${round}`, 400, caller).map((account) => ({ account, currency: 'EUR' })),
        ),
      ),
    );
    expect(results.flat().filter(({ kind }) => kind === 'created')).toHaveLength(400);
    expect(results.flat().filter(({ kind }) => kind === 'unchanged')).toHaveLength(11 * 400);
  }
  await database.close();
  expect(await countDeadlocks()).toBe(deadlocks);
});

it('many who create, change and post to the same accounts at once make each once and never deadlock', async () => {
  const processes = Array.from({ length: 2 }, () => {
    const database = openDatabase({ databaseUrl: book.url, poolMax: 12 });
    const accounts = createAccountCache();
    const poster = createPoster({ db: database.write, calendar: book.calendar, accounts });
    return { database, accounts, poster };
  });
  await book.open({ address: 'rush-0:CASH', currency: 'EUR', minBalance: null });
  const deadlocks = await countDeadlocks();
  const calls = Array.from({ length: 20 }, async (_, call) => {
    const { database, accounts, poster } = processes[call % 2] as (typeof processes)[0];
    const results = await changeAccounts(
      database.write,
      accounts,
      book.ledger.id,
      shuffled('rush', 60, call).map((account) => ({
        account,
        currency: 'EUR',
        name: `call ${call}`,
        minBalance: null,
        status: call % 2 === 0 ? ('BLOCKED' as const) : ('ACTIVE' as const),
        phones: [{ countryCode: '+1', phoneNumber: String(call) }],
      })),
    );
    const postings = shuffled('rush', 60, call + 100).map((to) => ({
      from: 'bank:CASH',
      to,
      amount: 1n,
      currency: 'EUR',
    }));
    await poster.post(
      book.ledger.id,
      postings.map((posting) => ({ postings: [posting] })),
    );
    return results;
  });
  const results = (await Promise.all(calls)).flat();
  await Promise.all(processes.map(({ database }) => database.close()));
  // The statistics of a session are told at its end at the latest.
  expect(await countDeadlocks()).toBe(deadlocks);

  expect(results.filter(({ kind }) => kind === 'created')).toHaveLength(59);
  expect(kinds(results).filter((kind) => kind !== 'created' && kind !== 'updated')).toEqual([]);
  const { rows } = await sql`
    SELECT count(*)::int AS accounts, count(b.*)::int AS balances, count(DISTINCT a.name)::int AS names,
           bool_and(a.status = b.status) AS same_status,
           bool_and(('call ' || p.phone_number) = a.name) AS same_call, count(p.*)::int AS phones
    FROM ledger.accounts a
    LEFT JOIN ledger.balances b ON b.ledger_id = a.ledger_id AND b.account_id = a.id
    LEFT JOIN ledger.account_phones p ON p.ledger_id = a.ledger_id AND p.account_id = a.id
    WHERE a.entity_id LIKE 'rush-%'`.execute(book.db);
  // All of the last call, or all of another one: calls do not mix.
  expect(rows).toEqual([
    { accounts: 60, balances: 60, names: 1, same_status: true, same_call: true, phones: 60 },
  ]);
  expect(await brokenRules(book.db)).toEqual([]);
});

async function countDeadlocks(): Promise<bigint> {
  const { rows } = await sql<{ deadlocks: bigint }>`
    SELECT deadlocks FROM pg_catalog.pg_stat_database WHERE datname = current_database()`.execute(book.db);
  return rows[0]?.deadlocks ?? -1n;
}
