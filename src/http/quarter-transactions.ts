import { Type } from 'typebox';
import { MAX_TEXT } from '../core/account.ts';
import { AppError } from '../core/errors.ts';
import type { App } from './app-type.ts';
import { requireRole } from './auth.ts';
import { whenGone } from './gone.ts';
import type { HttpHouse } from './house.ts';
import { readListQuery } from './list-query.ts';
import { problems } from './openapi.ts';
import { Cursor, Limit, linkHeader, linkToNext, NextCursor } from './page.ts';
import { ACCOUNT, Currency, findLedger, LedgerName, SearchText, When } from './parameters.ts';
import { createParameters } from './query.ts';
import { type ListedTransaction, toListed } from './transaction-answer.ts';

/** Each takes a DuckDB with up to 256 MB of memory and two threads. */
const MOST_AT_ONCE = 2;

const ArchivedPage = Type.Object({
  transactions: Type.Array(Type.Unsafe<ListedTransaction>({ $ref: 'ListedTransaction#' }), {
    description: 'newest first',
  }),
  next_cursor: NextCursor,
});

const list = {
  operationId: 'listQuarterTransactions',
  tags: ['transactions'],
  summary: "List a quarter's transactions from its archive",
  description:
    'What a ledger booked in an archived quarter, whether its tables are still there or not. Newest first, page by page, with the parameters of the list of transactions: `next_cursor` and the header Link lead to the next.',
  params: Type.Object({
    quarter: Type.String({ pattern: '^\\d{4}q[1-4]$', description: 'a quarter as 2026q1' }),
  }),
  querystring: Type.Object(
    {
      ledger: LedgerName,
      user_id: Type.Optional(SearchText('whose transactions', MAX_TEXT.user_id)),
      status: Type.Optional(
        Type.Enum(['SUCCESS', 'FAILED'], { title: 'without it both', description: 'SUCCESS or FAILED' }),
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
    },
    { additionalProperties: false },
  ),
  response: {
    200: {
      description: 'A page.',
      headers: linkHeader,
      content: { 'application/json': { schema: ArchivedPage } },
    },
    ...problems(400, 404, 409),
  },
};

export function quarterTransactionRoutes(app: App, house: HttpHouse): void {
  let reading = 0;

  app.get(
    '/v1/quarters/:quarter/transactions',
    { schema: list, config: { role: 'reader' } },
    async (request, reply) => {
      const { query, params } = request;
      // The path names no ledger, so nobody has asked yet whether the key covers it.
      requireRole(request, reply, 'reader', query.ledger);
      const parameters = createParameters(house.calendar);
      const wanted = readListQuery(parameters, query);
      parameters.done();
      const { id: ledgerId, name } = await findLedger(house, query.ledger);
      if (reading >= MOST_AT_ONCE) {
        const detail = `${MOST_AT_ONCE} archives are read in this process already. Try again when one of them is done.`;
        throw new AppError('busy', 'archives_busy', detail);
      }
      reading++;
      try {
        const page = await house.listArchived(params.quarter, ledgerId, wanted, whenGone(reply));
        linkToNext(request, reply, page.next);
        return await reply.send({
          transactions: page.transactions.map((row) => toListed(name, row)),
          next_cursor: page.next ?? null,
        });
      } finally {
        reading--;
      }
    },
  );
}
