import { describe, expect, it } from 'vitest';
import {
  type AccountState,
  type BookRequest,
  type LedgerState,
  MAX_MOVED,
  type Posting,
} from '../../src/core/posting.ts';
import { decide } from './deciding.ts';

const NOON = new Date('2026-05-01T12:00:00Z');
const at = (time: string) => new Date(`2026-05-01T${time}Z`);
const LARGEST = 2n ** 63n - 1n;

let nextId = 1n;
function account(address: string, changes: Partial<AccountState> = {}): AccountState {
  return {
    id: nextId++,
    address,
    currency: 'EUR',
    status: 'ACTIVE',
    posted: 0n,
    pendingOut: 0n,
    pendingIn: 0n,
    minBalance: 0n,
    version: 0n,
    lastEntryAt: null,
    ...changes,
  };
}

function state(accounts: AccountState[], changes: Partial<LedgerState> = {}): LedgerState {
  const byAddress = new Map<string, AccountState[]>();
  for (const one of accounts) byAddress.set(one.address, [...(byAddress.get(one.address) ?? []), one]);
  return { now: NOON, accounts: byAddress, closed: [], ...changes };
}

function posting(from: string, to: string, amount: bigint, currency = 'EUR'): Posting {
  return { from: `${from}:A`, to: `${to}:A`, amount, currency };
}

function request(from: string, to: string, amount: bigint, changes: Partial<BookRequest> = {}): BookRequest {
  return { postings: [posting(from, to, amount)], ...changes };
}

const bank = () => account('bank:A', { minBalance: null });
const user = (changes: Partial<AccountState> = {}) => account('user:A', changes);

function refusal(requests: BookRequest, ledger: LedgerState) {
  const { outcomes, changes } = decide([requests], ledger);
  expect(changes).toEqual([]);
  const [outcome] = outcomes;
  return outcome?.kind === 'refused'
    ? { code: outcome.code, field: outcome.field, detail: outcome.detail }
    : outcome;
}

