import type { Amount } from './amounts.ts';
import type { QuartermasterError } from './error.ts';
import type { CallOptions, ReadOptions } from './options.ts';
import type { Paged } from './pages.ts';
import type { components, operations } from './schema.ts';

export type Transaction = components['schemas']['Transaction'];
export type ListedTransaction = components['schemas']['ListedTransaction'];

export type PostBody = operations['postTransaction']['requestBody']['content']['application/json'];
export type ReverseBody = NonNullable<
  operations['reverseTransaction']['requestBody']
>['content']['application/json'];
export type TransactionPage = operations['listTransactions']['responses'][200]['content']['application/json'];

/** Money from one account to another, in minor units. */
export interface Posting {
  /** An account, as `user-123:WALLET`. */
  readonly from: string;
  readonly to: string;
  /** Minor units: `1250n` or `'1250'`; `toMinor('12.50', 2)` makes them. */
  readonly amount: Amount;
  /** As `EUR`. */
  readonly currency: string;
}

interface Describing {
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** A transaction to be posted. */
export interface TransactionRequest extends Omit<PostBody, 'postings' | 'metadata' | 'dry_run'>, Describing {
  /** 1 to 100, booked together or not at all. */
  readonly postings: readonly Posting[];
}

/** One of a batch. Under its key it has one effect, in this batch, another or alone; a key is made where none is given. */
export interface BatchItem extends TransactionRequest {
  readonly idempotency_key?: string;
}

export interface ReverseRequest extends Omit<ReverseBody, 'metadata' | 'dry_run'>, Describing {}

/** How much of a reservation is settled: all of it, one amount of a single posting, or an amount for each. */
export type SettleRequest =
  | { readonly amount?: Amount; readonly amounts?: undefined }
  | { readonly amounts: readonly Amount[]; readonly amount?: undefined };

/** The filters of a list, as the API names them. `limit`: how many a page has, 1 to 1000. */
export type ListFilters = Omit<
  NonNullable<operations['listTransactions']['parameters']['query']>,
  'cursor' | 'include_total' | 'limit'
> & { readonly limit?: number; readonly include_total?: boolean };

export interface WriteOptions extends CallOptions {
  /**
   * Under which this has one effect, whoever sends it and how often: give one that your own records know, as an order's
   * number, and it holds across a restart of your program too. Left out one is made, for all tries of this call.
   */
  readonly idempotencyKey?: string;
  /** To be told what would happen, and nothing is done. */
  readonly dryRun?: boolean;
}

/** What became of a write. */
export interface Posted {
  readonly transaction: Transaction;
  /** True: this key had been used before, this is the first answer again, and nothing was done now. */
  readonly replayed: boolean;
  /** For `after` of a read that must see it; undefined where no replica serves reads. */
  readonly position: string | undefined;
}

export type BatchResult =
  | { readonly status: 'created' | 'replayed'; readonly transaction: Transaction }
  | { readonly status: 'refused'; readonly error: QuartermasterError };

export interface PostedBatch {
  /** In the order in which they were sent. */
  readonly results: readonly BatchResult[];
  readonly position: string | undefined;
}

export interface BatchOptions extends CallOptions {
  /** All of them are booked or none: what is refused then is thrown, with each in `faults`. */
  readonly atomic?: boolean;
  readonly dryRun?: boolean;
}

/** All of these throw QuartermasterError, and AmountError for an amount that is none. */
export interface Transactions {
  /** Books a transaction; with the status PENDING it reserves the money instead. Asked again under its key it is done once. */
  post(ledger: string, request: TransactionRequest, options?: WriteOptions): Promise<Posted>;
  /** Up to 1,000, each with a result of its own. Refused ones are results, not thrown, unless the batch is atomic. */
  postBatch(ledger: string, requests: readonly BatchItem[], options?: BatchOptions): Promise<PostedBatch>;
  /** Books what a PENDING transaction reserved, or part of it; the rest is freed. */
  settle(ledger: string, id: string, request?: SettleRequest, options?: WriteOptions): Promise<Posted>;
  /** Frees what a PENDING transaction reserved. */
  void(ledger: string, id: string, options?: WriteOptions): Promise<Posted>;
  /** Books the opposite of a transaction, now and once. */
  reverse(ledger: string, id: string, request?: ReverseRequest, options?: WriteOptions): Promise<Posted>;
  get(ledger: string, id: string, options?: CallOptions): Promise<Transaction>;
  /** Newest first. Pages also say how many there are, where that was asked for, and which archived quarters the range touches. */
  list(
    ledger: string,
    filters?: ListFilters,
    options?: ReadOptions,
  ): Paged<ListedTransaction, TransactionPage>;
}
