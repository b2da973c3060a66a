import { Type } from 'typebox';
import { createReadiness } from '../platform/readiness.ts';
import type { App } from './app-type.ts';
import { asAppError } from './framework-errors.ts';
import type { HttpHouse } from './house.ts';
import { problemOf, sendProblem } from './problem.ts';

const Check = Type.Object({
  name: Type.String(),
  ok: Type.Boolean(),
  code: Type.Optional(Type.String({ description: 'of the error, when it is not well' })),
});

const live = {
  operationId: 'isAlive',
  tags: ['health'],
  summary: 'Whether the process lives; asks nothing else',
  response: {
    200: {
      description: 'It lives.',
      content: {
        'application/json': { schema: Type.Object({ status: Type.Literal('ok'), version: Type.String() }) },
      },
    },
  },
};

const Ready = Type.Object({ status: Type.Literal('ready'), checks: Type.Array(Check) });

const ready = {
  operationId: 'isReady',
  tags: ['health'],
  summary: 'Whether requests can be served',
  response: {
    200: {
      description: 'All is well.',
      content: { 'application/json': { schema: Ready } },
    },
    503: {
      description: 'Some check fails, or the process is stopping: a problem with the list of checks.',
      content: {
        'application/problem+json': {
          schema: { allOf: [{ $ref: 'Problem#' }, Type.Object({ checks: Type.Array(Check) })] },
        },
      },
    },
  },
};

export function healthRoutes(app: App, house: HttpHouse): void {
  const look = createReadiness(house.checks, asAppError, house.onReadiness);

  app.get('/healthz', { schema: live }, async () => ({ status: 'ok' as const, version: house.version }));

  app.get('/readyz', { schema: ready }, async (request, reply) => {
    const { checks, error } = await look(request.log);
    if (error === undefined) return reply.send({ status: 'ready', checks });
    return sendProblem({ ...problemOf(error, request.id), checks }, reply);
  });
}
