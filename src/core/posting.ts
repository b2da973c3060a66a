import { assert } from './errors.ts';
import { MAX_AMOUNT } from './money.ts';
import { type Refusal, refuse } from './refusal.ts';

/** Money moves out of `from` (debited, its entry is negative) into `to` (credited). Minor units, above zero. */
export interface Posting {
  readonly from: string;
  readonly to: string;
  readonly amount: bigint;
  readonly currency: string;
}

/** What a decision needs of a request. One without `createdAt` happens now. */
export interface PostingRequest {
  readonly postings: readonly Posting[];
  /** FAILED is recorded and moves nothing. SUCCESS when left out. */
  readonly status?: 'SUCCESS' | 'FAILED' | undefined;
  readonly createdAt?: Date | undefined;
}

/** An account and its balance as they stand while their row is locked. */
export interface AccountState {
  readonly id: bigint;
  readonly address: string;
  readonly currency: string;
  readonly status: 'ACTIVE' | 'BLOCKED' | 'CLOSED';
  readonly posted: bigint;
  /** Held by reservations: posted, but not to be spent. */
  readonly pendingOut: bigint;
  /** null: no limit. */
  readonly minBalance: bigint | null;
  /** The version of the last entry, 0 before the first. */
  readonly version: bigint;
  readonly lastEntryAt: Date | null;
}

export interface LedgerState {
  readonly now: Date;
  /** By address: its accounts, one for each currency. */
  readonly accounts: ReadonlyMap<string, readonly AccountState[]>;
  /** Quarters that take no more rows, as `[start, end)`. */
  readonly closed: readonly { readonly start: Date; readonly end: Date }[];
}

export interface Entry {
  readonly accountId: bigint;
  readonly amount: bigint;
  readonly balanceAfter: bigint;
  readonly version: bigint;
}

/** A transaction that stands: `booked` with its entries in the order of the postings, or `recorded` with none. */
export interface Accepted {
  readonly kind: 'booked' | 'recorded';
  readonly createdAt: Date;
  /** The first posting's currency, and the sum of the postings in it. */
  readonly currency: string;
  readonly amount: bigint;
  /** The accounts it names, each once, in the order they first appear. */
  readonly accountIds: readonly bigint[];
  readonly entries: readonly Entry[];
}

export type Outcome = Accepted | Refusal;

/** What all booked transactions together do to one balance. */
export interface BalanceChange {
  readonly accountId: bigint;
  readonly posted: bigint;
  readonly entries: bigint;
  readonly lastEntryAt: Date;
}

export interface Decision {
  readonly outcomes: Outcome[];
  readonly changes: BalanceChange[];
}

/** An account while the batch is gone through. */
interface Running {
  readonly account: AccountState;
  posted: bigint;
  version: bigint;
  lastEntryAt: Date | null;
}

type RunningByAddress = ReadonlyMap<string, readonly Running[]>;

const MIN_AMOUNT = -MAX_AMOUNT - 1n;

/**
 * The most one transaction may move in a currency: a hundred million million in one of two decimals. A day and a quarter are
 * summed in 64 bits too, and a few amounts near that bound would make a sum that no column holds, which no later
 * row could mend.
 */
export const MAX_MOVED = 10n ** 16n;

/** Postings of one transaction, so that no request holds a thousand rows locked. */
export const MAX_POSTINGS = 100;

/**
 * Decides, in order, which requests stand and what every entry, balance and version becomes. A refused request changes
 * nothing for those after it; one with several postings stands or falls whole, and each posting finds what the one
 * before it left. With `stopAtRefusal` nothing after the first refusal is decided: it is the last outcome.
 */
export function decide(
  requests: readonly PostingRequest[],
  state: LedgerState,
  options: { readonly stopAtRefusal?: boolean | undefined } = {},
): Decision {
  const running = new Map<string, Running[]>();
  for (const [address, accounts] of state.accounts) running.set(address, accounts.map(start));
  const outcomes: Outcome[] = [];
  for (const request of requests) {
    const outcome = decideOne(request, state, running);
    outcomes.push(outcome);
    if (options.stopAtRefusal && outcome.kind === 'refused') break;
  }
  const changes: BalanceChange[] = [];
  for (const { account, posted, version, lastEntryAt } of [...running.values()].flat()) {
    if (version === account.version) continue;
    assert(lastEntryAt, 'an account that moved has no last entry');
    changes.push({
      accountId: account.id,
      posted: posted - account.posted,
      entries: version - account.version,
      lastEntryAt,
    });
  }
  return { outcomes, changes };
}

function start(account: AccountState): Running {
  return { account, posted: account.posted, version: account.version, lastEntryAt: account.lastEntryAt };
}

