import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { AppError, type ErrorKind, quotesCause } from '../core/errors.ts';
import { asAppError } from './framework-errors.ts';
import { TooManyAttempts } from './sign-in-attempts.ts';

declare module 'fastify' {
  interface FastifyReply {
    /** The code of the problem this reply tells of, for the log. */
    problemCode: string | undefined;
  }
}

const statusOfKind: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  refused: 422,
  busy: 503,
  unavailable: 503,
  aborted: 503,
  corrupt: 500,
  config: 500,
  internal: 500,
};

/** Codes for which HTTP has a status that says more than their kind's. */
export const statusOfCode: ReadonlyMap<string, number> = new Map([
  ['method_not_allowed', 405],
  ['request_timeout', 408],
  ['quarter_closed', 409],
  ['body_too_large', 413],
  ['path_too_long', 414],
  ['unsupported_media_type', 415],
  ['idempotency_key_reused', 422],
  ['too_many_attempts', 429],
  ['too_many_sign_ins', 429],
  ['headers_too_large', 431],
]);

/** Seconds after which trying again is worth while, for the kinds that pass by themselves. */
const retryAfter: Partial<Record<ErrorKind, number>> = { busy: 1, unavailable: 5, aborted: 5 };

/** What is said where the error's own words are for the log alone. */
const plainDetail: Readonly<Record<ErrorKind, string>> = {
  invalid: 'The request holds a value the ledger cannot take.',
  unauthenticated: 'The request needs a key: send it as Authorization: Bearer <key>.',
  forbidden: 'The key does not allow this.',
  not_found: 'There is no such thing.',
  conflict: 'The request does not fit the present state of what it names.',
  refused: 'A rule of the ledger forbids it.',
  busy: 'Others hold what the request needs. Try again; with the same Idempotency-Key it takes effect once.',
  unavailable:
    'Something the service depends on is away. Try again; with the same Idempotency-Key it takes effect once.',
  aborted: 'The service is stopping. Try again; with the same Idempotency-Key it takes effect once.',
  corrupt: 'Data are not what they were proved to be. Report it and quote the instance.',
  config: 'The service is set up wrongly. Report it and quote the instance.',
  internal: 'The service failed. Report it and quote the instance.',
};

/** The kinds whose cause lies within the service: their words stay there too. */
const inward: readonly ErrorKind[] = ['corrupt', 'config', 'internal'];

const Fault = Type.Object(
  {
    pointer: Type.Optional(
      Type.String({ description: 'where in the body, as the fragment form of a JSON pointer (RFC 6901)' }),
    ),
    parameter: Type.Optional(Type.String({ description: 'which parameter of the path or the query' })),
    header: Type.Optional(Type.String({ description: 'which header' })),
    code: Type.Optional(Type.String({ description: 'of the item of a batch that is refused' })),
    detail: Type.String(),
  },
  { additionalProperties: false },
);
export type Fault = Static<typeof Fault>;

/** RFC 9457, with a stable `code`. docs/errors.md lists the codes. */
export const Problem = Type.Object(
  {
    type: Type.String({ format: 'uri', description: 'urn:quartermaster:problem: and the code' }),
    title: Type.String({ description: 'the same for every problem of the type' }),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String({ description: 'what happened here and what to do, for people' }),
    code: Type.String({ description: 'stable, for programs' }),
    instance: Type.String({ format: 'uri', description: 'urn:quartermaster:request: and the request id' }),
    errors: Type.Optional(Type.Array(Fault, { description: 'what is wrong with the request, part by part' })),
  },
  { $id: 'Problem', description: 'What went wrong (RFC 9457).' },
);
export type Problem = Static<typeof Problem>;

/** More faults than this are not told at once: whoever made them has one bug, not twenty. */
export const MAX_FAULTS = 8;

/** A request at fault in parts that can be named. */
export class RequestError extends AppError {
  readonly faults: readonly Fault[];

  constructor(code: 'invalid_request' | 'invalid_idempotency_key', faults: readonly Fault[]) {
    const [first] = faults;
    const where = first && (first.pointer ?? first.parameter ?? first.header);
    const rest = faults.length > 1 ? ` There is more: see errors.` : '';
    super('invalid', code, `${where === undefined ? '' : `${where}: `}${first?.detail}.${rest}`);
    this.faults = faults.slice(0, MAX_FAULTS);
  }
}

/** `frank`: it is for those who can mend what is damaged, who are told what it is. */
export function problemOf(
  error: AppError,
  requestId: string,
  { frank = false }: { frank?: boolean } = {},
): Problem {
  return {
    type: `urn:quartermaster:problem:${error.code}`,
    title: titleOf(error.code),
    status: statusOfCode.get(error.code) ?? statusOfKind[error.kind],
    detail: detailOf(error, frank),
    code: error.code,
    instance: `urn:quartermaster:request:${requestId}`,
    ...(error instanceof RequestError ? { errors: [...error.faults] } : {}),
  };
}

/**
 * Answers with the problem that was thrown. What is ours to mend is logged with all there is to know about it, and the
 * client gets the request id by which to find it.
 */
export function answerProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = asAppError(thrown, request.routeOptions.bodyLimit);
  const frank = request.routeOptions.config?.role === 'finance';
  const problem = problemOf(error, request.id, { frank });
  if (problem.status >= 500) {
    request.log[problem.status === 500 ? 'error' : 'warn'](
      // Said here, for a body that breaks off fails outside of what its request began.
      { request_id: request.id, err: error, code: error.code },
      'request failed',
    );
  }
  const seconds = error instanceof TooManyAttempts ? error.seconds : retryAfter[error.kind];
  return sendProblem(problem, reply, seconds);
}

export function sendProblem<P extends Problem>(
  problem: P,
  reply: FastifyReply,
  retryAfterSeconds?: number,
): FastifyReply {
  reply.problemCode = problem.code;
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  return (
    reply
      .code(problem.status)
      .header('content-type', 'application/problem+json')
      // As bytes, for Fastify adds a charset to the type of a text, and JSON types have none (RFC 8259, section 11).
      .send(Buffer.from(JSON.stringify(problem)))
  );
}

/** `insufficient_funds` reads `Insufficient funds`. */
function titleOf(code: string): string {
  const words = code.replaceAll('_', ' ').replace(/\bjson\b/, 'JSON');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function detailOf(error: AppError, frank: boolean): string {
  const { kind, detail } = error;
  const inside = inward.includes(kind) && !(frank && kind === 'corrupt');
  return inside || quotesCause(error) ? plainDetail[kind] : detail;
}
