import { describe, expect, it } from 'vitest';
import type { AccountState, LedgerState, PostingRequest, ReservationState } from '../../src/core/posting.ts';
import { account, codes, decide, ledger, NAMES, NOW, pay, reserved } from './deciding.ts';

const LATER = new Date('2026-05-02T12:00:00Z');
/** a holds 60 for b. */
function held(changes: Partial<ReservationState> = {}, owner: Partial<AccountState> = {}): LedgerState {
  return ledger(
    [account('a:X', { pendingOut: 60n, ...owner }), account('b:X', { pendingIn: 60n }), account('c:X')],
    { reservations: new Map([['r', reserved([pay('a:X', 'b:X', 60n)], changes)]]) },
  );
}

describe('a reservation', () => {
  it('holds funds, which then nobody else can spend or hold', () => {
    const decision = decide(
      [
        { postings: [pay('a:X', 'b:X', 60n)], status: 'PENDING' },
        { postings: [pay('a:X', 'c:X', 41n)] },
        { postings: [pay('a:X', 'c:X', 41n)], status: 'PENDING' },
        { postings: [pay('b:X', 'c:X', 101n)] },
        { postings: [pay('a:X', 'c:X', 40n)] },
      ],
      ledger(NAMES.map((name) => account(name))),
    );
    expect(codes(decision)).toEqual([
      'reserved',
      'insufficient_funds',
      'insufficient_funds',
      'insufficient_funds',
      'booked',
    ]);
    expect(decision.changes).toEqual([
      { accountId: 1n, posted: -40n, pendingOut: 60n, pendingIn: 0n, entries: 1n, lastEntryAt: NOW },
      { accountId: 2n, posted: 0n, pendingOut: 0n, pendingIn: 60n, entries: 0n, lastEntryAt: null },
      { accountId: 3n, posted: 40n, pendingOut: 0n, pendingIn: 0n, entries: 1n, lastEntryAt: NOW },
    ]);
  });

  it('holds all its postings or none', () => {
    const postings = [pay('a:X', 'b:X', 60n), pay('a:X', 'c:X', 60n)];
    const decision = decide([{ postings, status: 'PENDING' }], ledger(NAMES.map((name) => account(name))));
    expect(codes(decision)).toEqual(['insufficient_funds']);
    expect(decision.changes).toEqual([]);
  });

  it('cannot be made to expire in the past', () => {
    const request: PostingRequest = {
      postings: [pay('a:X', 'b:X', 1n)],
      status: 'PENDING',
      expiresAt: NOW,
    };
    expect(codes(decide([request], ledger(NAMES.map((name) => account(name)))))).toEqual([
      'expires_in_the_past',
    ]);
  });

  it('is settled whole, even where the account must keep more by now', () => {
    const decision = decide([{ settle: 'r' }], held({}, { minBalance: 90n }));
    expect(codes(decision)).toEqual(['booked']);
    expect(decision.changes).toEqual([
      { accountId: 1n, posted: -60n, pendingOut: -60n, pendingIn: 0n, entries: 1n, lastEntryAt: NOW },
      { accountId: 2n, posted: 60n, pendingOut: 0n, pendingIn: -60n, entries: 1n, lastEntryAt: NOW },
    ]);
  });

  it('is settled in part, and the rest is free for what comes after it', () => {
    const decision = decide(
      [{ settle: 'r', amounts: [25n] }, { postings: [pay('a:X', 'c:X', 75n)] }],
      held(),
    );
    expect(codes(decision)).toEqual(['booked', 'booked']);
    expect(decision.outcomes[0]).toMatchObject({ amount: 25n, postings: [pay('a:X', 'b:X', 25n)] });
    expect(decision.changes[0]).toMatchObject({ posted: -100n, pendingOut: -60n });
  });

  it('leaves out a posting that is settled with nothing', () => {
    const postings = [pay('a:X', 'b:X', 10n), pay('a:X', 'c:X', 20n)];
    const state = ledger([account('a:X', { pendingOut: 30n }), account('b:X'), account('c:X')], {
      reservations: new Map([['r', reserved(postings)]]),
    });
    const decision = decide([{ settle: 'r', amounts: [0n, 5n] }], state);
    expect(decision.outcomes[0]).toMatchObject({ postings: [pay('a:X', 'c:X', 5n)], accountIds: [1n, 3n] });
  });

  it.each([
    ['more than is held', [61n]],
    ['less than nothing', [-1n]],
    ['nothing at all', [0n]],
    ['amounts for other postings', [1n, 1n]],
  ])('is not settled with %s', (_, amounts) => {
    const decision = decide([{ settle: 'r', amounts }], held());
    expect(codes(decision)).toEqual(['amounts_invalid']);
    expect(decision.changes).toEqual([]);
  });

  it('is settled or voided once, within a batch too', () => {
    expect(codes(decide([{ settle: 'r' }, { settle: 'r' }, { void: 'r' }], held()))).toEqual([
      'booked',
      'reservation_not_pending',
      'reservation_not_pending',
    ]);
    expect(codes(decide([{ void: 'r' }, { settle: 'r' }], held()))).toEqual([
      'freed',
      'reservation_not_pending',
    ]);
    for (const state of ['SETTLED', 'VOIDED', 'EXPIRED'] as const) {
      expect(codes(decide([{ settle: 'r' }, { void: 'r' }], held({ state })))).toEqual([
        'reservation_not_pending',
        'reservation_not_pending',
      ]);
    }
    expect(codes(decide([{ settle: 'x' }, { void: 'x' }], held()))).toEqual([
      'reservation_not_found',
      'reservation_not_found',
    ]);
  });

  it('whose time has passed is not settled, and is called expired when it is freed', () => {
    const over = { expiresAt: NOW };
    expect(codes(decide([{ settle: 'r' }], held(over)))).toEqual(['reservation_expired']);
    expect(decide([{ void: 'r', expired: true }], held(over)).outcomes[0]).toMatchObject({
      state: 'EXPIRED',
    });
    expect(decide([{ void: 'r' }], held(over)).outcomes[0]).toMatchObject({ state: 'EXPIRED' });
    expect(codes(decide([{ void: 'r', expired: true }], held({ expiresAt: LATER })))).toEqual([
      'reservation_not_expired',
    ]);
    expect(decide([{ void: 'r' }], held({ expiresAt: LATER })).outcomes[0]).toMatchObject({
      state: 'VOIDED',
    });
  });

  it('stays as it was when its account takes no postings', () => {
    const decision = decide([{ settle: 'r' }, { void: 'r' }], held({}, { status: 'BLOCKED' }));
    expect(codes(decision)).toEqual(['account_not_active', 'freed']);
  });
});

