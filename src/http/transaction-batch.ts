import { Type } from 'typebox';
import { assert } from '../core/errors.ts';
import type { PostResult } from '../ledger/post.ts';
import type { PostRequest } from '../ledger/request.ts';
import type { App } from './app-type.ts';
import type { HttpHouse } from './house.ts';
import { IDEMPOTENCY_HEADER, readIdempotencyKey } from './idempotency.ts';
import { problems } from './openapi.ts';
import { findLedger, LedgerName } from './parameters.ts';
import { positionAnswer, tellPosition } from './position.ts';
import { RequestError, sendProblem } from './problem.ts';
import {
  BatchAnswer,
  BatchEnvelope,
  BatchRequest,
  createItemReader,
  refusedBatch,
  refusedWithOthers,
  toResults,
} from './transaction-batch-json.ts';
import { validatorCompiler } from './validation.ts';

const post = {
  operationId: 'postTransactions',
  tags: ['transactions'],
  summary: 'Post up to 1,000 transactions',
  description:
    'Each has a result of its own; with `atomic` all of them are booked or none, and then the problem lists in `errors` which were refused. The body may have 16 MiB and 400,000 JSON values.',
  params: Type.Object({ ledger: LedgerName }),
  body: BatchRequest,
  response: {
    200: {
      description: 'What became of each.',
      headers: positionAnswer,
      content: { 'application/json': { schema: BatchAnswer } },
    },
    ...problems(400, 404, 413, 415, 422),
  },
};

export function transactionBatchRoutes(app: App, house: HttpHouse): void {
  const readItem = createItemReader(house.calendar);

  app.post(
    '/v1/ledgers/:ledger/transactions/batch',
    {
      schema: post,
      bodyLimit: 16 * 1024 * 1024,
      config: { role: 'writer', maxValues: 400_000 },
      validatorCompiler: (part) =>
        validatorCompiler(part.httpPart === 'body' ? { ...part, schema: BatchEnvelope } : part),
    },
    async (request, reply) => {
      refuseKeyHeader(request.raw.rawHeaders);
      const { transactions, atomic = false, dry_run: dryRun = false } = request.body;
      const ledger = await findLedger(house, request.params.ledger);
      const items = transactions.map(readItem);
      const wanted = items.filter((item): item is PostRequest => !(item instanceof RequestError));
      const tried = wanted.length > 0 && (!atomic || wanted.length === items.length);
      const { results, position } = tried
        ? await house[dryRun ? 'preview' : 'post'](ledger.id, wanted, { atomic })
        : { results: [], position: undefined };
      const outcomes = outcomesOf(items, tried ? results : undefined);

      if (atomic && outcomes.some(({ kind }) => kind === 'refused')) {
        return sendProblem(refusedBatch(outcomes, request.id), reply);
      }
      const answer = { results: toResults(outcomes, ledger.name, request.id) };
      if (dryRun) return reply.send({ ...answer, dry_run: true });
      tellPosition(reply, position);
      return reply.send(answer);
    },
  );
}

/** What became of all, in their order, from what became of those that could be read; undefined: they were not posted. */
function outcomesOf(
  items: readonly (PostRequest | RequestError)[],
  results: readonly PostResult[] | undefined,
): PostResult[] {
  let next = 0;
  return items.map((item) => {
    if (item instanceof RequestError) return { kind: 'refused', error: item };
    if (results === undefined) return { kind: 'refused', error: refusedWithOthers() };
    const result = results[next++];
    assert(result, 'a request has no result');
    return result;
  });
}

/** @throws RequestError invalid/invalid_request */
function refuseKeyHeader(rawHeaders: readonly string[]): void {
  if (readIdempotencyKey(rawHeaders) === undefined) return;
  const detail = 'must be left out: each transaction of a batch has an idempotency_key of its own';
  throw new RequestError('invalid_request', [{ header: IDEMPOTENCY_HEADER, detail }]);
}
