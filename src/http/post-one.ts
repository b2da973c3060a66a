import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { assert } from '../core/errors.ts';
import type { Ledger } from '../ledger/ledgers.ts';
import type { PostRequest } from '../ledger/request.ts';
import type { HttpHouse } from './house.ts';
import { createKeyGate, fingerprintOf, IDEMPOTENCY_HEADER, readIdempotencyKey } from './idempotency.ts';
import { positionAnswer, tellPosition } from './position.ts';
import { toAnswer, transactionContent } from './transaction-answer.ts';

/** What is asked of the ledger in one request. */
export interface Asked {
  readonly ledger: Ledger;
  readonly wanted: PostRequest;
  /** What a repeated request has to repeat. */
  readonly meaning: () => unknown;
  readonly dryRun: boolean | undefined;
  /** The status of success. With 201 the answer says where the transaction is read. */
  readonly status: 200 | 201;
}

export type PostOne = (request: FastifyRequest, reply: FastifyReply, asked: Asked) => Promise<FastifyReply>;

// Node gives header names in lower case, so this documents the header; readIdempotencyKey checks it.
export const keyHeaders = Type.Object({
  [IDEMPOTENCY_HEADER]: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description:
        'printable ASCII, bare or quoted. With it the request may be repeated as often as it takes: it has one effect',
    }),
  ),
});

const replayed = {
  [IDEMPOTENCY_HEADER.replace('Key', 'Replayed')]: {
    type: 'string',
    enum: ['true'],
    description: 'sent when this key had been used before and nothing was done now',
  },
};

/** The documentation of the answers that are a success. */
export const postedAnswers = {
  200: {
    description: 'What would happen, and nothing was done: the request had `dry_run`.',
    headers: replayed,
    content: transactionContent,
  },
  201: {
    description: 'Done; a repeated request gets the first answer again.',
    headers: {
      Location: { type: 'string', description: 'where the transaction is read' },
      ...replayed,
      ...positionAnswer,
    },
    content: transactionContent,
  },
};

/**
 * Posts one request under its Idempotency-Key and answers with the transaction. The routes share one of these, so that a
 * key has one request under way whichever route it came by.
 */
export function createPostOne(house: HttpHouse): PostOne {
  const throughGate = createKeyGate();
  return async (request, reply, { ledger, wanted, meaning, dryRun, status }) => {
    const key = readIdempotencyKey(request.raw.rawHeaders);
    const idempotency = key === undefined ? undefined : { key, fingerprint: fingerprintOf(meaning()) };
    const requests = [idempotency === undefined ? wanted : { ...wanted, idempotency }];
    const { results, position } = await (dryRun
      ? house.preview(ledger.id, requests, { atomic: false })
      : throughGate(ledger.id, key, () => house.post(ledger.id, requests, { atomic: false })));
    const [result] = results;
    assert(result, 'a request has no result');
    if (result.kind === 'refused') throw result.error;
    if (result.kind === 'replayed') reply.header('idempotency-replayed', 'true');
    const answer = toAnswer(ledger.name, result.transaction);
    if (dryRun) return reply.send({ ...answer, dry_run: true });
    tellPosition(reply, position);
    if (status === 201) reply.header('location', `/v1/ledgers/${ledger.name}/transactions/${answer.id}`);
    return reply.code(status).send(answer);
  };
}
