import type { Case } from './expected.ts';

/** The last days of the quarter that is written to; and how large a large batch is. */
const AT = '2024-12-30T12:00:00.000Z';
const BATCH = 500;

const times = <T>(count: number, of: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => of(n));
/** Of the milliseconds of `AT`. */
const idOf = (n: number) => `019416a5-8200-7000-9000-${n.toString(16).padStart(12, '0')}`;
/** Spread over all accounts, in the order of their ids, as posting sends them. */
const accountsOf = (count: number) => times(count, (n) => 1 + Math.floor((n * 10_000) / count));

function transactions(count: number): unknown[] {
  return [
    1,
    times(count, () => AT),
    times(count, idOf),
    times(count, (n) => `user-${n}`),
    ...[times(count, () => 'SUCCESS'), times(count, () => 'EUR'), times(count, () => 100)],
    times(count, (n) => `INV-${n}`),
    ...times(4, () => times(count, () => null)),
    times(count, (n) => `{${n + 1},10001}`),
    times(count, () => '{"channel": "app"}'),
  ];
}

function entries(count: number): unknown[] {
  const same = (value: unknown) => times(count, () => value);
  return [1, accountsOf(count), same(AT), same(1_000_000), times(count, idOf), same(100), same(100)];
}

function reservations(count: number): unknown[] {
  const same = (value: unknown) => times(count, () => value);
  return [
    1,
    times(count, idOf),
    same('[{"from": "a:B", "to": "c:D", "amount": "1", "currency": "EUR"}]'),
    times(count, (n) => `user-${n}`),
    ...[same('INV-1'), same(null), same(null), same(AT), same('2025-01-30T12:00:00Z'), same('EUR'), same(1)],
    ...[times(count, (n) => `{${n + 1},10001}`), same(null)],
  ];
}

function balances(count: number): unknown[] {
  const same = (value: unknown) => times(count, () => value);
  return [1, accountsOf(count), same(1), same(0), same(0), same(1), same(AT)];
}

/** What is read before, and by the jobs beside. */
export const besideCases: readonly Case[] = [
  {
    name: 'two balances that are only read',
    of: 'read_balances',
    parameters: [1, [77, 5077]],
    shape: { indexes: ['balances_pkey'], buffers: 10, sorted: 2 },
  },
  {
    name: 'until when a batch of old keys reaches, from the index alone',
    of: 'oldest_idempotency_keys',
    parameters: ['2024-06-01T00:00:00Z', 4999],
    shape: {
      indexes: ['idempotency_keys_created_idx'],
      indexOnly: ['idempotency_keys_created_idx'],
      buffers: 30,
    },
  },
  {
    name: 'reservations by their ids',
    of: 'reservations_by_id',
    parameters: ({ reservationIds }) => [1, reservationIds],
    shape: { indexes: ['reservations_pkey'], buffers: 10 },
  },
  {
    name: 'a page of what is past its time',
    of: 'expired_reservations',
    parameters: ['-infinity', '00000000-0000-0000-0000-000000000000', 500],
    // Those of one instant are sorted by their ids, the others come in order.
    shape: { indexes: ['reservations_expiry_idx'], buffers: 600, sorted: 600 },
  },
  {
    name: 'that transactions were not reversed',
    of: 'reversals_of',
    parameters: ({ id }) => [1, [id, idOf(1)]],
    shape: { indexes: ['reversals_pkey'], buffers: 10 },
  },
];

/**
 * What posting sends. An INSERT reads nothing but the leaf of each index that its row goes to, some three pages each. The updates of
 * balances are HOT: no index is touched, whatever the batch.
 */