function decideOne(request: PostingRequest, state: LedgerState, running: RunningByAddress): Outcome {
  assert(request.postings.length > 0, 'a transaction needs a posting');
  const sides: Running[] = [];
  for (const posting of request.postings) {
    const refusal = findSides(posting, running, sides);
    if (refusal) return refusal;
  }
  const { currency } = request.postings[0] as Posting;
  let amount = 0n;
  for (const posting of request.postings) if (posting.currency === currency) amount += posting.amount;
  if (amount > MAX_MOVED) {
    const detail = `Together the postings move ${amount} minor units; ${MAX_MOVED} is the most.`;
    return refuse('amount_invalid', detail, 'amount');
  }
  const latest = sides.reduce((a, b) => (timeOf(b) > timeOf(a) ? b : a));
  const createdAt = request.createdAt ?? new Date(Math.max(state.now.getTime(), timeOf(latest)));
  if (state.closed.some(({ start, end }) => createdAt >= start && createdAt < end)) {
    const detail = `The quarter of ${createdAt.toISOString()} is closed. Book it now and give its true date as effective_at.`;
    return refuse('quarter_closed', detail, 'created_at');
  }
  const accountIds = [...new Set(sides.map((side) => side.account.id))];
  if (request.status === 'FAILED') {
    return { kind: 'recorded', createdAt, currency, amount, accountIds, entries: [] };
  }
  if (createdAt.getTime() < timeOf(latest)) {
    const last = latest.lastEntryAt?.toISOString();
    const detail = `The last entry of ${latest.account.address} is of ${last}, and ${createdAt.toISOString()} is before it. Book it now and give its true date as effective_at.`;
    return refuse('out_of_order', detail, 'created_at');
  }
  const entries: Entry[] = [];
  const refusal = move(request.postings, sides, entries);
  if (refusal) return refusal;
  for (const side of sides) side.lastEntryAt = createdAt;
  return { kind: 'booked', createdAt, currency, amount, accountIds, entries };
}

/** Adds the two accounts of a posting to `sides`, `from` first. */
function findSides(posting: Posting, running: RunningByAddress, sides: Running[]): Refusal | undefined {
  const { from, to, amount, currency } = posting;
  if (amount <= 0n || amount > MAX_MOVED) {
    const detail = `An amount is above 0 and at most ${MAX_MOVED} minor units; ${amount} is not.`;
    return refuse('amount_invalid', detail, 'amount');
  }
  if (from === to) return refuse('same_account', `${from} cannot pay itself.`, 'to');
  for (const field of ['from', 'to'] as const) {
    const address = posting[field];
    const accounts = running.get(address) ?? [];
    const side = accounts.find(({ account }) => account.currency === currency);
    if (side) sides.push(side);
    else if (accounts.length === 0) {
      return refuse('account_not_found', `There is no account ${address}.`, field);
    } else {
      const currencies = accounts.map(({ account }) => account.currency).join(', ');
      return refuse(
        'currency_mismatch',
        `${address} is kept in ${currencies}, not in ${currency}.`,
        'currency',
      );
    }
  }
  return undefined;
}

/** Moves the money of all postings and adds their entries, or changes nothing. */
function move(
  postings: readonly Posting[],
  sides: readonly Running[],
  entries: Entry[],
): Refusal | undefined {
  for (const [index, posting] of postings.entries()) {
    const source = sides[index * 2] as Running;
    const target = sides[index * 2 + 1] as Running;
    const refusal = judgeMove(posting, source, target);
    if (refusal) {
      for (const [place, entry] of entries.entries()) takeBack(sides[place] as Running, entry);
      return refusal;
    }
    entries.push(book(source, -posting.amount), book(target, posting.amount));
  }
  return undefined;
}

function judgeMove({ amount }: Posting, source: Running, target: Running): Refusal | undefined {
  const { address, currency, pendingOut, minBalance } = source.account;
  if (source.account.status !== 'ACTIVE') return refuseInactive(source.account, 'from');
  if (target.account.status !== 'ACTIVE') return refuseInactive(target.account, 'to');
  const available = source.posted - pendingOut;
  if (minBalance !== null && available - amount < minBalance) {
    const detail = `${address} has ${available} available and must keep ${minBalance}; ${amount} were asked for (minor units of ${currency}).`;
    return refuse('insufficient_funds', detail, 'amount');
  }
  if (source.posted - amount < MIN_AMOUNT) return refuseOverflow(source.account);
  if (target.posted + amount > MAX_AMOUNT) return refuseOverflow(target.account);
  return undefined;
}

function refuseInactive({ address, status }: AccountState, field: 'from' | 'to'): Refusal {
  return refuse('account_not_active', `${address} is ${status}: it takes no postings.`, field);
}

function refuseOverflow({ address }: AccountState): Refusal {
  return refuse('balance_overflow', `The balance of ${address} would not fit 64 bits.`, 'amount');
}

function book(side: Running, amount: bigint): Entry {
  side.posted += amount;
  side.version += 1n;
  return { accountId: side.account.id, amount, balanceAfter: side.posted, version: side.version };
}

function takeBack(side: Running, { amount }: Entry): void {
  side.posted -= amount;
  side.version -= 1n;
}

function timeOf({ lastEntryAt }: Running): number {
  return lastEntryAt?.getTime() ?? Number.NEGATIVE_INFINITY;
}
