import { type DecideOptions, type Outcome, startDeciding } from '../../src/core/decide.ts';
import type {
  AccountState,
  BalanceChange,
  LedgerState,
  Posting,
  PostingRequest,
  ReservationState,
} from '../../src/core/posting.ts';

export interface Decision {
  readonly outcomes: Outcome[];
  readonly changes: BalanceChange[];
}

/** Decides all requests at once. */
export function decide(
  requests: readonly PostingRequest[],
  state: LedgerState,
  options?: DecideOptions,
): Decision {
  const deciding = startDeciding(state);
  const outcomes = deciding.next(requests, options);
  return { outcomes, changes: deciding.changes() };
}

export const NOW = new Date('2026-05-01T12:00:00Z');
export const NAMES = ['a:X', 'b:X', 'c:X'];

export function account(address: string, changes: Partial<AccountState> = {}): AccountState {
  return {
    id: BigInt(NAMES.indexOf(address) + 1),
    address,
    currency: 'EUR',
    status: 'ACTIVE',
    posted: 100n,
    pendingOut: 0n,
    pendingIn: 0n,
    minBalance: 0n,
    version: 0n,
    lastEntryAt: null,
    ...changes,
  };
}

export function ledger(accounts: readonly AccountState[], changes: Partial<LedgerState> = {}): LedgerState {
  return { now: NOW, accounts: new Map(accounts.map((one) => [one.address, [one]])), closed: [], ...changes };
}

export const pay = (from: string, to: string, amount: bigint): Posting => ({
  from,
  to,
  amount,
  currency: 'EUR',
});

export const reserved = (postings: Posting[], changes: Partial<ReservationState> = {}): ReservationState => ({
  state: 'PENDING',
  postings,
  expiresAt: null,
  ...changes,
});

export const codes = ({ outcomes }: Decision) =>
  outcomes.map((outcome) => (outcome.kind === 'refused' ? outcome.code : outcome.kind));
