import { type Static, type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { AppError } from '../core/errors.ts';
import type { Calendar } from '../core/quarter.ts';
import type { PostResult } from '../ledger/post.ts';
import type { PostRequest } from '../ledger/request.ts';
import { fingerprintOf } from './idempotency.ts';
import { type Fault, type Problem, problemOf, RequestError } from './problem.ts';
import { type TransactionAnswer, toAnswer } from './transaction-answer.ts';
import { DryRun, gatherInto, meaningOf, TransactionRequest, toLedgerRequest } from './transaction-request.ts';
import { partFaults } from './validation.ts';

/** The most transactions of one batch. */
const LONGEST = 1000;

const { dry_run: _, ...members } = TransactionRequest.properties;

const Item = Type.Object(
  {
    ...members,
    idempotency_key: Type.Optional(
      Type.String({
        pattern: '^[\\x20-\\x7e]{1,255}$',
        title: 'under which this transaction has one effect, in this batch, another or alone',
        description: '1 to 255 printable ASCII characters',
      }),
    ),
  },
  { additionalProperties: false, description: 'a JSON object with at least postings' },
);
type Item = Static<typeof Item>;

const batchOf = <T extends TSchema>(item: T) =>
  Type.Object(
    {
      transactions: Type.Array(item, {
        minItems: 1,
        maxItems: LONGEST,
        description: `a list of 1 to ${LONGEST} transactions`,
      }),
      atomic: Type.Optional(
        Type.Boolean({ title: 'all of them stand or none', description: 'true or false' }),
      ),
      dry_run: DryRun,
    },
    { additionalProperties: false, description: 'a JSON object with transactions' },
  );

/** The body of POST …/transactions/batch, whole. */
export const BatchRequest = batchOf(Item);

/** Each transaction is checked by itself, so that a wrong one gets a result like one that is refused. */
export const BatchEnvelope = batchOf(Type.Unknown());

export const BatchAnswer = Type.Object({
  results: Type.Array(
    Type.Union([
      Type.Object({
        status: Type.Enum(['created', 'replayed']),
        transaction: Type.Unsafe<TransactionAnswer>({ $ref: 'Transaction#' }),
      }),
      Type.Object({
        status: Type.Literal('refused'),
        problem: Type.Unsafe<Problem>({ $ref: 'Problem#' }),
      }),
    ]),
    { description: 'what became of each transaction, in the order they were sent' },
  ),
  dry_run: Type.Optional(Type.Boolean({ description: 'nothing was done: this is what would be' })),
});

/** Reads one transaction of a batch: as the ledger takes it, or what is wrong with it. */
export type ReadItem = (sent: unknown, index: number) => PostRequest | RequestError;

export function createItemReader(calendar: Calendar): ReadItem {
  const validator = Compile(Item);
  return (sent, index) => {
    const at = `/transactions/${index}`;
    const faults = partFaults(Item, validator, sent, at);
    if (faults.length > 0) return new RequestError('invalid_request', faults);
    const { idempotency_key: key, ...body } = sent as Item;
    const wanted = toLedgerRequest(body, calendar, gatherInto(faults, at));
    if (faults.length > 0) return new RequestError('invalid_request', faults);
    // The fingerprint of a request that comes alone, so that either may repeat the other.
    return key === undefined
      ? wanted
      : { ...wanted, idempotency: { key, fingerprint: fingerprintOf(meaningOf(body)) } };
  };
}

/** What became of each, as it is answered. */
export function toResults(
  outcomes: readonly PostResult[],
  ledger: string,
  requestId: string,
): Static<typeof BatchAnswer>['results'] {
  return outcomes.map((outcome) =>
    outcome.kind === 'refused'
      ? { status: 'refused', problem: problemOf(outcome.error, requestId) }
      : { status: outcome.kind, transaction: toAnswer(ledger, outcome.transaction) },
  );
}

/** Of one that was refused only because others were. */
export function refusedWithOthers(): AppError {
  return new AppError('refused', 'batch_refused', 'Others of the batch are refused, and so is this one.');
}

/** The problem of a batch of which all or none should stand. */
export function refusedBatch(outcomes: readonly PostResult[], requestId: string): Problem {
  const errors = outcomes.flatMap((outcome, index): Fault[] => {
    if (outcome.kind !== 'refused' || outcome.error.code === 'batch_refused') return [];
    const { code, detail, errors } = problemOf(outcome.error, requestId);
    return errors
      ? errors.map((fault) => ({ ...fault, code }))
      : [{ pointer: `#/transactions/${index}`, code, detail }];
  });
  const detail = `Of ${outcomes.length} transactions some are refused, and so none is booked: see errors.`;
  return { ...problemOf(new AppError('refused', 'batch_refused', detail), requestId), errors };
}
