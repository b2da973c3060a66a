import { BANK, IDLE } from './loaded.ts';
import type { Shape } from './plan.ts';

const END = '2024-12-31T12:00:00Z';
const LAST = '9223372036854775807';
const DAYS = ['-infinity', 'infinity'];
const no = [null, null];

/** One day that is counted from its rows, about 820 of them. */
const liveDay = [['2024-12-20'], ['2024-12-20'], ['2024-12-20T00:00:00Z'], ['2024-12-21T00:00:00Z']];

/** Small tables of the service's own: some rows a quarter, and what was posted since the last minute. */
const seqScans = ['quarters', 'summary_marks'];

export const otherShapes: readonly [string, string, readonly unknown[], Shape][] = [
  ['the balance of now', 'balance_now', [1, 77], { indexes: ['balances_pkey'], buffers: 4 }],
  [
    'a balance long ago, by one probe',
    'balance_before',
    [1, 77, '2023-05-05T00:00:00Z', LAST, '2023-05-04'],
    { indexes: ['entries_pkey'], quarters: ['2023q2'], buffers: 12, seqScans, sorted: 0 },
  ],
  [
    'the balance of an account that never moved, by a probe of each quarter',
    'balance_before',
    [1, IDLE, END, LAST, '2024-12-31'],
    {
      indexes: ['entries_pkey'],
      quarters: ['2023q1', '2023q2', '2023q3', '2023q4', '2024q1', '2024q2', '2024q3', '2024q4'],
      buffers: 50,
      seqScans,
      sorted: 0,
    },
  ],
  // Of each line its entry and its transaction, with the pages of the index above that.
  [
    'a page of a statement',
    'statement_lines',
    [1, BANK, '2023-05-05T00:00:00Z', 0, END, LAST, 51],
    { indexes: ['entries_pkey', 'transactions_pkey'], quarters: ['2023q2'], buffers: 270 },
  ],
  [
    'a page of a statement across quarters',
    'statement_lines',
    [1, 77, '2023-05-05T00:00:00Z', 0, END, LAST, 51],
    { indexes: ['entries_pkey', 'transactions_pkey'], buffers: 300 },
  ],
  [
    'the total of a ledger, some rows a day',
    'summed_days',
    [1, ...DAYS, ...no],
    { indexes: ['daily_totals_pkey'], buffers: 40, seqScans },
  ],
  [
    'the total of a user, from the index alone',
    'summed_days_of_user',
    [1, ...DAYS, ...no, 'user-heavy'],
    {
      indexes: ['daily_transaction_summary_user_idx'],
      indexOnly: ['daily_transaction_summary_user_idx'],
      buffers: 40,
      seqScans,
    },
  ],
  [
    'the total of a ledger with a day that is not summed up',
    'count_days',
    [1, ...DAYS, ...liveDay, ...no],
    {
      indexes: ['daily_totals_pkey', 'transactions_pkey'],
      quarters: ['2024q4'],
      buffers: 75,
      seqScans,
      removed: 3,
    },
  ],
  [
    'the total of a user with a day that is not summed up',
    'count_days_of_user',
    [1, ...DAYS, ...liveDay, ['SUCCESS', 'FAILED'], null, 'user-heavy'],
    {
      indexes: ['daily_transaction_summary_user_idx', 'transactions_user_idx'],
      indexOnly: ['daily_transaction_summary_user_idx'],
      quarters: ['2024q4'],
      buffers: 100,
      seqScans,
      removed: 3,
    },
  ],
  [
    'accounts by their addresses, from the index alone',
    'accounts_by_address',
    [1, ['user-77', 'bank'], ['WALLET', 'CASH']],
    { indexes: ['accounts_address_key'], indexOnly: ['accounts_address_key'], buffers: 12 },
  ],
  [
    'idempotency keys',
    'idempotency_keys_by_key',
    [1, ['key-6', 'key-120', 'nobody']],
    { indexes: ['idempotency_keys_pkey'], buffers: 16 },
  ],
  [
    'an account by its id',
    'accounts_by_id',
    [1, [77, 5077]],
    { indexes: ['accounts_pkey'], buffers: 12, sorted: 2 },
  ],
  [
    'the accounts of a phone',
    'accounts_by_phone',
    [1, '+491577', 1001],
    { indexes: ['account_phones_number_idx', 'accounts_pkey'], buffers: 12, sorted: 1 },
  ],
  [
    'the accounts of an entity, from the index alone',
    'accounts_of_entity',
    [1, 'user-77', 1001],
    { indexes: ['accounts_address_key'], indexOnly: ['accounts_address_key'], buffers: 5 },
  ],
  [
    'the accounts of an entity and some groups, from the index alone',
    'accounts_of_groups',
    [1, 'user-77', ['WALLET', 'CASH'], 1001],
    { indexes: ['accounts_address_key'], indexOnly: ['accounts_address_key'], buffers: 10 },
  ],
  [
    'the balance at the end of a day, by one probe',
    'closing_balance',
    [1, 77, '2023-05-04'],
    { indexes: ['daily_balances_pkey'], buffers: 8, seqScans: ['summary_marks'] },
  ],
];
