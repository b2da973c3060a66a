import { readFile } from 'node:fs/promises';
import { CompiledQuery, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeAccounts } from '../../src/ledger/account-change.ts';
import { type AccountSearch, searchAccounts } from '../../src/ledger/account-list.ts';
import { findAccount } from '../../src/ledger/account-of.ts';
import { createAccountCache, resolveAccounts } from '../../src/ledger/accounts.ts';
import { type Book, openBook } from './fixture.ts';

let book: Book;
let crowd: bigint[];

beforeAll(async () => {
  book = await openBook();
  const { db, accounts, ledger } = book;
  await changeAccounts(db, accounts, ledger.id, [
    { account: 'ann:WALLET', currency: 'EUR', name: 'Ann, everyday' },
    { account: 'ann:WALLET', currency: 'USD', status: 'BLOCKED' },
    { account: 'ann:SAVINGS', currency: 'EUR', phones: [{ countryCode: '+49', phoneNumber: '151234' }] },
    // Two ways to cut the same number are one account twice.
    {
      account: 'anna:WALLET',
      currency: 'EUR',
      phones: [
        { countryCode: '+49', phoneNumber: '151234' },
        { countryCode: '+491', phoneNumber: '51234' },
      ],
    },
  ]);
  // Enough that a plan which reads them all would be seen to.
  await sql`
    WITH made AS (
      INSERT INTO ledger.accounts (ledger_id, entity_id, group_type, currency)
      SELECT ${ledger.id}, 'crowd-' || n / 10, 'G' || n % 10, 'EUR' FROM generate_series(0, 49999) AS n
      RETURNING ledger_id, id
    )
    INSERT INTO ledger.account_phones (ledger_id, account_id, country_code, phone_number)
    SELECT ledger_id, id, '+1', id::text FROM made`.execute(db);
  await db.transaction().execute(async (trx) => {
    // The test server commits without waiting for its log, and what is not flushed is not yet visible to all.
    await sql`SET LOCAL synchronous_commit = on`.execute(trx);
    await sql`
      INSERT INTO ledger.accounts (ledger_id, entity_id, group_type, currency)
      SELECT ${ledger.id}, 'hoarder', 'G' || n / 2, CASE n % 2 WHEN 0 THEN 'EUR' ELSE 'USD' END
      FROM generate_series(1, 1001) AS n`.execute(trx);
  });
  await sql`VACUUM ANALYZE ledger.accounts, ledger.account_phones`.execute(db);
  crowd = (await search({ entityId: 'crowd-7' })).map(({ id }) => id);
});
afterAll(() => book.close());

const search = (how: AccountSearch) => searchAccounts(book.db, book.ledger.id, how);
const find = (account: string, currency?: string) =>
  findAccount(book.db, book.accounts, book.ledger.id, account, currency);
const names = async (how: AccountSearch) =>
  (await search(how)).map(({ account, currency }) => `${account} ${currency}`);

describe('accounts are found', () => {
  it('by their entity, in the order of group and currency, with name and status', async () => {
    expect(await search({ entityId: 'ann' })).toMatchObject([
      { account: 'ann:SAVINGS', currency: 'EUR', name: '', status: 'ACTIVE' },
      { account: 'ann:WALLET', currency: 'EUR', name: 'Ann, everyday', status: 'ACTIVE' },
      { account: 'ann:WALLET', currency: 'USD', name: '', status: 'BLOCKED' },
    ]);
    expect(await search({ entityId: 'nobody' })).toEqual([]);
  });

  it('by their entity and some groups', async () => {
    expect(await names({ entityId: 'ann', groupTypes: ['WALLET', 'NONE'] })).toEqual([
      'ann:WALLET EUR',
      'ann:WALLET USD',
    ]);
    expect(await names({ entityId: 'ann', groupTypes: [] })).toEqual([]);
  });

  it('by phone, each once', async () => {
    expect(await names({ phone: '+49151234' })).toEqual(['ann:SAVINGS EUR', 'anna:WALLET EUR']);
    expect(await names({ phone: '+4915123' })).toEqual([]);
  });

  it('by ids, of which some are nobody’s, or no bigint at all', async () => {
    const [first, second] = crowd as [bigint, bigint];
    expect(await names({ ids: [second, first, second, 10n ** 15n, 2n ** 64n, -1n] })).toEqual([
      'crowd-7:G0 EUR',
      'crowd-7:G1 EUR',
    ]);
    expect(await search({ ids: [] })).toEqual([]);
  });

  it('in their own ledger only', async () => {
    const elsewhere = book.ledger.id + 1;
    for (const how of [{ entityId: 'ann' }, { phone: '+49151234' }, { ids: crowd }]) {
      expect(await searchAccounts(book.db, elsewhere, how)).toEqual([]);
    }
  });

  it('up to 1000, and not a part of more', async () => {
    await expect(search({ entityId: 'hoarder' })).rejects.toMatchObject({
      kind: 'invalid',
      code: 'too_many_accounts',
      detail: expect.stringContaining('group_type'),
    });
    expect(await search({ entityId: 'hoarder', groupTypes: ['G1', 'G2'] })).toHaveLength(4);
  });
});

