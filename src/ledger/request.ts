import type { Posting, PostingRequest } from '../core/posting.ts';

/** A transaction that is asked for. Texts are taken as they are: who takes input checks them (core/account.ts). */
export interface PostRequest extends PostingRequest {
  readonly postings: readonly Posting[];
  readonly userId?: string | undefined;
  readonly referenceCode?: string | undefined;
  readonly description?: string | undefined;
  /** When it truly happened, where that is not when it is booked. */
  readonly effectiveAt?: Date | undefined;
  readonly metadata?: Record<string, unknown> | undefined;
  /** The fingerprint is the SHA-256 of the request's canonical JSON. */
  readonly idempotency?: { readonly key: string; readonly fingerprint: Buffer } | undefined;
}
