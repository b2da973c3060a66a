import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type {
  AccountState,
  LedgerState,
  Posting,
  PostingRequest,
  ReservationState,
} from '../../src/core/posting.ts';
import { account, codes, decide, ledger, NAMES, pay, reserved } from './deciding.ts';

/** A ledger that is written down after each batch, as the database does. */
class Written {
  state: LedgerState = ledger(
    NAMES.map((name) => account(name)),
    { reservations: new Map() },
  );

  apply(requests: readonly PostingRequest[]): string[] {
    const decision = decide(requests, this.state);
    const changes = new Map(decision.changes.map((change) => [change.accountId, change]));
    const accounts = new Map<string, AccountState[]>();
    for (const [address, [one]] of this.state.accounts as ReadonlyMap<string, [AccountState]>) {
      const change = changes.get(one.id);
      accounts.set(address, [
        change
          ? {
              ...one,
              posted: one.posted + change.posted,
              pendingOut: one.pendingOut + change.pendingOut,
              pendingIn: one.pendingIn + change.pendingIn,
              version: one.version + change.entries,
              lastEntryAt: change.lastEntryAt ?? one.lastEntryAt,
            }
          : one,
      ]);
    }
    const reservations = new Map(this.state.reservations);
    for (const [index, outcome] of decision.outcomes.entries()) {
      const request = requests[index] as PostingRequest;
      if (outcome.kind === 'refused') continue;
      if (outcome.kind === 'reserved') {
        reservations.set(`r${reservations.size}`, reserved([...outcome.postings]));
      } else if ('settle' in request || 'void' in request) {
        const id = 'settle' in request ? request.settle : request.void;
        const state = outcome.kind === 'freed' ? outcome.state : 'SETTLED';
        reservations.set(id, { ...(reservations.get(id) as ReservationState), state });
      }
    }
    this.state = { ...this.state, accounts, reservations };
    return codes(decision);
  }

  accounts(): AccountState[] {
    return [...this.state.accounts.values()].flat();
  }
}

const postings = fc.array(
  fc
    .record({
      from: fc.constantFrom(...NAMES),
      to: fc.constantFrom(...NAMES),
      amount: fc.bigInt(1n, 80n),
    })
    .map(({ from, to, amount }) => pay(from, to, amount)),
  { minLength: 1, maxLength: 2 },
);
const id = fc.nat(6).map((index) => `r${index}`);
const request: fc.Arbitrary<PostingRequest> = fc.oneof(
  postings.map((some) => ({ postings: some })),
  postings.map((some) => ({ postings: some, status: 'PENDING' as const })),
  id.map((one) => ({ settle: one })),
  fc.tuple(id, fc.bigInt(0n, 40n)).map(([one, amount]) => ({ settle: one, amounts: [amount] })),
  id.map((one) => ({ void: one })),
);

describe('whatever is reserved, settled and voided', () => {
  it('what is held is what pending reservations hold, money is neither made nor lost, and nobody overdraws', () => {
    fc.assert(
      fc.property(fc.array(fc.array(request, { maxLength: 8 }), { maxLength: 8 }), (batches) => {
        const written = new Written();
        for (const batch of batches) {
          written.apply(batch);
          const pending = [...(written.state.reservations ?? new Map()).values()]
            .filter(({ state }) => state === 'PENDING')
            .flatMap((one: ReservationState) => one.postings);
          const sum = (some: Posting[]) => some.reduce((total, { amount }) => total + amount, 0n);
          for (const one of written.accounts()) {
            expect(one.pendingOut).toBe(sum(pending.filter(({ from }) => from === one.address)));
            expect(one.pendingIn).toBe(sum(pending.filter(({ to }) => to === one.address)));
            expect(one.posted - one.pendingOut).toBeGreaterThanOrEqual(0n);
          }
          expect(written.accounts().reduce((total, { posted }) => total + posted, 0n)).toBe(300n);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('it does not matter where the stream is cut, as long as reservations are known', () => {
    fc.assert(
      fc.property(
        fc.array(request, { maxLength: 30 }),
        fc.array(request, { maxLength: 12 }),
        (first, second) => {
          const [whole, cut] = [new Written(), new Written()];
          whole.apply(first);
          cut.apply(first);
          // Reservations of a batch have no id within it, so none of the second part can be one.
          const rest = second.filter((one) => !('status' in one));
          const together = whole.apply(rest);
          expect(rest.flatMap((one) => cut.apply([one]))).toEqual(together);
          expect(cut.state).toEqual(whole.state);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
