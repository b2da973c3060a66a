import type { Case } from './expected.ts';

/** One of the thousand that have ten transactions each, beside one that has two hundred thousand. */
const SMALL = 500;
const NONE = '00000000-0000-0000-0000-000000000000';
const first = [SMALL, '-infinity', '2024-12-31T12:00:00Z', NONE, 51];
const no = [null, null];
const small = ['summary_marks'];

/**
 * What a small ledger is asked. It finds its own rows in each quarter's index and reads no other ledger's: some four pages a quarter,
 * whatever the others hold. By which index is all the same for ten rows.
 */
export const smallLedgerCases: readonly Case[] = [
  {
    name: 'all of a small ledger',
    of: 'transactions_of_ledger',
    parameters: [...first, null, null, ...no],
    shape: { indexes: 'any', removed: 20, buffers: 50 },
  },
  {
    name: 'what failed in a small ledger',
    of: 'transactions_failed',
    parameters: [...first, null, ...no],
    shape: { indexes: 'any', removed: 20, buffers: 30 },
  },
  {
    name: 'a user in a small ledger',
    of: 'transactions_of_user_all',
    parameters: [...first, 'user-heavy', 'SUCCESS', 'FAILED', null, ...no],
    shape: { indexes: 'any', removed: 20, buffers: 80 },
  },
  {
    name: 'how many a prefix has in a small ledger',
    of: 'count_references',
    parameters: [SMALL, 'INV-', 'INV.', 5001],
    shape: {
      indexes: 'any',
      buffers: 40,
    },
  },
  {
    name: 'a prefix in a small ledger, all of which is sorted',
    of: 'transactions_by_reference',
    parameters: [...first, 'INV-', 'INV.', null, null, null, null],
    shape: { indexes: 'any', removed: 20, buffers: 60, sorted: 10 },
  },
  {
    name: 'an account of a small ledger, by its entries',
    of: 'transactions_of_account',
    parameters: [SMALL, '-infinity', '2024-12-31T12:00:00Z', 0, 51, 10_001, null, null, ...no],
    shape: { indexes: 'any', removed: 20, buffers: 60 },
  },
  {
    name: 'the total of a small ledger',
    of: 'summed_days',
    parameters: [SMALL, '-infinity', 'infinity', ...no],
    shape: { indexes: 'any', removed: 20, buffers: 8, seqScans: small },
  },
  {
    name: 'the total of a user of a small ledger',
    of: 'summed_days_of_user',
    parameters: [SMALL, '-infinity', 'infinity', ...no, 'user-heavy'],
    shape: { indexes: 'any', removed: 20, buffers: 8, seqScans: small },
  },
];