export const writeCases: readonly Case[] = [
  {
    name: 'the locks of two balances',
    of: 'lock_balances',
    parameters: [1, [77, 5077]],
    shape: { indexes: ['balances_pkey'], buffers: 20, sorted: 2 },
  },
  {
    name: 'the locks of a large batch',
    of: 'lock_balances',
    parameters: [1, accountsOf(BATCH)],
    shape: { indexes: ['balances_pkey'], buffers: 3000, sorted: BATCH },
  },
  {
    name: 'a transaction, into its own quarter',
    of: 'insert_transactions',
    parameters: transactions(1),
    shape: { indexes: [], buffers: 40, writes: { transactions_2024q4: '1 inserted' } },
  },
  {
    name: 'many transactions, into their own quarter',
    of: 'insert_transactions',
    parameters: transactions(BATCH),
    shape: { indexes: [], buffers: 10_000, writes: { transactions_2024q4: `${BATCH} inserted` } },
  },
  {
    name: 'the entries of a transaction, into their own quarter',
    of: 'insert_entries',
    parameters: entries(2),
    shape: { indexes: [], buffers: 30, writes: { entries_2024q4: '2 inserted' } },
  },
  {
    name: 'many entries, into their own quarter',
    of: 'insert_entries',
    parameters: entries(BATCH),
    shape: { indexes: [], buffers: 5000, writes: { entries_2024q4: `${BATCH} inserted` } },
  },
  {
    name: 'the two balances of a transaction',
    of: 'update_balances',
    parameters: balances(2),
    shape: {
      indexes: ['balances_pkey'],
      buffers: 30,
      removed: 2,
      hashed: true,
      writes: { balances: '2 updated, 2 hot' },
    },
  },
  {
    name: 'the balances of a large batch',
    of: 'update_balances',
    parameters: balances(BATCH),
    shape: {
      indexes: ['balances_pkey'],
      buffers: 3000,
      hashed: true,
      writes: { balances: `${BATCH} updated, ${BATCH} hot` },
    },
  },
  {
    name: 'the days of a batch',
    of: 'mark_days',
    parameters: [1, ['2024-12-30']],
    shape: { indexes: [], buffers: 10, writes: { summary_marks: '1 inserted' } },
  },
  {
    name: 'keys, one of which is taken',
    of: 'claim_idempotency_keys',
    parameters: [1, ['key-6', 'new-1'], ['00', '01'], [idOf(1), idOf(2)]],
    shape: {
      indexes: ['idempotency_keys_pkey'],
      buffers: 30,
      sorted: 2,
      writes: { idempotency_keys: '1 inserted' },
    },
  },
  {
    name: 'reservations',
    of: 'insert_reservations',
    parameters: reservations(2),
    shape: { indexes: [], buffers: 40, writes: { reservations: '2 inserted' } },
  },
  {
    name: 'the locks of reservations',
    of: 'lock_reservations',
    parameters: ({ reservationIds }) => [1, reservationIds],
    shape: { indexes: ['reservations_pkey'], buffers: 20, sorted: 2 },
  },
  {
    name: 'reservations that are settled',
    of: 'resolve_reservations',
    parameters: ({ reservationIds }) => [1, reservationIds, ['SETTLED', 'VOIDED'], [idOf(1), null], [AT, AT]],
    shape: { indexes: ['reservations_pkey'], buffers: 40, writes: { reservations: '2 updated' } },
  },
  {
    name: 'reversals',
    of: 'insert_reversals',
    parameters: [1, [idOf(1)], [idOf(2)]],
    shape: { indexes: [], buffers: 20, writes: { reversals: '1 inserted' } },
  },
  {
    name: 'the locks of accounts that are changed',
    of: 'lock_accounts',
    parameters: [1, ['user-77', 'bank'], ['WALLET', 'CASH'], ['EUR', 'EUR']],
    shape: { indexes: ['accounts_address_key', 'balances_pkey'], buffers: 30, sorted: 2 },
  },
  {
    name: 'a batch of old keys',
    of: 'purge_idempotency_keys',
    parameters: ['2023-01-11T00:00:00Z'],
    shape: {
      indexes: ['idempotency_keys_created_idx'],
      buffers: 6000,
      writes: { idempotency_keys: '2394 deleted' },
    },
  },
];