describe('a decision', () => {
  it('books one entry on each side, and each balance changes once', () => {
    const accounts = [bank(), user({ posted: 5n, version: 7n, lastEntryAt: at('09:00:00') })];
    const { outcomes, changes } = decide(
      [request('bank', 'user', 10n), request('user', 'bank', 3n, { createdAt: at('13:00:00') })],
      state(accounts),
    );
    const [a, b] = accounts.map(({ id }) => id);
    expect(outcomes).toMatchObject([
      {
        kind: 'booked',
        createdAt: NOON,
        currency: 'EUR',
        amount: 10n,
        accountIds: [a, b],
        entries: [
          { accountId: a, amount: -10n, balanceAfter: -10n, version: 1n },
          { accountId: b, amount: 10n, balanceAfter: 15n, version: 8n },
        ],
      },
      {
        kind: 'booked',
        createdAt: at('13:00:00'),
        currency: 'EUR',
        amount: 3n,
        accountIds: [b, a],
        entries: [
          { accountId: b, amount: -3n, balanceAfter: 12n, version: 9n },
          { accountId: a, amount: 3n, balanceAfter: -7n, version: 2n },
        ],
      },
    ]);
    expect(changes).toMatchObject([
      { accountId: a, posted: -7n, entries: 2n, lastEntryAt: at('13:00:00') },
      { accountId: b, posted: 7n, entries: 2n, lastEntryAt: at('13:00:00') },
    ]);
  });

  it('gives a request without a time now, or the last entry of its accounts where the clock is behind that', () => {
    const ledger = state([bank(), user({ lastEntryAt: at('12:00:05'), version: 1n })]);
    const [first] = decide([request('bank', 'user', 1n)], ledger).outcomes;
    expect(first).toMatchObject({ createdAt: at('12:00:05') });
  });

  it('refuses what comes before the last entry, and says how to book it', () => {
    const ledger = state([bank(), user({ lastEntryAt: at('12:00:05'), version: 1n })]);
    const found = refusal(request('bank', 'user', 1n, { createdAt: at('12:00:04.999') }), ledger);
    expect(found).toMatchObject({ code: 'out_of_order', field: 'created_at' });
    expect((found as { detail: string }).detail).toMatch(/user:A.*2026-05-01T12:00:05.*effective_at/);
    expect(
      decide([request('bank', 'user', 1n, { createdAt: at('12:00:05') })], ledger).outcomes[0]?.kind,
    ).toBe('booked');
  });

  it('orders within the batch too', () => {
    const { outcomes } = decide(
      [
        request('bank', 'user', 1n, { createdAt: at('02:00:00') }),
        request('bank', 'user', 1n, { createdAt: at('01:00:00') }),
      ],
      state([bank(), user()]),
    );
    expect(outcomes.map(({ kind }) => kind)).toEqual(['booked', 'refused']);
  });

  it('lets an account spend what is available above its minimum, and no more', () => {
    const ledger = state([bank(), user({ posted: 100n, pendingOut: 30n, minBalance: 20n })]);
    expect(refusal(request('user', 'bank', 51n), ledger)).toMatchObject({
      code: 'insufficient_funds',
      field: 'amount',
    });
    expect(decide([request('user', 'bank', 50n)], ledger).outcomes[0]?.kind).toBe('booked');
  });

  it('takes money in on an account that is below its minimum already', () => {
    const ledger = state([bank(), user({ posted: -100n, minBalance: 0n })]);
    expect(decide([request('bank', 'user', 1n)], ledger).outcomes[0]?.kind).toBe('booked');
    expect(refusal(request('user', 'bank', 1n), ledger)).toMatchObject({ code: 'insufficient_funds' });
  });

  it('tells an unknown account from a wrong currency', () => {
    const ledger = state([bank(), user()]);
    expect(refusal(request('ghost', 'user', 1n), ledger)).toMatchObject({
      code: 'account_not_found',
      field: 'from',
    });
    expect(refusal(request('bank', 'ghost', 1n), ledger)).toMatchObject({
      code: 'account_not_found',
      field: 'to',
    });
    const dollars = { postings: [posting('bank', 'user', 1n, 'USD')] };
    expect(refusal(dollars, ledger)).toMatchObject({
      code: 'currency_mismatch',
      field: 'currency',
      detail: 'bank:A is kept in EUR, not in USD.',
    });
  });

  it('keeps the currencies of an address apart', () => {
    const accounts = [
      bank(),
      user(),
      account('bank:A', { currency: 'USD', minBalance: null }),
      account('user:A', { currency: 'USD' }),
    ];
    const { outcomes, changes } = decide(
      [
        {
          postings: [
            posting('bank', 'user', 5n, 'USD'),
            posting('bank', 'user', 7n, 'EUR'),
            posting('bank', 'user', 1n, 'USD'),
          ],
        },
      ],
      state(accounts),
    );
    expect(outcomes[0]).toMatchObject({ currency: 'USD', amount: 6n });
    expect(new Map(changes.map((change) => [change.accountId, change.posted]))).toEqual(
      new Map([
        [accounts[0]?.id, -7n],
        [accounts[1]?.id, 7n],
        [accounts[2]?.id, -6n],
        [accounts[3]?.id, 6n],
      ]),
    );
  });

  it.each(['BLOCKED', 'CLOSED'] as const)('refuses an account that is %s, on either side', (status) => {
    const ledger = state([bank(), user({ status, posted: 9n })]);
    expect(refusal(request('bank', 'user', 1n), ledger)).toMatchObject({
      code: 'account_not_active',
      field: 'to',
    });
    expect(refusal(request('user', 'bank', 1n), ledger)).toMatchObject({
      code: 'account_not_active',
      field: 'from',
    });
  });

  it.each([0n, -1n, MAX_MOVED + 1n, LARGEST])('refuses the amount %s', (amount) => {
    expect(refusal(request('bank', 'user', amount), state([bank(), user()]))).toMatchObject({
      code: 'amount_invalid',
    });
  });

  it('refuses an account that pays itself', () => {
    expect(refusal(request('bank', 'bank', 1n), state([bank()]))).toMatchObject({ code: 'same_account' });
  });

  it('keeps balances within 64 bits on both sides', () => {
    const full = state([bank(), user({ posted: LARGEST - 1n })]);
    expect(decide([request('bank', 'user', 1n)], full).outcomes[0]?.kind).toBe('booked');
    expect(refusal(request('bank', 'user', 2n), full)).toMatchObject({
      code: 'balance_overflow',
      detail: expect.stringContaining('user:A'),
    });
    const empty = state([account('bank:A', { minBalance: null, posted: -LARGEST }), user()]);
    expect(decide([request('bank', 'user', 1n)], empty).outcomes[0]?.kind).toBe('booked');
    expect(refusal(request('bank', 'user', 2n), empty)).toMatchObject({
      code: 'balance_overflow',
      detail: expect.stringContaining('bank:A'),
    });
  });

  it('refuses a sum of postings that moves too much, and takes the most that may be moved', () => {
    const accounts = state([bank(), user(), account('other:A')]);
    const most = [posting('bank', 'user', MAX_MOVED - 1n), posting('bank', 'other', 1n)];
    expect(decide([{ postings: most }], accounts).outcomes[0]?.kind).toBe('booked');
    const postings = [posting('bank', 'user', MAX_MOVED), posting('bank', 'other', 1n)];
    expect(refusal({ postings }, accounts)).toMatchObject({ code: 'amount_invalid' });
  });

  it('refuses every instant of a closed quarter and none beside it', () => {
    const closed = [{ start: at('10:00:00'), end: at('11:00:00') }];
    const codes = ['09:59:59.999', '10:00:00', '10:59:59.999', '11:00:00'].map((time) => {
      const [outcome] = decide(
        [request('bank', 'user', 1n, { createdAt: at(time) })],
        state([bank(), user()], { closed }),
      ).outcomes;
      return outcome?.kind === 'refused' ? outcome.code : outcome?.kind;
    });
    expect(codes).toEqual(['booked', 'quarter_closed', 'quarter_closed', 'booked']);
  });

  it('records a failed request without moving anything, whatever the funds and the order', () => {
    const accounts = [bank(), user({ status: 'BLOCKED', lastEntryAt: at('11:00:00'), version: 1n })];
    const { outcomes, changes } = decide(
      [request('user', 'bank', 50n, { status: 'FAILED', createdAt: at('10:00:00') })],
      state(accounts),
    );
    expect(outcomes).toMatchObject([
      {
        kind: 'recorded',
        createdAt: at('10:00:00'),
        currency: 'EUR',
        amount: 50n,
        accountIds: [accounts[1]?.id, accounts[0]?.id],
        entries: [],
      },
    ]);
    expect(changes).toEqual([]);
    expect(refusal(request('ghost', 'bank', 1n, { status: 'FAILED' }), state(accounts))).toMatchObject({
      code: 'account_not_found',
    });
  });

  it('lets a posting spend what one before it brought, and takes all back when a later one is refused', () => {
    const accounts = [bank(), user(), account('fees:A')];
    const through = { postings: [posting('bank', 'user', 10n), posting('user', 'fees', 3n)] };
    const tooMuch = { postings: [posting('bank', 'user', 10n), posting('user', 'fees', 30n)] };
    const { outcomes, changes } = decide([tooMuch, through, request('user', 'bank', 7n)], state(accounts));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['refused', 'booked', 'booked']);
    expect(outcomes[1]).toMatchObject({
      amount: 13n,
      entries: [
        { balanceAfter: -10n, version: 1n },
        { balanceAfter: 10n, version: 1n },
        { balanceAfter: 7n, version: 2n },
        { balanceAfter: 3n, version: 1n },
      ],
    });
    expect(changes.map(({ posted, entries }) => [posted, entries])).toEqual([
      [-3n, 2n],
      [0n, 3n],
      [3n, 1n],
    ]);
  });

  it('decides nothing after the first refusal when it is to stop there', () => {
    const requests = [request('bank', 'user', 5n), request('user', 'bank', 6n), request('bank', 'user', 5n)];
    const { outcomes, changes } = decide(requests, state([bank(), user()]), { stopAtRefusal: true });
    expect(outcomes.map(({ kind }) => kind)).toEqual(['booked', 'refused']);
    expect(changes.map(({ posted }) => posted)).toEqual([-5n, 5n]);
  });
});
