import { updateAccounts } from '../../src/ledger/account-change-rows.ts';
import type { Case } from './expected.ts';
import { reading } from './sent.ts';

/** What a change of accounts writes, and then takes back. */
function changing(table: string, count: number) {
  return reading(`UPDATE ledger.${table} `, async (_, db) => {
    const trx = await db.startTransaction().execute();
    const accounts = Array.from({ length: count }, (_, n) => ({
      id: BigInt(1 + n * 19),
      name: 'changed',
      status: 'ACTIVE' as const,
      minBalance: null,
      empty: false,
    }));
    try {
      await updateAccounts(trx, 1, accounts);
    } finally {
      await trx.rollback().execute();
    }
  });
}

/** Changes of accounts, as they are sent up to a thousand at once. None reads all accounts there are. */
export const changeCases: readonly Case[] = [
  {
    name: 'the balances of an account',
    of: 'change_balances',
    made: changing('balances', 1),
    shape: {
      indexes: ['balances_pkey'],
      buffers: 20,
      hashed: true,
      writes: { balances: '1 updated, 1 hot' },
    },
  },
  {
    name: 'the balances of many accounts',
    of: 'change_balances',
    made: changing('balances', 500),
    shape: {
      indexes: ['balances_pkey'],
      buffers: 4000,
      hashed: true,
      writes: { balances: '500 updated, 500 hot' },
    },
  },
  {
    name: 'the names of many accounts',
    of: 'change_accounts',
    made: changing('accounts', 500),
    shape: { indexes: ['accounts_pkey'], buffers: 16_000, hashed: true, writes: { accounts: '500 updated' } },
  },
];
