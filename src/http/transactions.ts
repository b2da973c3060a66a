import { Type } from 'typebox';
import { AppError } from '../core/errors.ts';
import type { App } from './app-type.ts';
import type { HttpHouse } from './house.ts';
import { problems } from './openapi.ts';
import { findLedger, LedgerName, TransactionId } from './parameters.ts';
import { keyHeaders, type PostOne, postedAnswers } from './post-one.ts';
import { type Fault, RequestError } from './problem.ts';
import { toAnswer, transactionContent } from './transaction-answer.ts';
import { gatherInto, meaningOf, TransactionRequest, toLedgerRequest } from './transaction-request.ts';

const post = {
  operationId: 'postTransaction',
  tags: ['transactions'],
  summary: 'Post a transaction',
  description:
    'Moves money from account to account, now; as PENDING it reserves the money, to be settled or voided. A refused transaction leaves no trace and its key unused. Of members with one name the last counts.',
  params: Type.Object({ ledger: LedgerName }),
  headers: keyHeaders,
  body: TransactionRequest,
  response: { ...postedAnswers, ...problems(400, 404, 409, 413, 415, 422) },
};

const read = {
  operationId: 'getTransaction',
  tags: ['transactions'],
  summary: 'Read a transaction or a reservation',
  params: Type.Object({ ledger: LedgerName, id: TransactionId }),
  response: {
    200: { description: 'The transaction with its entries.', content: transactionContent },
    ...problems(400, 404),
  },
};

export function transactionRoutes(app: App, house: HttpHouse, postOne: PostOne): void {
  app.post(
    '/v1/ledgers/:ledger/transactions',
    { schema: post, config: { role: 'writer' } },
    async (request, reply) => {
      const { body } = request;
      const faults: Fault[] = [];
      const wanted = toLedgerRequest(body, house.calendar, gatherInto(faults));
      if (faults.length > 0) throw new RequestError('invalid_request', faults);
      return postOne(request, reply, {
        ledger: await findLedger(house, request.params.ledger),
        wanted,
        meaning: () => meaningOf(body),
        dryRun: body.dry_run,
        status: 201,
      });
    },
  );

  app.get(
    '/v1/ledgers/:ledger/transactions/:id',
    { schema: read, config: { role: 'reader' } },
    async (request, reply) => {
      const { id: ledgerId, name } = await findLedger(house, request.params.ledger);
      const id = request.params.id.toLowerCase();
      const transaction = await house.readTransaction(ledgerId, id);
      if (transaction === undefined) {
        const detail = `The ledger ${name} has no transaction ${id} online.`;
        throw new AppError('not_found', 'transaction_not_found', detail);
      }
      // Only what was booked can be reversed.
      const reversal =
        transaction.status === 'SUCCESS' ? await house.readReversal(ledgerId, transaction.id) : undefined;
      const answer = toAnswer(name, transaction);
      return reply.send(reversal === undefined ? answer : { ...answer, reversed_by: reversal });
    },
  );
}
