import { type Amount, amountText } from './amounts.ts';
import type { Wire } from './client.ts';
import { errorOfItem, type Problem, type QuartermasterError } from './error.ts';
import { type CallOptions, dataOf, initOf, type ReadOptions } from './options.ts';
import { type Paged, paged } from './pages.ts';
import { POSITION_HEADER } from './position.ts';
import { KEY_HEADER, newKey } from './repeatable.ts';
import type { components, operations } from './schema.ts';

export type Transaction = components['schemas']['Transaction'];
export type ListedTransaction = components['schemas']['ListedTransaction'];

type PostBody = operations['postTransaction']['requestBody']['content']['application/json'];
type ReverseBody = NonNullable<
  operations['reverseTransaction']['requestBody']
>['content']['application/json'];
type Page = operations['listTransactions']['responses'][200]['content']['application/json'];

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
  list(ledger: string, filters?: ListFilters, options?: ReadOptions): Paged<ListedTransaction, Page>;
}

export function createTransactions({ routes, transport }: Wire): Transactions {
  /** The options of a write, with its key. */
  const writing = ({ idempotencyKey = newKey(), ...options }: WriteOptions = {}) =>
    initOf(transport, options, { headers: { [KEY_HEADER]: idempotencyKey } });

  return {
    async post(ledger, request, options) {
      const body = { ...bodyOf(request), ...dryRunOf(options) };
      const path = '/v1/ledgers/{ledger}/transactions';
      return postedIn(await routes.POST(path, { params: { path: { ledger } }, body, ...writing(options) }));
    },
    async postBatch(ledger, requests, { atomic, dryRun, ...options } = {}) {
      const transactions = requests.map((request, index) => ({
        ...bodyOf(request, `transactions[${index}].`),
        idempotency_key: request.idempotency_key ?? newKey(),
      }));
      const answer = await routes.POST('/v1/ledgers/{ledger}/transactions/batch', {
        params: { path: { ledger } },
        body: { transactions, ...(atomic && { atomic }), ...dryRunOf({ dryRun }) },
        // Each has a key of its own, so the whole may be repeated.
        ...initOf(transport, options, { repeatable: true }),
      });
      const { headers } = answer.response;
      return { results: dataOf(answer).results.map(resultOf(headers)), position: positionIn(headers) };
    },
    async settle(ledger, id, { amount, amounts } = {}, options) {
      const body = {
        ...(amount !== undefined && { amount: amountText(amount, 'amount') }),
        ...(amounts && { amounts: amounts.map((one, index) => amountText(one, `amounts[${index}]`)) }),
        ...dryRunOf(options),
      };
      const path = '/v1/ledgers/{ledger}/transactions/{id}/settle';
      return postedIn(
        await routes.POST(path, { params: { path: { ledger, id } }, body, ...writing(options) }),
      );
    },
    async void(ledger, id, options) {
      const body = dryRunOf(options);
      const path = '/v1/ledgers/{ledger}/transactions/{id}/void';
      return postedIn(
        await routes.POST(path, { params: { path: { ledger, id } }, body, ...writing(options) }),
      );
    },
    async reverse(ledger, id, request = {}, options) {
      const body = { ...(request as ReverseBody), ...dryRunOf(options) };
      const path = '/v1/ledgers/{ledger}/transactions/{id}/reverse';
      return postedIn(
        await routes.POST(path, { params: { path: { ledger, id } }, body, ...writing(options) }),
      );
    },
    async get(ledger, id, options) {
      const path = '/v1/ledgers/{ledger}/transactions/{id}';
      const init = { params: { path: { ledger, id } }, ...initOf(transport, options) };
      return dataOf(await routes.GET(path, init));
    },
    list: (ledger, { limit, include_total, ...filters } = {}, options = {}) =>
      paged(
        async (cursor) => {
          const query = {
            ...filters,
            ...(limit !== undefined && { limit: String(limit) }),
            ...(include_total !== undefined && {
              include_total: include_total ? ('true' as const) : ('false' as const),
            }),
            ...(cursor !== undefined && { cursor }),
          };
          const init = { params: { path: { ledger }, query }, ...initOf(transport, options) };
          return dataOf(await routes.GET('/v1/ledgers/{ledger}/transactions', init));
        },
        ({ transactions }) => transactions,
      ),
  };
}

/** A transaction as JSON can hold it: amounts as text. */
function bodyOf({ postings, ...rest }: TransactionRequest, at = ''): PostBody {
  return {
    ...(rest as Omit<PostBody, 'postings'>),
    postings: postings.map((posting, index) => ({
      ...posting,
      amount: amountText(posting.amount, `${at}postings[${index}].amount`),
    })),
  };
}

function dryRunOf({ dryRun = false }: { readonly dryRun?: boolean | undefined } = {}): { dry_run?: boolean } {
  return dryRun ? { dry_run: true } : {};
}

function postedIn(answer: { readonly data?: Transaction; readonly response: Response }): Posted {
  const { headers } = answer.response;
  return {
    transaction: dataOf(answer),
    replayed: headers.get('idempotency-replayed') === 'true',
    position: positionIn(headers),
  };
}

function positionIn(headers: Headers): string | undefined {
  return headers.get(POSITION_HEADER) ?? undefined;
}

type Told = { status: string; transaction?: Transaction; problem?: Problem };

const resultOf =
  (headers: Headers) =>
  (result: Told): BatchResult =>
    result.problem === undefined
      ? { status: result.status as 'created', transaction: result.transaction as Transaction }
      : { status: 'refused', error: errorOfItem(result.problem, headers.get('x-request-id') ?? undefined) };
