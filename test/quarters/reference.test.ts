import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { fixReference } from '../../src/quarters/reference.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openHouse, run } from './support.ts';
import { bookPayments, createLedger } from './support-ledger.ts';
import { sumUp } from './support-summaries.ts';

let home: TestDatabase;
let house: QuarterHouse;
const at = (text: string) => new Date(text);
const [start, end] = [at('2025-04-01T00:00:00Z'), at('2025-07-01T00:00:00Z')];

beforeAll(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { premake: 1, now: '2025-07-11T00:00:00Z' });
  const db = house.database.write;
  await ensureQuarters(house, run, start, end);
  const ledger = await createLedger(db, 'a', 4);
  await bookPayments(db, ledger, { start, end, transactions: 20 });
  await sql`
    INSERT INTO ledger.accounts (ledger_id, entity_id, group_type, currency, name)
    VALUES (${ledger}, 'shop', 'CASH', 'JPY', 'Shop'), (${ledger}, 'nobody', 'CASH', 'KWD', 'Never named')`.execute(
    db,
  );
  await sql`
    INSERT INTO ledger.transactions (ledger_id, created_at, id, status, currency, amount, account_ids)
    SELECT ledger_id, '2025-05-05 00:00:00+00', gen_random_uuid(), 'FAILED', 'CHF', 5, ARRAY[id]
    FROM ledger.accounts WHERE ledger_id = ${ledger} AND entity_id = 'shop'`.execute(db);
  await sumUp(db, ledger, start, new Date(end.getTime() - 1));
});

afterAll(async () => {
  await house?.database.close();
  await home?.drop();
});

async function kept() {
  const db = house.database.write;
  const accounts = await db
    .selectFrom('ledger.quarter_accounts')
    .select(['entity_id', 'group_type', 'currency', 'name', 'status'])
    .where('ledger_id', '=', 1)
    .where('quarter', '=', '2025q2')
    .orderBy('account_id')
    .execute();
  const currencies = await db
    .selectFrom('quartermaster.quarter_currencies')
    .select(['code', 'exponent'])
    .where('quarter', '=', '2025q2')
    .orderBy('code')
    .execute();
  return { accounts, currencies };
}

describe('reference data', () => {
  it('are kept as they are at close: the accounts that transactions and balances name, and all currencies', async () => {
    await closeQuarter(house, run, '2025q2');
    await sql`UPDATE ledger.accounts SET name = 'Other', status = 'CLOSED'`.execute(house.database.write);
    const wallet = { group_type: 'WALLET', currency: 'EUR', name: '', status: 'ACTIVE' };
    expect(await kept()).toEqual({
      accounts: [
        ...[1, 2, 3, 4].map((n) => ({ entity_id: `user-${n}`, ...wallet })),
        { entity_id: 'shop', group_type: 'CASH', currency: 'JPY', name: 'Shop', status: 'ACTIVE' },
      ],
      currencies: [
        { code: 'CHF', exponent: 2 },
        { code: 'EUR', exponent: 2 },
        { code: 'JPY', exponent: 0 },
      ],
    });
  });

  it('are taken anew when they are taken again, with nothing left of before', async () => {
    await house.database.write
      .insertInto('quartermaster.quarter_currencies')
      .values({ quarter: '2025q2', code: 'XAF', exponent: 0 })
      .execute();
    const fix = () => house.database.direct.transaction().execute((trx) => fixReference(trx, '2025q2'));
    await fix();
    await fix();
    const { accounts, currencies } = await kept();
    expect(accounts.map(({ name }) => name)).toEqual(Array(5).fill('Other'));
    expect(currencies.map(({ code }) => code)).toEqual(['CHF', 'EUR', 'JPY']);
  });
});
