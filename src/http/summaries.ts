import { Type } from 'typebox';
import { allows } from '../core/access.ts';
import { MAX_TEXT } from '../core/account.ts';
import { DAY, midnightOf } from '../core/timestamp.ts';
import type { App } from './app-type.ts';
import type { HttpHouse } from './house.ts';
import { problems } from './openapi.ts';
import { Currency, DayText, findLedger, LedgerName, SearchText } from './parameters.ts';
import { positionHeaders, readPosition } from './position.ts';
import { createParameters } from './query.ts';
import { Money } from './transaction-answer.ts';

/** Ten years, with their leap days. */
const MOST_DAYS = 3653;

const daily = {
  operationId: 'getDailySummary',
  tags: ['summaries'],
  summary: 'Count and sum transactions by day, week, month or quarter',
  description:
    "Days are those of the ledger's zone. What is not summed up yet is counted, so the figures are exact but for `stale_days`.",
  params: Type.Object({ ledger: LedgerName }),
  headers: positionHeaders,
  querystring: Type.Object(
    {
      from: DayText('the first day'),
      to: DayText('the last day, at most ten years later'),
      group_by: Type.Optional(
        Type.Enum(['day', 'week', 'month', 'quarter'], {
          title: 'by day when it is left out',
          description: 'day, week, month or quarter',
        }),
      ),
      user_id: Type.Optional(SearchText('whose transactions; all when it is left out', MAX_TEXT.user_id)),
      status: Type.Optional(
        Type.Enum(['SUCCESS', 'FAILED'], {
          title: 'both when it is left out',
          description: 'SUCCESS or FAILED',
        }),
      ),
      currency: Type.Optional(Currency),
    },
    { additionalProperties: false },
  ),
  response: {
    200: {
      description: 'The summary, oldest period first.',
      content: {
        'application/json': {
          schema: Type.Object({
            zone: Type.String({ description: 'whose days they are, as Europe/Paris' }),
            summaries: Type.Array(
              Type.Object({
                period: Type.String({ description: '2026-03-31, 2026-W14, 2026-03 or 2026q1' }),
                start: Type.String({ format: 'date', description: 'its first day' }),
                currency: Type.String(),
                status: Type.Enum(['SUCCESS', 'FAILED']),
                transaction_count: Type.Integer({ minimum: 0 }),
                total_amount: Money('in minor units'),
              }),
            ),
            stale_days: Type.Array(Type.String({ format: 'date' }), {
              description:
                'days on which more was booked since they were summed up than could be counted: usually none',
            }),
          }),
        },
      },
    },
    ...problems(400, 404),
  },
};

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

export function summaryRoutes(app: App, house: HttpHouse): void {
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

  app.get(
    '/v1/ledgers/:ledger/summaries/daily',
    { schema: daily, config: { role: 'reader' } },
    async (request, reply) => {
      const { query } = request;
      const parameters = createParameters(house.calendar);
      const wanted = {
        userId: parameters.text('user_id', query.user_id, 'user_id'),
        status: query.status,
        currency: query.currency,
        from: parameters.day('from', query.from),
        to: parameters.day('to', query.to),
        groupBy: query.group_by ?? 'day',
      };
      parameters.inOrder(wanted.from, wanted.to);
      const days = (Number(midnightOf(wanted.to)) - Number(midnightOf(wanted.from))) / DAY;
      if (days >= MOST_DAYS) parameters.fault('to', 'must be within ten years of from');
      parameters.done();
      const position = readPosition(request);
      const { id } = await findLedger(house, request.params.ledger);
      const { lines, zone, staleDays } = await house.readDaily(id, wanted, position);
      return reply.send({
        zone,
        summaries: lines.map((line) => ({
          period: line.period,
          start: line.start,
          currency: line.currency,
          status: line.status,
          transaction_count: Number(line.transactionCount),
          total_amount: String(line.totalAmount),
        })),
        stale_days: [...staleDays],
      });
    },
  );
}
