import type { PostResult } from '../ledger/post.ts';
import type { PostRequest } from '../ledger/request.ts';
import type { TransactionView } from '../ledger/transactions.ts';
import type { Logger } from '../platform/logger.ts';

/** Something that must be well before this process is sent requests. */
export interface ReadinessCheck {
  readonly name: string;
  /** Resolves when it is well; rejects, or takes too long, when it is not. */
  check(): Promise<void>;
}

/** What the HTTP face works with. Functions are injected, so the face knows of no database and a test can hold any of them. */
export interface HttpHouse {
  readonly version: string;
  readonly logger: Logger;
  readonly checks: readonly ReadinessCheck[];
  findLedger(name: string): Promise<{ readonly id: number; readonly name: string } | undefined>;
  /** Books one transaction: a refusal is a result, anything else that goes wrong is thrown. */
  post(ledgerId: number, request: PostRequest): Promise<PostResult>;
  /** Read where a write is visible at once: who was told 201 must not be told 404 by a lagging replica. */
  readTransaction(ledgerId: number, id: string): Promise<TransactionView | undefined>;
}
