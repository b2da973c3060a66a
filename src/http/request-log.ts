import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../platform/logger.ts';

/** Logs one line a request, when its answer was sent or nobody waited for it any more. */
export type LogAtEnd = (request: FastifyRequest, reply: FastifyReply) => void;

/** What machines ask for all day. */
export const PROBES: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);

/** The client went away before its answer was there: no status of HTTP's, but what proxies write for it. */
export const CLIENT_GONE = 499;

export function createRequestLog(logger: Logger): LogAtEnd {
  // To look for secrets in a line costs more than to write it, and nothing that stands in this one can be one.
  const lines = logger.child({}, { redact: [] });
  return (request, reply) => {
    // Fastify's onResponse is not called for an answer that nobody waited for; this event always comes.
    reply.raw.once('close', () => {
      const route = request.routeOptions.url;
      const isAnswered = reply.raw.writableEnded;
      // Not worth a line at info: they come every few seconds for ever.
      const quiet = PROBES.has(route ?? '') && reply.statusCode < 400;
      lines[quiet ? 'debug' : 'info'](
        {
          request_id: request.id,
          method: request.method,
          route,
          status: isAnswered ? reply.statusCode : CLIENT_GONE,
          code: reply.problemCode,
          caller: request.identity?.name,
          ms: Math.round(reply.elapsedTime * 10) / 10,
        },
        isAnswered ? 'request' : 'client went away',
      );
    });
  };
}
