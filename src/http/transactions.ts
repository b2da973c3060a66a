import { Type } from 'typebox';
import { AppError } from '../core/errors.ts';
import { calendar } from '../core/quarter.ts';
import type { App } from './app.ts';
import type { HttpHouse } from './house.ts';
import { createKeyGate, fingerprintOf, readIdempotencyKey } from './idempotency.ts';
import { problems } from './openapi.ts';
import {
  TransactionAnswer,
  TransactionRequest,
  toAnswer,
  toPostRequest,
  withTextAmounts,
} from './transaction-json.ts';

const ledger = Type.String({
  pattern: '^[a-z0-9][a-z0-9_-]{0,62}$',
  description: 'the name of a ledger: up to 63 lower-case letters, digits, - and _',
});
const transactionId = Type.String({
  format: 'uuid',
  pattern: '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$',
  description: 'the id of a transaction, which is a UUID',
});

const posted = {
  description: 'Booked, or recorded as FAILED; a repeated request gets the first answer again.',
  headers: {
    Location: { type: 'string', description: 'where the transaction is read' },
    'Idempotency-Replayed': {
      type: 'string',
      enum: ['true'],
      description: 'sent when this key had been used before and nothing was booked now',
    },
  },
  content: { 'application/json': { schema: Type.Unsafe<TransactionAnswer>({ $ref: 'Transaction#' }) } },
};

const post = {
  operationId: 'postTransaction',
  tags: ['transactions'],
  summary: 'Post a transaction',
  description:
    'Moves money from account to account, now. With an Idempotency-Key the request may be repeated as often as it takes: it has one effect. A refused transaction leaves no trace and its key unused. Of members with one name the last counts.',
  params: Type.Object({ ledger }),
  // Node gives header names in lower case, so this documents the header; readIdempotencyKey checks it.
  headers: Type.Object({
    'Idempotency-Key': Type.Optional(
      Type.String({ minLength: 1, maxLength: 255, description: 'printable ASCII, bare or quoted' }),
    ),
  }),
  body: TransactionRequest,
  response: { 201: posted, ...problems(400, 404, 409, 413, 415, 422, 500, 503) },
};

const read = {
  operationId: 'getTransaction',
  tags: ['transactions'],
  summary: 'Read a transaction',
  params: Type.Object({ ledger, id: transactionId }),
  response: {
    200: { description: 'The transaction.', content: posted.content },
    ...problems(400, 404, 500, 503),
  },
};

export function transactionRoutes(app: App, house: HttpHouse): void {
  app.addSchema(TransactionAnswer);
  const throughGate = createKeyGate();
  const utc = calendar('UTC');

  app.post('/v1/ledgers/:ledger/transactions', { schema: post }, async (request, reply) => {
    const key = readIdempotencyKey(request.raw.rawHeaders);
    const wanted = toPostRequest(request.body, utc);
    const { id: ledgerId, name } = await findLedger(house, request.params.ledger);
    const result = await (key === undefined
      ? house.post(ledgerId, wanted)
      : throughGate(ledgerId, key, () => {
          const fingerprint = fingerprintOf(withTextAmounts(request.body));
          return house.post(ledgerId, { ...wanted, idempotency: { key, fingerprint } });
        }));
    if (result.kind === 'refused') throw result.error;
    if (result.kind === 'replayed') reply.header('idempotency-replayed', 'true');
    return reply
      .code(201)
      .header('location', `/v1/ledgers/${name}/transactions/${result.transaction.id}`)
      .send(toAnswer(name, result.transaction));
  });

  app.get('/v1/ledgers/:ledger/transactions/:id', { schema: read }, async (request, reply) => {
    const { id: ledgerId, name } = await findLedger(house, request.params.ledger);
    const { id } = request.params;
    const transaction = await house.readTransaction(ledgerId, id);
    if (transaction === undefined) {
      const detail = `The ledger ${name} has no transaction ${id} online.`;
      throw new AppError('not_found', 'transaction_not_found', detail);
    }
    return reply.send(toAnswer(name, transaction));
  });
}

async function findLedger(house: HttpHouse, name: string): Promise<{ id: number; name: string }> {
  const found = await house.findLedger(name);
  if (found) return found;
  throw new AppError('not_found', 'no_such_ledger', `There is no ledger ${name}.`);
}
