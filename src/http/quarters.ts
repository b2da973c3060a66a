import { Type } from 'typebox';
import type { App } from './app-type.ts';
import type { HttpHouse } from './house.ts';
import { problems } from './openapi.ts';
import {
  QuarterAnswer,
  QuarterDetailAnswer,
  QuarterName,
  toQuarter,
  toQuarterDetail,
} from './quarter-json.ts';

const list = {
  operationId: 'listQuarters',
  tags: ['quarters'],
  summary: 'List the quarters',
  description:
    'Every quarter that is known, oldest first, with its state, its rows, its bytes and what is done next.',
  response: {
    200: {
      description: 'The quarters.',
      content: { 'application/json': { schema: Type.Object({ quarters: Type.Array(QuarterAnswer) }) } },
    },
  },
};

const show = {
  operationId: 'getQuarter',
  tags: ['quarters'],
  summary: 'Read all that is known of a quarter',
  description:
    'Its state, what is done next by itself, who asked and who approved, its archive and its story.',
  params: Type.Object({ quarter: QuarterName }),
  response: {
    200: { description: 'The quarter.', content: { 'application/json': { schema: QuarterDetailAnswer } } },
    ...problems(400, 404),
  },
};

const config = { role: 'reader', wholeHouse: true } as const;

export function quarterRoutes(app: App, { quarters }: HttpHouse): void {
  app.get('/v1/quarters', { schema: list, config }, async (_request, reply) => {
    const [listed, nexts] = await Promise.all([quarters.list(), quarters.nexts()]);
    return reply.send({ quarters: listed.map((quarter) => toQuarter(quarter, nexts.get(quarter.name))) });
  });

  app.get('/v1/quarters/:quarter', { schema: show, config }, async (request, reply) => {
    const { quarter } = request.params;
    const found = await quarters.show(quarter);
    return reply.send(toQuarterDetail(found, await quarters.next(quarter)));
  });
}
