import { Type } from 'typebox';
import { assert } from '../core/errors.ts';
import type { App } from './app-type.ts';
import type { HttpHouse } from './house.ts';
import { problems } from './openapi.ts';
import { OperationAnswer } from './operation-json.ts';
import { NoBody } from './parameters.ts';

const read = {
  operationId: 'getOperation',
  tags: ['operation'],
  summary: 'Read how the house stands',
  description:
    'What a person on duty looks at: the horizon, the queues and their failures, the replica, archives, indexes and alerts. Each part is given up by itself when it takes too long. Read anew every other second at most, however many ask.',
  response: {
    200: {
      description: 'How it stands.',
      content: { 'application/json': { schema: OperationAnswer } },
    },
  },
};

const run = {
  operationId: 'runQueue',
  tags: ['operation'],
  summary: 'Have a job with a schedule run now',
  description: 'It is put into its queue, where one waits at a time: asked for twice it runs once.',
  params: Type.Object({
    name: Type.String({ pattern: '^[a-z][a-z-]{0,62}$', description: 'a queue, as reconcile-partitions' }),
  }),
  body: NoBody,
  response: {
    202: {
      description: 'It waits for a worker.',
      content: {
        'application/json': {
          schema: Type.Object({
            name: Type.String(),
            enqueued: Type.Boolean({ description: 'false: one waited already' }),
          }),
        },
      },
    },
    ...problems(400, 404, 409, 413, 415),
  },
};

export function operationRoutes(app: App, { operation }: HttpHouse): void {
  const reader = { role: 'reader', wholeHouse: true } as const;
  app.get('/v1/operation', { schema: read, config: reader }, async (_request, reply) =>
    reply.send(await operation.read()),
  );

  const admin = { role: 'admin', wholeHouse: true, emptyBody: true } as const;
  app.post('/v1/queues/:name/run', { schema: run, config: admin }, async (request, reply) => {
    const { params, identity } = request;
    assert(identity, 'a route with a role knows who calls');
    const enqueued = await operation.run(params.name, identity.name);
    return reply.code(202).send({ name: params.name, enqueued });
  });
}
