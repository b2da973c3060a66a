import { amountText } from './amounts.ts';
import type { Wire } from './client.ts';
import { errorOfItem, type Problem, underKeys } from './error.ts';
import { dataOf, initOf } from './options.ts';
import { paged } from './pages.ts';
import { POSITION_HEADER } from './position.ts';
import { KEY_HEADER, newKey } from './repeatable.ts';
import type {
  BatchResult,
  PostBody,
  Posted,
  ReverseBody,
  Transaction,
  TransactionRequest,
  Transactions,
  WriteOptions,
} from './transaction-types.ts';

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
      const sent = routes.POST('/v1/ledgers/{ledger}/transactions/batch', {
        params: { path: { ledger } },
        body: { transactions, ...(atomic && { atomic }), ...dryRunOf({ dryRun }) },
        // Each has a key of its own, so the whole may be repeated.
        ...initOf(transport, options, { repeatable: true }),
      });
      const answer = await sent.catch((error: unknown) => {
        throw underKeys(error, { idempotencyKeys: transactions.map((one) => one.idempotency_key) });
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
