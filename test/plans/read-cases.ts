import { sql } from 'kysely';
import type { Case } from './expected.ts';
import { listShapes } from './list-shapes.ts';
import { IDLE } from './loaded.ts';
import { otherShapes } from './other-shapes.ts';

export const readCases: readonly Case[] = [...listShapes, ...otherShapes].map(
  ([name, of, parameters, shape]) => ({
    name,
    of,
    parameters,
    shape,
  }),
);

export const pointCases: readonly Case[] = [
  {
    name: 'a transaction by its id with its entries, in one quarter',
    of: 'transaction_by_id',
    parameters: ({ at, id }) => [1, at, id],
    shape: { indexes: ['transactions_pkey', 'entries_pkey'], quarters: ['2023q3'], buffers: 16 },
  },
  {
    name: 'many transactions, each in one quarter',
    of: 'transactions_by_id',
    parameters: ({ at, id }) => [1, [at], [id]],
    shape: { indexes: ['transactions_pkey'], quarters: ['2023q3'], buffers: 5 },
  },
  {
    name: 'the entries of many transactions, each in one quarter',
    of: 'entries_of_transactions',
    parameters: ({ at, id, accountIds }) => [1, [at], [id], [accountIds[0]]],
    shape: { indexes: ['entries_pkey', 'accounts_pkey'], quarters: ['2023q3'], buffers: 20 },
  },
  {
    name: 'a balance in an archived quarter, by one probe more',
    of: 'balance_before',
    parameters: [1, IDLE, '2023-09-09T00:00:00Z', '9223372036854775807', '2023-09-08'],
    shape: {
      indexes: ['entries_pkey', 'daily_balances_pkey'],
      buffers: 60,
      seqScans: ['quarters'],
      sorted: 2,
    },
    prepare: async (db) => {
      await sql`
        UPDATE quartermaster.quarters SET state = 'detached' WHERE quarter IN ('2023q1', '2023q2')`.execute(
        db,
      );
      await sql`
        INSERT INTO ledger.daily_balances (ledger_id, account_id, snapshot_date, closing_balance)
        SELECT 1, ${IDLE}::bigint, date '2023-01-01' + n, n FROM generate_series(1, 80) AS n`.execute(db);
    },
  },
];
