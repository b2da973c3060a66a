import { BANK } from './loaded.ts';
import type { Shape } from './plan.ts';

/** A page of fifty, and one row more. */
const LIMIT = 51;
const NONE = '00000000-0000-0000-0000-000000000000';
const EVER = '-infinity';
const END = '2024-12-31T12:00:00Z';
const ALL = ['2023q1', '2023q2', '2023q3', '2023q4', '2024q1', '2024q2', '2024q3', '2024q4'];

const first = [1, EVER, END, NONE, LIMIT];
const middle = [1, EVER, '2023-06-15T00:00:00Z', 'ffffffff-ffff-ffff-ffff-ffffffffffff', LIMIT];
const month = [1, '2023-08-01T00:00:00Z', '2023-09-01T00:00:00Z', NONE, LIMIT];
const rare = ['RARE-', 'RARE.'];
const common = ['INV-', 'INV.'];
const no = [null, null];

// What is looked at: an index of a quarter costs three pages to enter, a row of the table at most one more.
export const listShapes: readonly [string, string, readonly unknown[], Shape][] = [
  [
    'the first page of a ledger',
    'transactions_of_ledger',
    [...first, null, null, ...no],
    { indexes: ['transactions_pkey'], quarters: ['2024q4'], buffers: 12 },
  ],
  [
    'a page far back, which is no dearer',
    'transactions_of_ledger',
    [...middle, null, null, ...no],
    { indexes: ['transactions_pkey'], quarters: ['2023q2'], buffers: 12 },
  ],
  [
    'a page of a month',
    'transactions_of_ledger',
    [...month, null, null, ...no],
    { indexes: ['transactions_pkey'], quarters: ['2023q3'], buffers: 12 },
  ],
  [
    'what was booked, which passes over what failed',
    'transactions_of_ledger',
    [...first, 'SUCCESS', null, ...no],
    { indexes: ['transactions_pkey'], quarters: ['2024q4'], buffers: 12, removed: 3 },
  ],
  [
    'a common prefix, by the key',
    'transactions_of_ledger',
    [...first, null, null, ...common],
    { indexes: ['transactions_pkey'], quarters: ['2024q4'], buffers: 12, removed: 20 },
  ],
  [
    'what failed',
    'transactions_failed',
    [...first, null, ...no],
    { indexes: ['transactions_failed_idx'], quarters: ['2024q4'], buffers: 60 },
  ],
  [
    'what failed, far back',
    'transactions_failed',
    [...middle, null, ...no],
    { indexes: ['transactions_failed_idx'], quarters: ['2023q2'], buffers: 60 },
  ],
  [
    'one of many users, of a status',
    'transactions_of_user',
    [...first, 'user-77', 'SUCCESS', null, null, ...no],
    { indexes: ['transactions_user_idx'], quarters: ALL, buffers: 75 },
  ],
  [
    'one of many users',
    'transactions_of_user_all',
    [...first, 'user-77', 'SUCCESS', 'FAILED', null, ...no],
    { indexes: ['transactions_user_idx'], quarters: ALL, buffers: 100 },
  ],
  [
    'a user of many transactions',
    'transactions_of_user',
    [...first, 'user-heavy', 'SUCCESS', null, null, ...no],
    { indexes: ['transactions_user_idx'], quarters: ['2024q4'], buffers: 60 },
  ],
  [
    'a user of many transactions, far back',
    'transactions_of_user_all',
    [...middle, 'user-heavy', 'SUCCESS', 'FAILED', null, ...no],
    { indexes: ['transactions_user_idx'], quarters: ['2023q2'], buffers: 90 },
  ],
  [
    'a rare prefix, all of which is sorted',
    'transactions_by_reference',
    [...first, ...rare, null, null, null, null],
    { indexes: ['transactions_reference_idx'], quarters: ALL, buffers: 400, sorted: 360 },
  ],
  [
    'how many a rare prefix has',
    'count_references',
    [1, ...rare, 5001],
    {
      indexes: ['transactions_reference_idx'],
      indexOnly: ['transactions_reference_idx'],
      quarters: ALL,
      buffers: 40,
    },
  ],
  [
    'that a prefix is common',
    'count_references',
    [1, ...common, 5001],
    { indexes: ['transactions_reference_idx'], indexOnly: ['transactions_reference_idx'], buffers: 60 },
  ],
  // Of each entry the one after it, its transaction and both tables: some seven pages a row.
  [
    'an account, by its entries',
    'transactions_of_account',
    [1, EVER, END, 0, LIMIT, 77, null, null, ...no],
    { indexes: ['entries_pkey', 'transactions_pkey'], buffers: 420 },
  ],
  [
    'the account that moves most',
    'transactions_of_account',
    [1, EVER, END, 0, LIMIT, BANK, null, null, ...no],
    { indexes: ['entries_pkey', 'transactions_pkey'], quarters: ['2024q4'], buffers: 420 },
  ],
  [
    'the account that moves most, far back',
    'transactions_of_account',
    [1, EVER, '2023-06-15T00:00:00Z', 0, LIMIT, BANK, null, null, ...no],
    { indexes: ['entries_pkey', 'transactions_pkey'], quarters: ['2023q2'], buffers: 420 },
  ],
  // Of each entry its own page, at most.
  [
    'how many moved the account that moves most, by its entries alone',
    'count_of_account',
    [1, EVER, END, 0, 10_001, BANK],
    { indexes: ['entries_pkey'], buffers: 2500 },
  ],
  [
    'how many moved an account, across quarters',
    'count_of_account',
    [1, EVER, END, 0, 10_001, 77],
    { indexes: ['entries_pkey'], quarters: ALL, buffers: 330 },
  ],
  [
    'what is pending',
    'reservations_pending',
    [...first, null, null, ...no],
    { indexes: ['reservations_pending_idx'], buffers: 60 },
  ],
  [
    'what is pending of a user',
    'reservations_pending_of_user',
    [...first, null, null, ...no, 'user-77'],
    { indexes: ['reservations_user_idx'], buffers: 10 },
  ],
];
