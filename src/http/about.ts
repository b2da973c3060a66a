import { Type } from 'typebox';
import { allows } from '../core/access.ts';
import type { App } from './app-type.ts';
import type { HttpHouse } from './house.ts';
import { LedgerName } from './parameters.ts';

const about = {
  operationId: 'getAbout',
  tags: ['ledgers'],
  summary: 'Read what is kept here',
  description:
    'What a program or a page has to know to show the rest: whose days they are, and what an amount means.',
  response: {
    200: {
      description: 'What is kept here.',
      content: {
        'application/json': {
          schema: Type.Object({
            version: Type.String({ description: 'of the software' }),
            zone: Type.String({ description: 'whose days and quarters they are, as Europe/Paris' }),
            currencies: Type.Array(
              Type.Object({
                code: Type.String({ description: 'as EUR' }),
                exponent: Type.Integer({ minimum: 0, description: 'decimals: 2 for EUR, 0 for JPY' }),
              }),
            ),
            ledgers: Type.Array(LedgerName, { description: 'those that may be read' }),
          }),
        },
      },
    },
  },
};

export function aboutRoute(app: App, { version, calendar, ledgers }: HttpHouse): void {
  app.get('/v1/about', { schema: about, config: { role: 'reader' } }, async ({ identity }, reply) => {
    const names = (await ledgers.list()).map(({ name }) => name);
    const currencies = [...(await ledgers.currencies())].map(([code, exponent]) => ({ code, exponent }));
    return reply.send({
      version,
      zone: calendar.zone,
      currencies: currencies.toSorted((a, b) => (a.code < b.code ? -1 : 1)),
      ledgers: names.filter((name) => identity !== undefined && allows(identity, 'reader', name)),
    });
  });
}
