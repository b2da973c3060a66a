import type * as core from '../core/posting.ts';

/** Under which a request has one effect. The fingerprint is the SHA-256 of the request's canonical JSON. */
export interface Idempotency {
  readonly key: string;
  readonly fingerprint: Buffer;
}

/** What describes a transaction. Texts are taken as they are: who takes input checks them (core/account.ts). */
export interface Description {
  readonly userId?: string | undefined;
  readonly referenceCode?: string | undefined;
  readonly description?: string | undefined;
  /** When it truly happened, where that is not when it is booked. */
  readonly effectiveAt?: Date | undefined;
  readonly metadata?: Record<string, unknown> | undefined;
}

interface Keyed {
  readonly idempotency?: Idempotency | undefined;
}

/** A transaction that is asked for. PENDING reserves its funds, FAILED is recorded and moves nothing. */
export interface TransactionRequest extends core.BookRequest, Description, Keyed {}

/** Books a reservation, whole or in part: one amount for each of its postings, 0 to leave it out. The rest is freed. */
export interface SettleRequest extends core.SettleRequest, Keyed {}

/** Frees the funds of a reservation. */
export interface VoidRequest extends core.VoidRequest, Keyed {}

/** Books the opposite of a transaction, now. What is not described is taken from the transaction it reverses. */
export interface ReverseRequest extends core.ReverseRequest, Description, Keyed {}

/** What one batch may hold, in any order. */
export type PostRequest = TransactionRequest | SettleRequest | VoidRequest | ReverseRequest;
