import { Type } from 'typebox';
import type { App } from './app-type.ts';
import { whenGone } from './gone.ts';
import type { HttpHouse } from './house.ts';
import { problems } from './openapi.ts';
import { Cursor, Limit, linkHeader, linkToNext, NextCursor, readLimit } from './page.ts';
import { SearchText } from './parameters.ts';
import { MaybeText, QuarterName } from './quarter-json.ts';
import { createParameters } from './query.ts';
import { Instant } from './transaction-answer.ts';

const list = {
  operationId: 'listEvents',
  tags: ['operation'],
  summary: 'List what people and schedules did',
  description:
    'To quarters and to the house, newest first, page by page: `next_cursor` and the header Link lead to the next. Nothing in it is ever changed.',
  querystring: Type.Object(
    {
      quarter: Type.Optional(QuarterName),
      actor: Type.Optional(SearchText('the name of who did it', 200)),
      limit: Type.Optional(Limit),
      cursor: Type.Optional(Cursor),
    },
    { additionalProperties: false },
  ),
  response: {
    200: {
      description: 'A page.',
      headers: linkHeader,
      content: {
        'application/json': {
          schema: Type.Object({
            events: Type.Array(
              Type.Object({
                id: Type.String({ description: 'of the event, as quarter-17' }),
                at: Instant('when'),
                quarter: MaybeText('null: it was done to the house'),
                event: Type.String({ description: 'what' }),
                actor: Type.String({ description: 'who' }),
                reason: MaybeText('why'),
                detail: Type.Unsafe<Record<string, unknown>>({ type: 'object' }),
              }),
              { description: 'newest first' },
            ),
            next_cursor: NextCursor,
          }),
        },
      },
    },
    ...problems(400),
  },
};

const config = { role: 'reader', wholeHouse: true } as const;

export function eventRoutes(app: App, { operation, calendar }: HttpHouse): void {
  app.get('/v1/events', { schema: list, config }, async (request, reply) => {
    const { quarter, limit, cursor } = request.query;
    const parameters = createParameters(calendar);
    const actor = parameters.text('actor', request.query.actor, 'name');
    parameters.done();
    const page = await operation.events({ quarter, actor, limit: readLimit(limit), cursor }, whenGone(reply));
    linkToNext(request, reply, page.next);
    return reply.send({
      events: page.events.map((event) => ({ ...event, at: event.at.toISOString() })),
      next_cursor: page.next ?? null,
    });
  });
}
