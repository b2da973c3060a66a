import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import swagger from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify';
import { AppError } from '../core/errors.ts';
import { asClientError, BODY_LIMIT, MAX_PARAMETER } from './framework-errors.ts';
import { healthRoutes } from './health.ts';
import type { HttpHouse } from './house.ts';
import { parseJsonBody } from './json-body.ts';
import { refuseOtherMethods } from './methods.ts';
import { openapiOptions, openapiRoute } from './openapi.ts';
import { answerProblem, Problem, problemOf } from './problem.ts';
import { transactionRoutes } from './transactions.ts';
import { validatorCompiler } from './validation.ts';

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** Clocks of a connection, in milliseconds. */
const REQUEST_TIMEOUT = 30_000;
const HEADERS_TIMEOUT = 10_000;
/** Nothing moves on the connection: longer than any request takes, for this one cuts an answer off. */
const CONNECTION_TIMEOUT = 120_000;
/** Longer than the 60 seconds of usual load balancers: who closes first must be the one who sends. */
const KEEP_ALIVE_TIMEOUT = 72_000;
/** How often Node looks at the first two. */
const CHECK_INTERVAL = 5_000;

const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;

/** What every answer carries: it is data, for one reader, and never a page. */
const headers = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
} as const;

/** Fastify's own serializers drop what a schema forgot and bend what it got wrong; types do that work here. */
const compilers = {
  buildValidator: () => validatorCompiler,
  buildSerializer: () => () => (data: unknown) => JSON.stringify(data),
};

/**
 * The HTTP API, not listening yet. There is no authentication: whoever reaches it can post, which is why it listens on
 * loopback unless told otherwise, and says so in the log when it does not.
 */
export function createApp(house: HttpHouse): App {
  const app: App = fastify({
    loggerInstance: house.logger as FastifyBaseLogger,
    // Fastify's two lines a request are replaced by our one.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    genReqId: (request) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    },
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT,
    connectionTimeout: CONNECTION_TIMEOUT,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT,
    http: { headersTimeout: HEADERS_TIMEOUT, connectionsCheckingInterval: CHECK_INTERVAL },
    routerOptions: { maxParamLength: MAX_PARAMETER },
    // Given here, for what is set on the instance a scope with schemas of its own quietly replaces by Ajv, for which
    // alone the option is typed.
    schemaController: { compilersFactory: compilers as never },
    // A request that comes while the server stops is served; the server says when it is over.
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => {
      // The router gave up, so no hook runs for this request.
      begin(request as FastifyRequest, reply as FastifyReply);
      answerProblem(error, request as FastifyRequest, reply as FastifyReply);
    },
    clientErrorHandler: (error, socket) => refuseConnection(house, error, socket),
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.decorateReply('problemCode', undefined);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_: unknown, body: Buffer) =>
    parseJsonBody(body),
  );
  app.setErrorHandler((error, request, reply) => answerProblem(error, request, reply));

  app.addHook('onRequest', async (request, reply) => {
    begin(request, reply);
    // Before the body is read: that a route is unknown must not hide behind a fault in what was sent there.
    if (request.is404) {
      throw new AppError('not_found', 'no_such_route', `There is no ${request.method} ${pathOf(request)}.`);
    }
  });

  app.addSchema(Problem);
  app.register(swagger, openapiOptions(house.version));
  app.register(async (scope: App) => {
    const done = refuseOtherMethods(scope);
    healthRoutes(scope, house);
    transactionRoutes(scope, house);
    openapiRoute(scope);
    done();
  });
  return app;
}

function begin(request: FastifyRequest, reply: FastifyReply): void {
  reply.headers(headers).header('x-request-id', request.id);
  // Fastify's onResponse is not called for an answer that nobody waited for; these events are, the one or the other.
  const end = (message: string) => () => {
    reply.raw.off('finish', onFinish).off('close', onClose);
    logRequest(request, reply, message);
  };
  const onFinish = end('request');
  const onClose = end('client went away');
  reply.raw.on('finish', onFinish).on('close', onClose);
}

/** One line a request. A probe that goes well is not worth one at info: they come every few seconds for ever. */
function logRequest(request: FastifyRequest, reply: FastifyReply, message: string): void {
  const route = request.routeOptions.url;
  const quiet = (route === '/healthz' || route === '/readyz') && reply.statusCode < 400;
  request.log[quiet ? 'debug' : 'info'](
    {
      method: request.method,
      route,
      status: reply.statusCode,
      code: reply.problemCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
    },
    message,
  );
}

function pathOf(request: FastifyRequest): string {
  const path = request.url.split('?', 1)[0] ?? '';
  return path.length > 200 ? `${path.slice(0, 200)}…` : path;
}

/** Answers what never became a request, in HTTP written by hand, and hangs up. */
function refuseConnection(house: HttpHouse, error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy(error);
    return;
  }
  const id = randomUUID();
  const problem = problemOf(asClientError(error), id);
  house.logger.info({ status: problem.status, code: problem.code, request_id: id }, 'request');
  const body = JSON.stringify(problem);
  const lines = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    `x-request-id: ${id}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
