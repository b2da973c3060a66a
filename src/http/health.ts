import { Type } from 'typebox';
import { AppError } from '../core/errors.ts';
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

export function healthRoutes(app: App, { version, checks, onReadiness }: HttpHouse): void {
  const look = createReadiness(checks, asAppError, onReadiness);

  app.get('/healthz', { schema: live }, async () => ({ status: 'ok' as const, version }));

  app.get('/readyz', { schema: ready }, async (request, reply) => {
    const results = (await look()).map(({ name, ok, error }) => {
      if (error === undefined) return { name, ok };
      request.log.warn({ err: error, check: name }, 'not ready');
      return { name, ok, code: error.code };
    });
    const failed = results.filter((result) => !result.ok).map((result) => result.name);
    if (failed.length === 0) return reply.send({ status: 'ready', checks: results });
    const error = new AppError('unavailable', 'not_ready', `Not well: ${failed.join(', ')}.`);
    return sendProblem({ ...problemOf(error, request.id), checks: results }, reply);
  });
}
