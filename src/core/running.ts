import { MAX_AMOUNT } from './money.ts';
import type { AccountState, BalanceChange, Entry, Posting } from './posting.ts';
import { type Refusal, refuse } from './refusal.ts';

const MIN_AMOUNT = -MAX_AMOUNT - 1n;

/** An account while a batch is gone through. */
export interface Running {
  readonly account: AccountState;
  posted: bigint;
  pendingOut: bigint;
  pendingIn: bigint;
  version: bigint;
  lastEntryAt: Date | null;
}

export function start(account: AccountState): Running {
  const { posted, pendingOut, pendingIn, version, lastEntryAt } = account;
  return { account, posted, pendingOut, pendingIn, version, lastEntryAt };
}

/** What became of the account, or undefined when nothing did. */
export function changeOf(running: Running): BalanceChange | undefined {
  const { account, posted, pendingOut, pendingIn, version, lastEntryAt } = running;
  const entries = version - account.version;
  const change = {
    accountId: account.id,
    posted: posted - account.posted,
    pendingOut: pendingOut - account.pendingOut,
    pendingIn: pendingIn - account.pendingIn,
    entries,
    lastEntryAt: entries === 0n ? null : lastEntryAt,
  };
  const changed = entries !== 0n || change.pendingOut !== 0n || change.pendingIn !== 0n;
  return changed ? change : undefined;
}

/** Runs an action that may change the sides and then be refused: a refusal leaves them as they were. */
export function whole(sides: readonly Running[], action: () => Refusal | undefined): Refusal | undefined {
  const before = sides.map((side) => ({ ...side }));
  const refusal = action();
  // A side that stands twice in the list was saved twice in the same state.
  if (refusal) for (const [index, side] of sides.entries()) Object.assign(side, before[index]);
  return refusal;
}

/** Moves the money of a posting. Of `held` money the funds were judged when they were held. */
export function move(
  { amount }: Posting,
  source: Running,
  target: Running,
  entries: Entry[],
  held: boolean,
): Refusal | undefined {
  const refusal =
    judgeActive(source, target) ??
    (held ? undefined : judgeFunds(source, amount)) ??
    (source.posted - amount < MIN_AMOUNT ? refuseOverflow(source.account) : undefined) ??
    (target.posted + amount > MAX_AMOUNT ? refuseOverflow(target.account) : undefined);
  if (refusal) return refusal;
  entries.push(book(source, -amount), book(target, amount));
  return undefined;
}

/** Holds the money of a posting: what is to come in cannot be spent before it came. */
export function hold({ amount }: Posting, source: Running, target: Running): Refusal | undefined {
  const refusal =
    judgeActive(source, target) ??
    judgeFunds(source, amount) ??
    (source.pendingOut + amount > MAX_AMOUNT ? refuseOverflow(source.account) : undefined) ??
    (target.pendingIn + amount > MAX_AMOUNT ? refuseOverflow(target.account) : undefined);
  if (refusal) return refusal;
  source.pendingOut += amount;
  target.pendingIn += amount;
  return undefined;
}

export function free({ amount }: Posting, source: Running, target: Running): void {
  source.pendingOut -= amount;
  target.pendingIn -= amount;
}

export function timeOf({ lastEntryAt }: Running): number {
  return lastEntryAt?.getTime() ?? Number.NEGATIVE_INFINITY;
}

function judgeActive(source: Running, target: Running): Refusal | undefined {
  if (source.account.status !== 'ACTIVE') return refuseInactive(source.account, 'from');
  if (target.account.status !== 'ACTIVE') return refuseInactive(target.account, 'to');
  return undefined;
}

function judgeFunds({ account, posted, pendingOut }: Running, amount: bigint): Refusal | undefined {
  const { address, currency, minBalance } = account;
  const available = posted - pendingOut;
  if (minBalance === null || available - amount >= minBalance) return undefined;
  const detail = `${address} has ${available} available and must keep ${minBalance}; ${amount} were asked for (minor units of ${currency}).`;
  return refuse('insufficient_funds', detail, 'amount');
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
