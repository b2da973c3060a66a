import { Readable } from 'node:stream';
import { Type } from 'typebox';
import type { App } from './app-type.ts';
import { whenGone } from './gone.ts';
import type { HttpHouse } from './house.ts';
import { problems } from './openapi.ts';
import { findLedger, LedgerName } from './parameters.ts';
import { QuarterName } from './quarter-json.ts';
import { Money } from './transaction-answer.ts';

const asked = {
  tags: ['quarters'],
  params: Type.Object({ quarter: QuarterName }),
  querystring: Type.Object(
    {
      ledger: Type.Optional(LedgerName),
      moved: Type.Optional(
        Type.Enum(['true', 'false'], {
          title: 'only the accounts that moved in the quarter, which sum to 0 only with the others',
          description: 'true or false',
        }),
      ),
    },
    { additionalProperties: false },
  ),
};

const totals = {
  ...asked,
  operationId: 'getTrialBalance',
  summary: 'Read what the trial balance of a quarter comes to',
  description: 'By ledger and currency, as it was fixed when the quarter was closed.',
  response: {
    200: {
      description: 'The totals.',
      content: {
        'application/json': {
          schema: Type.Object({
            quarter: QuarterName,
            totals: Type.Array(
              Type.Object({
                ledger: LedgerName,
                currency: Type.String(),
                exponent: Type.Integer({ description: 'decimals of the currency' }),
                accounts: Type.Integer({ minimum: 0 }),
                opening: Money('in minor units'),
                debits: Money('in minor units'),
                credits: Money('in minor units'),
                closing: Money('in minor units; 0 for the whole ledger'),
              }),
            ),
          }),
        },
      },
    },
    ...problems(400, 404, 409),
  },
};

const csv = {
  ...asked,
  operationId: 'downloadTrialBalance',
  summary: 'Download the trial balance of a quarter',
  description: 'Account by account, as CSV (RFC 4180) with a header.',
  response: {
    200: { description: 'The accounts.', content: { 'text/csv': { schema: Type.String() } } },
    ...problems(400, 404, 409),
  },
};

const config = { role: 'reader', wholeHouse: true } as const;

/** The trial balance of a closed quarter, as totals and as a file. */
export function trialBalanceRoutes(app: App, house: HttpHouse): void {
  const optionsOf = async ({ ledger, moved }: { ledger?: string; moved?: string }) => ({
    ledgerId: ledger === undefined ? undefined : (await findLedger(house, ledger)).id,
    carried: moved !== 'true',
  });

  app.get('/v1/quarters/:quarter/trial-balance', { schema: totals, config }, async (request, reply) => {
    const { quarter } = request.params;
    const found = await house.quarters.trialBalance(quarter, await optionsOf(request.query), whenGone(reply));
    return reply.send({ quarter, totals: found.map((one) => ({ ...one, accounts: Number(one.accounts) })) });
  });

  app.get('/v1/quarters/:quarter/trial-balance.csv', { schema: csv, config }, async (request, reply) => {
    const { quarter } = request.params;
    const pieces = house.quarters.trialBalanceCsv(quarter, await optionsOf(request.query));
    // What is wrong is told before the first byte; what breaks off later breaks the connection off.
    const iterator = pieces[Symbol.asyncIterator]();
    const first = await iterator.next();
    const rest = async function* () {
      if (first.done !== true) yield first.value;
      yield* { [Symbol.asyncIterator]: () => iterator };
    };
    return (
      reply
        .type('text/csv; charset=utf-8; header=present')
        .header('content-disposition', `attachment; filename="trial-balance-${quarter}.csv"`)
        // The type provider knows the schema, which is a text; a stream is how a long one is sent.
        .send(Readable.from(rest()) as never)
    );
  });
}
