import { Type } from 'typebox';
import { sortColumns } from '../quarters/trial-balance-accounts.ts';
import type { App } from './app-type.ts';
import { whenGone } from './gone.ts';
import type { HttpHouse } from './house.ts';
import { problems } from './openapi.ts';
import { Limit, readLimit } from './page.ts';
import { Currency, findLedger, LedgerName, SearchText } from './parameters.ts';
import { QuarterName } from './quarter-json.ts';
import { createParameters } from './query.ts';
import { Money } from './transaction-answer.ts';

const list = {
  operationId: 'listTrialBalanceAccounts',
  tags: ['quarters'],
  summary: "List a trial balance's accounts in some order",
  description:
    'The first of them, as they were fixed when the quarter was closed. All of them are in the CSV, which is read without a limit.',
  params: Type.Object({ quarter: QuarterName }),
  querystring: Type.Object(
    {
      ledger: Type.Optional(LedgerName),
      currency: Type.Optional(Currency),
      account_prefix: Type.Optional(SearchText('how the address of the account begins', 161)),
      moved: Type.Optional(
        Type.Enum(['true', 'false'], {
          title: 'only the accounts that moved in the quarter',
          description: 'true or false',
        }),
      ),
      sort: Type.Optional(
        Type.Enum([...sortColumns], {
          title: 'by what they are put in order; account when it is left out',
          description: sortColumns.join(' or '),
        }),
      ),
      order: Type.Optional(
        Type.Enum(['asc', 'desc'], {
          title: 'desc: the greatest first; asc when it is left out',
          description: 'asc or desc',
        }),
      ),
      limit: Type.Optional(Limit),
    },
    { additionalProperties: false },
  ),
  response: {
    200: {
      description: 'The accounts.',
      content: {
        'application/json': {
          schema: Type.Object({
            accounts: Type.Array(
              Type.Object({
                ledger: LedgerName,
                account: Type.String({ description: 'its address, as user-123:WALLET' }),
                name: Type.String({ description: 'as it was then' }),
                group_type: Type.String(),
                currency: Type.String(),
                exponent: Type.Integer({ description: 'decimals of the currency' }),
                opening: Money('in minor units'),
                debits: Money('in minor units'),
                credits: Money('in minor units'),
                closing: Money('in minor units'),
                moved: Type.Boolean({ description: 'false: it had no entry and carries its balance over' }),
              }),
            ),
            more: Type.Boolean({ description: 'there are others behind these' }),
          }),
        },
      },
    },
    ...problems(400, 404, 409),
  },
};

const config = { role: 'reader', wholeHouse: true } as const;

/** The accounts of a trial balance as a page shows them: the first so many in an order that a person chose. */
export function trialBalanceAccountRoutes(app: App, house: HttpHouse): void {
  app.get(
    '/v1/quarters/:quarter/trial-balance/accounts',
    { schema: list, config },
    async (request, reply) => {
      const {
        ledger,
        currency,
        account_prefix,
        moved,
        sort = 'account',
        order = 'asc',
        limit,
      } = request.query;
      const parameters = createParameters(house.calendar);
      const prefix = parameters.text('account_prefix', account_prefix, 'reference_code');
      parameters.done();
      const query = {
        ledgerId: ledger === undefined ? undefined : (await findLedger(house, ledger)).id,
        carried: moved !== 'true',
        ...{ currency, prefix, sort, order, limit: readLimit(limit) },
      };
      const { accounts, more } = await house.quarters.trialBalanceAccounts(
        request.params.quarter,
        query,
        whenGone(reply),
      );
      return reply.send({
        accounts: accounts.map(({ groupType, ...account }) => ({ ...account, group_type: groupType })),
        more,
      });
    },
  );
}
