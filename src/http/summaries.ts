import { Type } from 'typebox';
import { MAX_TEXT } from '../core/account.ts';
import { DAY, midnightOf } from '../core/timestamp.ts';
import type { App } from './app-type.ts';
import type { HttpHouse } from './house.ts';
import { problems } from './openapi.ts';
import { Currency, DayText, findLedger, LedgerName, SearchText } from './parameters.ts';
import { positionHeaders, readPosition } from './position.ts';
import { createParameters } from './query.ts';
import { Money } from './transaction-answer.ts';

/** One word, as in an address. */
const GroupType = Type.String({
  title: 'of one kind of account; all when it is left out',
  pattern: '^[A-Z][A-Z0-9_]{0,31}$',
  description: 'a kind of account in upper case, as WALLET',
});

/** Ten years, with their leap days. */
const MOST_DAYS = 3653;

const tags = ['summaries'];
const params = Type.Object({ ledger: LedgerName });

const span = {
  from: DayText('the first day'),
  to: DayText('the last day, at most ten years later'),
  group_by: Type.Optional(
    Type.Enum(['day', 'week', 'month', 'quarter'], {
      title: 'by day when it is left out',
      description: 'day, week, month or quarter',
    }),
  ),
};

const Zone = Type.String({ description: 'whose days they are, as Europe/Paris' });

const period = {
  period: Type.String({ description: '2026-03-31, 2026-W14, 2026-03 or 2026q1' }),
  start: Type.String({ format: 'date', description: 'its first day' }),
};

const StaleDays = Type.Array(Type.String({ format: 'date' }), {
  description: 'days on which more was booked since they were summed up than could be counted: usually none',
});

const daily = {
  operationId: 'getDailySummary',
  tags,
  summary: 'Count and sum transactions by day, week, month or quarter',
  description:
    "Days are those of the ledger's zone. What is not summed up yet is counted, so the figures are exact but for `stale_days`.",
  params,
  headers: positionHeaders,
  querystring: Type.Object(
    {
      ...span,
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
            zone: Zone,
            summaries: Type.Array(
              Type.Object({
                ...period,
                currency: Type.String(),
                status: Type.Enum(['SUCCESS', 'FAILED']),
                transaction_count: Type.Integer({ minimum: 0 }),
                total_amount: Money('in minor units'),
              }),
            ),
            stale_days: StaleDays,
          }),
        },
      },
    },
    ...problems(400, 404),
  },
};

const groups = {
  operationId: 'getGroupSummary',
  tags,
  summary: 'Sum debits and credits by kind of account and day, week, month or quarter',
  description:
    "Days are those of the ledger's zone. What is not summed up yet is counted, so the figures are exact but for `stale_days`. Quarters that had left before kinds of accounts were summed up have none.",
  params,
  headers: positionHeaders,
  querystring: Type.Object(
    { ...span, group_type: Type.Optional(GroupType), currency: Type.Optional(Currency) },
    { additionalProperties: false },
  ),
  response: {
    200: {
      description: 'The summary, oldest period first.',
      content: {
        'application/json': {
          schema: Type.Object({
            zone: Zone,
            summaries: Type.Array(
              Type.Object({
                ...period,
                group_type: Type.String(),
                currency: Type.String(),
                entry_count: Type.Integer({ minimum: 0 }),
                debits: Money('what went out of the accounts, in minor units'),
                credits: Money('what came into the accounts, in minor units'),
              }),
            ),
            stale_days: StaleDays,
          }),
        },
      },
    },
    ...problems(400, 404),
  },
};

export function summaryRoutes(app: App, house: HttpHouse): void {
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
      endRange(parameters, wanted);
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

  app.get(
    '/v1/ledgers/:ledger/summaries/groups',
    { schema: groups, config: { role: 'reader' } },
    async (request, reply) => {
      const { query } = request;
      const parameters = createParameters(house.calendar);
      const wanted = {
        groupType: query.group_type,
        currency: query.currency,
        from: parameters.day('from', query.from),
        to: parameters.day('to', query.to),
        groupBy: query.group_by ?? 'day',
      };
      endRange(parameters, wanted);
      const position = readPosition(request);
      const { id } = await findLedger(house, request.params.ledger);
      const { lines, zone, staleDays } = await house.readGroups(id, wanted, position);
      return reply.send({
        zone,
        summaries: lines.map((line) => ({
          period: line.period,
          start: line.start,
          group_type: line.groupType,
          currency: line.currency,
          entry_count: Number(line.entryCount),
          debits: String(line.debits),
          credits: String(line.credits),
        })),
        stale_days: [...staleDays],
      });
    },
  );
}

/** The last of the checks. @throws RequestError invalid/invalid_request */
function endRange(
  parameters: ReturnType<typeof createParameters>,
  { from, to }: { readonly from: string; readonly to: string },
): void {
  parameters.inOrder(from, to);
  const days = (Number(midnightOf(to)) - Number(midnightOf(from))) / DAY;
  if (days >= MOST_DAYS) parameters.fault('to', 'must be within ten years of from');
  parameters.done();
}
