import { Type } from 'typebox';
import { MAX_TEXT } from '../core/account.ts';
import type { App } from './app-type.ts';
import type { HttpHouse } from './house.ts';
import { readListQuery } from './list-query.ts';
import { problems } from './openapi.ts';
import { ArchivedQuarters, Cursor, Limit, linkHeader, linkToNext, NextCursor } from './page.ts';
import { ACCOUNT, Currency, findLedger, LedgerName, SearchText, When } from './parameters.ts';
import { positionHeaders, readPosition } from './position.ts';
import { createParameters } from './query.ts';
import { type ListedTransaction, toListed } from './transaction-answer.ts';

const TransactionPage = Type.Object({
  transactions: Type.Array(Type.Unsafe<ListedTransaction>({ $ref: 'ListedTransaction#' }), {
    description: 'newest first',
  }),
  next_cursor: NextCursor,
  total: Type.Optional(
    Type.Object(
      {
        count: Type.Integer({ minimum: 0 }),
        exact: Type.Boolean({ description: 'false: there are at least so many' }),
      },
      { description: 'how many there are on all pages, where it was asked for' },
    ),
  ),
  archived_quarters: ArchivedQuarters,
});

const list = {
  operationId: 'listTransactions',
  tags: ['transactions'],
  summary: 'List transactions',
  description:
    'Newest first, page by page: `next_cursor` and the header Link lead to the next. With the status PENDING it lists reservations.',
  params: Type.Object({ ledger: LedgerName }),
  headers: positionHeaders,
  querystring: Type.Object(
    {
      user_id: Type.Optional(SearchText('whose transactions', MAX_TEXT.user_id)),
      status: Type.Optional(
        Type.Enum(['SUCCESS', 'FAILED', 'PENDING'], {
          title: 'without it what is booked or recorded as failed',
          description: 'SUCCESS, FAILED or PENDING',
        }),
      ),
      from: Type.Optional(When('those booked from then on')),
      to: Type.Optional(When('those booked before')),
      reference_prefix: Type.Optional(SearchText('how the reference code begins', MAX_TEXT.reference_code)),
      account: Type.Optional(
        Type.String({ title: 'those that moved this account', minLength: 1, description: ACCOUNT }),
      ),
      currency: Type.Optional(Currency),
      limit: Type.Optional(Limit),
      cursor: Type.Optional(Cursor),
      include_total: Type.Optional(
        Type.Enum(['true', 'false'], {
          title: 'to be told how many there are',
          description: 'true or false',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  response: {
    200: {
      description: 'A page.',
      headers: linkHeader,
      content: { 'application/json': { schema: TransactionPage } },
    },
    ...problems(400, 404),
  },
};

export function transactionListRoutes(app: App, house: HttpHouse): void {
  app.get(
    '/v1/ledgers/:ledger/transactions',
    { schema: list, config: { role: 'reader' } },
    async (request, reply) => {
      const { query } = request;
      const parameters = createParameters(house.calendar);
      const wanted = {
        ...readListQuery(parameters, query),
        includeTotal: query.include_total === 'true',
      };
      parameters.done();
      const position = readPosition(request);
      const { id: ledgerId, name } = await findLedger(house, request.params.ledger);
      const { transactions, next, total, archivedQuarters } = await house.listTransactions(
        ledgerId,
        wanted,
        position,
      );
      linkToNext(request, reply, next);
      return reply.send({
        transactions: transactions.map((row) => toListed(name, row)),
        next_cursor: next ?? null,
        ...(total === undefined ? {} : { total: { count: Number(total.count), exact: total.exact } }),
        archived_quarters: [...archivedQuarters],
      });
    },
  );
}