describe('one account is found', () => {
  it('by its id, and by its address and currency', async () => {
    const found = await find('ann:WALLET', 'USD');
    expect(found).toMatchObject({ account: 'ann:WALLET', currency: 'USD', status: 'BLOCKED' });
    expect(await find(String(found.id))).toEqual(found);
    expect(await find('ann:SAVINGS')).toMatchObject({ currency: 'EUR' });
  });

  it('when its address has several currencies only if one is named', async () => {
    await expect(find('ann:WALLET')).rejects.toMatchObject({
      kind: 'invalid',
      code: 'currency_required',
      detail: expect.stringContaining('EUR, USD'),
    });
  });

  it.each([
    ['ghost:WALLET', undefined],
    ['ann:WALLET', 'GBP'],
    ['no address', undefined],
    ['999999999999', undefined],
    ['9999999999999999999', undefined],
    ['', undefined],
  ])('and %j in %j is not', async (account, currency) => {
    await expect(find(account, currency)).rejects.toMatchObject({
      kind: 'not_found',
      code: 'account_not_found',
    });
  });

  it('and known to the cache from then on', async () => {
    const cache = createAccountCache();
    const { id } = await findAccount(book.db, cache, book.ledger.id, 'ann:WALLET', 'EUR');
    const never = undefined as never;
    const names = new Map([['EUR', new Set(['ann:WALLET'])]]);
    expect(await resolveAccounts(never, cache, book.ledger.id, names)).toEqual([
      { id, address: 'ann:WALLET', currency: 'EUR' },
    ]);
  });
});

describe('the plan', () => {
  it.each([
    ['accounts_of_entity', ['crowd-7', 1001]],
    ['accounts_of_groups', ['crowd-7', '{G1,G2}', 1001]],
  ])('of %s is an index-only scan in the order of the index', async (name, parameters) => {
    const plan = await planOf(name, parameters);
    expect(plan).toMatch(/Index Only Scan using accounts_address_key/);
    expect(plan).toMatch(/Heap Fetches: 0/);
    expect(plan).not.toMatch(/Sort|Filter/);
    expect(buffersOf(plan)).toBeLessThanOrEqual(8);
  });

  it('of accounts_by_phone goes by the index of numbers', async () => {
    const plan = await planOf('accounts_by_phone', [`+1${crowd[0]}`, 1001]);
    expect(plan).toMatch(/Index Scan using account_phones_number_idx/);
    expect(plan).toMatch(/Index Scan using accounts_pkey/);
    expect(buffersOf(plan)).toBeLessThanOrEqual(16);
  });

  it('of accounts_by_id goes by the key', async () => {
    const plan = await planOf('accounts_by_id', [`{${crowd.join(',')}}`]);
    expect(plan).toMatch(/(Index|Bitmap Index) Scan (using|on) accounts_pkey/);
    expect(buffersOf(plan)).toBeLessThanOrEqual(40);
  });
});

async function planOf(name: string, parameters: unknown[]): Promise<string> {
  const text = await readFile(`sql/queries/${name}.sql`, 'utf8');
  const { rows } = await book.db.executeQuery<Record<string, string>>(
    CompiledQuery.raw(`EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) ${text.replace(/^--.*\n/gm, '')}`, [
      book.ledger.id,
      ...parameters,
    ]),
  );
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}

/** Pages the whole statement touched. */
function buffersOf(plan: string): number {
  const [, hit = '0', , read = '0'] = /Buffers: shared(?: hit=(\d+))?( read=(\d+))?/.exec(plan) ?? [];
  return Number(hit) + Number(read);
}
