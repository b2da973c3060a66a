import { setTimeout as delay } from 'node:timers/promises';
import { Type } from 'typebox';
import { AppError } from '../core/errors.ts';
import type { App } from './app-type.ts';
import { asAppError } from './framework-errors.ts';
import type { HttpHouse, ReadinessCheck } from './house.ts';
import { problemOf, sendProblem } from './problem.ts';

/** How long a check may take. Kubernetes gives up after one second unless told otherwise. */
const CHECK_MS = 800;

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

export function healthRoutes(app: App, { version, checks }: HttpHouse): void {
  const runs = checks.map((check) => ({ name: check.name, run: oneAtATime(check) }));

  app.get('/healthz', { schema: live }, async () => ({ status: 'ok' as const, version }));

  app.get('/readyz', { schema: ready }, async (request, reply) => {
    const results = await Promise.all(
      runs.map(async ({ name, run }) => {
        const error = await run();
        if (error === undefined) return { name, ok: true };
        request.log.warn({ err: error, check: name }, 'not ready');
        return { name, ok: false, code: error.code };
      }),
    );
    const failed = results.filter((result) => !result.ok).map((result) => result.name);
    if (failed.length === 0) return reply.send({ status: 'ready', checks: results });
    const error = new AppError('unavailable', 'not_ready', `Not well: ${failed.join(', ')}.`);
    return sendProblem({ ...problemOf(error, request.id), checks: results }, reply);
  });
}

/**
 * Runs a check within CHECK_MS and gives its error, if any. A run that takes longer is not joined by another at the
 * next probe: a database that hangs must not collect connections.
 */
function oneAtATime({ name, check }: ReadinessCheck): () => Promise<AppError | undefined> {
  let running: Promise<AppError | undefined> | undefined;
  return async () => {
    running ??= (async () => check())()
      .then(() => undefined, asAppError)
      .finally(() => {
        running = undefined;
      });
    const timer = new AbortController();
    const late = delay(CHECK_MS, undefined, { signal: timer.signal }).then(
      () => new AppError('unavailable', 'check_timeout', `${name} did not answer in ${CHECK_MS} ms.`),
      () => undefined,
    );
    try {
      return await Promise.race([running, late]);
    } finally {
      timer.abort();
    }
  };
}
