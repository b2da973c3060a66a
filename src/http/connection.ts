import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { asClientError } from './framework-errors.ts';
import type { HttpHouse } from './house.ts';
import { problemOf } from './problem.ts';
import type { Measuring } from './request-meter.ts';
import { securityHeaders } from './security-headers.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body may take as long as it likes while something of it arrives. */
    streamed?: boolean;
  }
}

/** Clocks of a connection, in milliseconds. */
export interface Clocks {
  /** For a request to arrive, its body included, unless the route is streamed. */
  readonly request: number;
  readonly headers: number;
  /** Nothing moves on the connection: longer than any request takes, for this one cuts an answer off. */
  readonly inactivity: number;
  /** Longer than the 60 seconds of usual load balancers: who closes first must be the one who sends. */
  readonly keepAlive: number;
  /** How often Node looks at the first two. */
  readonly check: number;
}

export const CLOCKS: Clocks = {
  request: 30_000,
  headers: 10_000,
  inactivity: 120_000,
  keepAlive: 72_000,
  check: 5_000,
};

/** The connections on which a streamed body arrives. */
export interface StreamedConnections {
  add(request: FastifyRequest): void;
  has(socket: Socket): boolean;
}

/**
 * Node has one clock for all requests. It tells of each that took too long once, and leaves it to us to hang up: so a
 * streamed body is let go on here, and no request costs a timer of its own.
 */
export function createStreamedConnections(): StreamedConnections {
  const sockets = new WeakSet<Socket>();
  return {
    add({ raw }) {
      const { socket } = raw;
      sockets.add(socket);
      // What comes next on the connection is timed again.
      raw.once('close', () => sockets.delete(socket));
    },
    has: (socket) => sockets.has(socket),
  };
}

/** Answers what never became a request, in HTTP written by hand, and hangs up. */
export function refuseConnection(
  { logger, measuring }: HttpHouse & { readonly measuring: Measuring },
  streamed: StreamedConnections,
  error: NodeJS.ErrnoException,
  socket: Socket,
): void {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && streamed.has(socket)) return;
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy(error);
    return;
  }
  const id = randomUUID();
  const problem = problemOf(asClientError(error), id);
  logger.info({ status: problem.status, code: problem.code, request_id: id }, 'request');
  measuring.refuse(socket, problem.status);
  const body = JSON.stringify(problem);
  const lines = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    `x-request-id: ${id}`,
    ...Object.entries(securityHeaders).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
