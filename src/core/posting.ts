/** Money moves out of `from` (debited, its entry is negative) into `to` (credited). Minor units, above zero. */
export interface Posting {
  readonly from: string;
  readonly to: string;
  readonly amount: bigint;
  readonly currency: string;
}

/**
 * A transaction. SUCCESS, taken when it is left out, moves its money; PENDING holds it for a settlement to come; FAILED
 * is recorded and moves nothing.
 */
export interface BookRequest {
  readonly postings: readonly Posting[];
  readonly status?: 'SUCCESS' | 'FAILED' | 'PENDING' | undefined;
  /** Now when left out. A reservation is always made now. */
  readonly createdAt?: Date | undefined;
  /** Of a reservation: from when on it can only be voided. */
  readonly expiresAt?: Date | undefined;
}

/** Books a reservation: one amount for each of its postings, none above what is held; all of it when left out. */
export interface SettleRequest {
  readonly settle: string;
  readonly amounts?: readonly bigint[] | undefined;
}

/** Frees what a reservation holds; `expired` only where its time has passed. */
export interface VoidRequest {
  readonly void: string;
  readonly expired?: boolean | undefined;
}

/** Books the opposite of a transaction. */
export interface ReverseRequest {
  readonly reverse: string;
}

/** What a decision needs of a request. */
export type PostingRequest = BookRequest | SettleRequest | VoidRequest | ReverseRequest;

/** An account and its balance as they stand while their row is locked. */
export interface AccountState {
  readonly id: bigint;
  readonly address: string;
  readonly currency: string;
  readonly status: 'ACTIVE' | 'BLOCKED' | 'CLOSED';
  readonly posted: bigint;
  /** Held by reservations: posted, but not to be spent; and what reservations would bring. */
  readonly pendingOut: bigint;
  readonly pendingIn: bigint;
  /** null: no limit. */
  readonly minBalance: bigint | null;
  /** The version of the last entry, 0 before the first. */
  readonly version: bigint;
  readonly lastEntryAt: Date | null;
}

/** A reservation as it stands while its row is locked. */
export interface ReservationState {
  readonly state: 'PENDING' | 'SETTLED' | 'VOIDED' | 'EXPIRED';
  readonly postings: readonly Posting[];
  readonly expiresAt: Date | null;
}

/** A transaction that is to be reversed. */
export interface OriginalState {
  /** What undoes it: its money the other way round. Empty where it moved none. */
  readonly undoing: readonly Posting[];
  /** The transaction that reversed it already. */
  readonly reversedBy: string | null;
}

export interface LedgerState {
  readonly now: Date;
  /** By address: its accounts, one for each currency. */
  readonly accounts: ReadonlyMap<string, readonly AccountState[]>;
  /** Quarters that take no more rows, as `[start, end)`. */
  readonly closed: readonly { readonly start: Date; readonly end: Date }[];
  /** By id, those the requests name and that exist. */
  readonly reservations?: ReadonlyMap<string, ReservationState> | undefined;
  readonly originals?: ReadonlyMap<string, OriginalState> | undefined;
}

export interface Entry {
  readonly accountId: bigint;
  readonly amount: bigint;
  readonly balanceAfter: bigint;
  readonly version: bigint;
}

/** What stands: `booked` with its entries in the order of the postings; `recorded` or `reserved` with none. */
export interface Accepted {
  readonly kind: 'booked' | 'recorded' | 'reserved';
  readonly createdAt: Date;
  readonly postings: readonly Posting[];
  /** The first posting's currency, and the sum of the postings in it. */
  readonly currency: string;
  readonly amount: bigint;
  /** The accounts it names, each once, in the order they first appear. */
  readonly accountIds: readonly bigint[];
  readonly entries: readonly Entry[];
}

/** A reservation that holds nothing any more. */
export interface Freed {
  readonly kind: 'freed';
  readonly state: 'VOIDED' | 'EXPIRED';
  readonly at: Date;
}

/** What all requests together do to one balance. */
export interface BalanceChange {
  readonly accountId: bigint;
  readonly posted: bigint;
  readonly pendingOut: bigint;
  readonly pendingIn: bigint;
  readonly entries: bigint;
  /** null where no entry was added. */
  readonly lastEntryAt: Date | null;
}

/** Postings of one transaction, so that no request holds a thousand rows locked. */
export const MAX_POSTINGS = 100;

/**
 * The most one transaction may move in a currency: a hundred million million in one of two decimals. A day and a quarter are
 * summed in 64 bits too, and a few amounts near that bound would make a sum that no column holds, which no later
 * row could mend.
 */
export const MAX_MOVED = 10n ** 16n;
