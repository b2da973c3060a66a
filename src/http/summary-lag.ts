import { Type } from 'typebox';
import { allows } from '../core/access.ts';
import type { App } from './app-type.ts';
import type { HttpHouse } from './house.ts';

const lag = {
  operationId: 'getSummaryLag',
  tags: ['summaries'],
  summary: 'How far the summaries are behind',
  description:
    'Of the ledgers that the key may read. What is read by the other routes is exact all the same, for it counts what is not summed up yet.',
  response: {
    200: {
      description: 'The lag.',
      content: {
        'application/json': {
          schema: Type.Object({
            refreshed_at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
              description: 'when the last refresh that succeeded ended; null before the first',
            }),
            refresh_seconds: Type.Union([Type.Number({ minimum: 0 }), Type.Null()], {
              description: 'how long it took',
            }),
            ledgers: Type.Array(
              Type.Object({
                ledger: Type.String(),
                days: Type.Integer({ minimum: 0, description: 'days with something that is not summed up' }),
                summed_up_before: Type.Union([Type.String({ format: 'date' }), Type.Null()], {
                  description: 'everything before this day is summed up; null: everything is',
                }),
                since: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
                  description: 'when the first was posted that is not summed up',
                }),
                lag_seconds: Type.Number({ minimum: 0, description: 'how long ago that was' }),
              }),
            ),
          }),
        },
      },
    },
  },
};

export function summaryLagRoutes(app: App, house: HttpHouse): void {
  app.get('/v1/summaries', { schema: lag, config: { role: 'reader' } }, async (request, reply) => {
    const { identity } = request;
    const { refreshed, ledgers } = await house.readSummaryLag();
    const shown = ledgers.filter(
      ({ ledger }) => identity !== undefined && allows(identity, 'reader', ledger),
    );
    return reply.send({
      refreshed_at: refreshed?.at.toISOString() ?? null,
      refresh_seconds: refreshed?.seconds ?? null,
      ledgers: shown.map(({ ledger, days, summedUpBefore, since, seconds }) => ({
        ledger,
        days,
        summed_up_before: summedUpBefore,
        since: since?.toISOString() ?? null,
        lag_seconds: seconds,
      })),
    });
  });
}
