import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { RequestError } from './problem.ts';

const HEADER = 'X-Ledger-Position';

/** A position in PostgreSQL's write-ahead log, as pg_lsn prints it. */
const POSITION = /^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/;

/** The documentation of the header that a read may send. */
export const positionHeaders = Type.Object({
  [HEADER]: Type.Optional(
    Type.String({
      pattern: POSITION.source,
      description:
        'as a write answered it: what is read is no older than that. Without it a read may come from a replica that is some seconds behind',
    }),
  ),
});

/** The documentation of the header that a write answers. */
export const positionAnswer = {
  [HEADER]: {
    type: 'string',
    description:
      'where the write stands, when reads may come from a replica: send it with a read that must see it',
  },
} as const;

/**
 * How far into the log the reader has seen.
 *
 * @throws RequestError invalid/invalid_request
 */
export function readPosition({ headers }: FastifyRequest): string | undefined {
  const position = headers['x-ledger-position'];
  // Sent twice it is joined by a comma, and is no position.
  if (position === undefined || (typeof position === 'string' && POSITION.test(position))) return position;
  throw new RequestError('invalid_request', [
    { header: HEADER, detail: 'must be as a write answered it, as 16/B374D848' },
  ]);
}

export function tellPosition(reply: FastifyReply, position: string | undefined): void {
  if (position !== undefined) reply.header('x-ledger-position', position);
}
