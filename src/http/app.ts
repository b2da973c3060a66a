import { randomUUID } from 'node:crypto';
import swagger from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import {
  type FastifyBaseLogger,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from 'fastify';
import { AppError, assert } from '../core/errors.ts';
import { aboutRoute } from './about.ts';
import { accountRoutes } from './accounts.ts';
import type { App } from './app-type.ts';
import { authHook } from './auth.ts';
import { balanceRoutes } from './balances.ts';
import { compressForPages } from './compress.ts';
import { CLOCKS, type Clocks, createStreamedConnections, refuseConnection } from './connection.ts';
import { docsPage } from './docs.ts';
import { eventRoutes } from './events.ts';
import { BODY_LIMIT, MAX_PARAMETER } from './framework-errors.ts';
import { healthRoutes } from './health.ts';
import type { HttpHouse } from './house.ts';
import { jobRoutes } from './jobs.ts';
import { readJsonBodies } from './json-body.ts';
import { ledgerRoutes } from './ledgers.ts';
import { loadRoutes } from './loads.ts';
import { refuseOtherMethods } from './methods.ts';
import { metricsRoute } from './metrics.ts';
import { openapiOptions, openapiRoute } from './openapi.ts';
import { operationRoutes } from './operation.ts';
import { createPostOne } from './post-one.ts';
import { answerProblem, Problem } from './problem.ts';
import { quarterTransactionRoutes } from './quarter-transactions.ts';
import { quarterVerbRoutes } from './quarter-verbs.ts';
import { quarterRoutes } from './quarters.ts';
import { createRequestLog } from './request-log.ts';
import { createMeasuring } from './request-meter.ts';
import { requestScopes } from './request-scope.ts';
import { securityHeaders } from './security-headers.ts';
import { sessionRoutes } from './session.ts';
import { summaryRoutes } from './summaries.ts';
import { summaryLagRoutes } from './summary-lag.ts';
import { ListedTransaction, TransactionAnswer } from './transaction-answer.ts';
import { transactionBatchRoutes } from './transaction-batch.ts';
import { transactionListRoutes } from './transaction-list.ts';
import { transactionStepRoutes } from './transaction-steps.ts';
import { transactionRoutes } from './transactions.ts';
import { trialBalanceRoutes } from './trial-balance.ts';
import { trialBalanceAccountRoutes } from './trial-balance-accounts.ts';
import { validatorCompiler } from './validation.ts';

const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;

const STARTING = 'The service is starting: it waits for its database. Try again in a moment.';

/** Fastify's own serializers drop what a schema forgot and bend what it got wrong; types do that work here. */
const compilers = {
  buildValidator: () => validatorCompiler,
  buildSerializer: () => () => (data: unknown) => JSON.stringify(data),
};

/** The HTTP API, not listening yet. */
export function createApp(house: HttpHouse, clocks: Clocks = CLOCKS): App {
  const streamed = createStreamedConnections();
  const logAtEnd = createRequestLog(house.logger);
  const measuring = createMeasuring(house.requests);
  const begin = (request: FastifyRequest, reply: FastifyReply): void => {
    reply.headers(securityHeaders).header('x-request-id', request.id);
    logAtEnd(request, reply);
    measuring.begin(request, reply);
  };
  const app: App = fastify({
    loggerInstance: house.logger as FastifyBaseLogger,
    // Fastify's two lines a request are replaced by our one.
    logController: new LogController({ disableRequestLogging: true }),
    // The scope of a request names it in every line, its logger need not.
    childLoggerFactory: (logger) => logger,
    genReqId: (request) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    },
    bodyLimit: BODY_LIMIT,
    requestTimeout: clocks.request,
    connectionTimeout: clocks.inactivity,
    keepAliveTimeout: clocks.keepAlive,
    http: { headersTimeout: clocks.headers, connectionsCheckingInterval: clocks.check },
    // Whose word is taken for whom they ask. Nobody else's is: by another name with each try an address would have tries without end.
    trustProxy: [...(house.trustedProxies ?? ['loopback'])],
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
    clientErrorHandler: (error, socket) => refuseConnection({ ...house, measuring }, streamed, error, socket),
  }).withTypeProvider<TypeBoxTypeProvider>();

  requestScopes(app);
  app.decorateReply('problemCode', undefined);
  app.decorateRequest('identity', undefined);
  app.decorateRequest('session', undefined);
  readJsonBodies(app);
  app.setErrorHandler((error, request, reply) => answerProblem(error, request, reply));
  app.setNotFoundHandler((request, reply) => answerProblem(noSuchRoute(request), request, reply));

  app.addHook('onRequest', (request, reply, done) => {
    begin(request, reply);
    if (request.routeOptions.config.streamed) streamed.add(request);
    // Before the body is read: that a route is unknown must not hide behind a fault in what was sent there.
    done(request.is404 ? noSuchRoute(request) : undefined);
  });
  app.addHook('onRequest', (request, _reply, done) => {
    // Before anybody looks who asks, for that is in the database that is waited for.
    const waits = house.isStarting?.() === true && request.routeOptions.url?.startsWith('/v1') === true;
    done(waits ? new AppError('unavailable', 'starting', STARTING) : undefined);
  });
  app.addHook('onRequest', authHook(house));
  compressForPages(app);

  app.addHook('onRoute', ({ url, config, schema }) => {
    // Whoever adds a route says who may call it: one that forgot would be open to everybody.
    const guarded =
      config?.role !== undefined ||
      config?.everybody === true ||
      schema?.hide === true ||
      !url.startsWith('/v1');
    assert(guarded, `the route ${url} has no role`);
  });

  app.addSchema(Problem);
  app.addSchema(TransactionAnswer);
  app.addSchema(ListedTransaction);
  app.register(swagger, openapiOptions(house.version));
  docsPage(app);
  house.console?.(app);
  loadRoutes(app, house);
  app.register(async (scope: App) => {
    const done = refuseOtherMethods(scope);
    const postOne = createPostOne(house);
    healthRoutes(scope, house);
    metricsRoute(scope, house);
    aboutRoute(scope, house);
    sessionRoutes(scope, house);
    ledgerRoutes(scope, house);
    transactionListRoutes(scope, house);
    transactionRoutes(scope, house, postOne);
    transactionBatchRoutes(scope, house);
    transactionStepRoutes(scope, house, postOne);
    accountRoutes(scope, house);
    balanceRoutes(scope, house);
    summaryRoutes(scope, house);
    summaryLagRoutes(scope, house);
    quarterTransactionRoutes(scope, house);
    quarterRoutes(scope, house);
    quarterVerbRoutes(scope, house);
    trialBalanceRoutes(scope, house);
    trialBalanceAccountRoutes(scope, house);
    jobRoutes(scope, house);
    operationRoutes(scope, house);
    eventRoutes(scope, house);
    openapiRoute(scope);
    done();
  });
  return app;
}

function noSuchRoute(request: FastifyRequest): AppError {
  const path = request.url.split('?', 1)[0] ?? '';
  const shown = path.length > 200 ? `${path.slice(0, 200)}…` : path;
  return new AppError('not_found', 'no_such_route', `There is no ${request.method} ${shown}.`);
}