describe('a reversal', () => {
  const state = (reversedBy: string | null, undoing = [pay('b:X', 'a:X', 30n)]) =>
    ledger(
      NAMES.map((name) => account(name)),
      { originals: new Map([['t', { undoing, reversedBy }]]) },
    );

  it('books what undoes it, once', () => {
    const decision = decide([{ reverse: 't' }, { reverse: 't' }], state(null));
    expect(codes(decision)).toEqual(['booked', 'already_reversed']);
    expect(decision.outcomes[0]).toMatchObject({ postings: [pay('b:X', 'a:X', 30n)], amount: 30n });
    expect(codes(decide([{ reverse: 't' }], state('u')))).toEqual(['already_reversed']);
  });

  it('may be asked for again when it was refused', () => {
    const decision = decide(
      [{ reverse: 't' }, { postings: [pay('c:X', 'b:X', 50n)] }, { reverse: 't' }],
      state(null, [pay('b:X', 'a:X', 130n)]),
    );
    expect(codes(decision)).toEqual(['insufficient_funds', 'booked', 'booked']);
  });

  it('is refused for what is not there and for what moved nothing', () => {
    expect(codes(decide([{ reverse: 'x' }], state(null)))).toEqual(['transaction_not_found']);
    expect(codes(decide([{ reverse: 't' }], state(null, [])))).toEqual(['nothing_to_reverse']);
  });
});
