import { Type } from 'typebox';
import type { BalanceView } from '../ledger/balance.ts';
import type { App } from './app-type.ts';
import type { HttpHouse } from './house.ts';
import { problems } from './openapi.ts';
import { ArchivedQuarters, Cursor, Limit, linkHeader, linkToNext, NextCursor, readLimit } from './page.ts';
import { AccountName, Currency, DayText, findLedger, LedgerName, When } from './parameters.ts';
import { positionHeaders, readPosition } from './position.ts';
import { createParameters } from './query.ts';
import { Instant, Money } from './transaction-answer.ts';

const shared = {
  tags: ['accounts'],
  params: Type.Object({ ledger: LedgerName, account: AccountName }),
};

const currency = Type.Optional({ ...Currency, title: 'needed where the address has several' });

const NOW = 'in minor units; only of the balance of now';
const whose = { account_id: Type.String(), account: Type.String(), currency: Type.String() };

const balance = {
  ...shared,
  operationId: 'getBalance',
  summary: 'Read the balance of an account',
  description:
    'Of now, of an instant, or of the end of a day, which is known of archived quarters too and found at once however long ago it is.',
  querystring: Type.Object(
    {
      currency,
      at: Type.Optional(When('as it was then, what was booked at that very instant included')),
      day: Type.Optional(
        DayText("as it was at the end of that day of the ledger's zone; not together with at"),
      ),
    },
    { additionalProperties: false },
  ),
  response: {
    200: {
      description: 'The balance.',
      content: {
        'application/json': {
          schema: Type.Object({
            ...whose,
            posted: Money('what was booked, in minor units'),
            pending_out: Type.Optional(Money(`held by reservations, ${NOW}`)),
            pending_in: Type.Optional(Money(`what reservations will bring, ${NOW}`)),
            available: Type.Optional(
              Type.Union([Money(`what may leave the account, ${NOW}`), Type.Null()], {
                description: 'null: there is no limit',
              }),
            ),
            min_balance: Type.Optional(
              Type.Union([Money(`below which no transaction takes it, ${NOW}`), Type.Null()], {
                description: 'null: there is no limit',
              }),
            ),
            version: Type.Optional(
              Type.Integer({ description: 'how many entries the account has; only now' }),
            ),
            at: Type.Optional(Instant('of this instant; not where a day was asked for')),
            day: Type.Optional(
              Type.String({ format: 'date', description: 'of the end of this day, where it was asked for' }),
            ),
          }),
        },
      },
    },
    ...problems(400, 404, 409),
  },
};

const statement = {
  ...shared,
  operationId: 'getStatement',
  summary: 'Read the statement of an account',
  description:
    'The balance before, every entry with the balance it left, and the balance after, oldest first; quarter bounds do not show.',
  headers: positionHeaders,
  querystring: Type.Object(
    {
      from: When('entries from then on'),
      to: Type.Optional(When('entries before; now when it is left out')),
      currency,
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
            ...whose,
            from: Instant('the first instant of the statement'),
            to: Instant('the first instant after it'),
            opening: Money('the balance before the whole range, in minor units'),
            closing: Money('the balance after the whole range, in minor units'),
            entries: Type.Array(
              Type.Object({
                created_at: Instant('when it was booked'),
                transaction_id: Type.String({ format: 'uuid' }),
                amount: Money('in minor units; negative where money left the account'),
                balance_after: Money('the balance this entry left, in minor units'),
                version: Type.Integer({ description: "counts the account's entries, from 1" }),
                reference_code: Type.Union([Type.String(), Type.Null()]),
                description: Type.Union([Type.String(), Type.Null()]),
                effective_at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
              }),
            ),
            next_cursor: NextCursor,
            archived_quarters: ArchivedQuarters,
          }),
        },
      },
    },
    ...problems(400, 404, 409),
  },
};

export function balanceRoutes(app: App, house: HttpHouse): void {
  const path = '/v1/ledgers/:ledger/accounts/:account';

  app.get(`${path}/balance`, { schema: balance, config: { role: 'reader' } }, async (request, reply) => {
    const parameters = createParameters(house.calendar);
    const { currency, at, day } = request.query;
    const account = parameters.account('account', request.params.account);
    const instant = at === undefined ? undefined : parameters.instant('at', at);
    if (day !== undefined) parameters.day('day', day);
    if (day !== undefined && at !== undefined)
      parameters.fault(
        'day',
        'must not be given together with at: the balance is of the one or of the other',
      );
    parameters.done();
    const { id } = await findLedger(house, request.params.ledger);
    if (day !== undefined) {
      const found = await house.readClosingBalance(id, { account, currency, day });
      return reply.send({ ...whoseIs(found), posted: String(found.posted), day: found.day });
    }
    const found = await house.readBalance(id, { account, currency, at: instant });
    return reply.send({
      ...whoseIs(found),
      posted: String(found.posted),
      pending_out: textOf(found.pendingOut),
      pending_in: textOf(found.pendingIn),
      available: textOf(found.available),
      min_balance: textOf(found.minBalance),
      version: found.version === undefined ? undefined : Number(found.version),
      at: found.at.toISOString(),
    });
  });

  app.get(`${path}/statement`, { schema: statement, config: { role: 'reader' } }, async (request, reply) => {
    const { query } = request;
    const parameters = createParameters(house.calendar);
    const wanted = {
      account: parameters.account('account', request.params.account),
      currency: query.currency,
      from: parameters.instant('from', query.from),
      to: query.to === undefined ? undefined : parameters.instant('to', query.to),
      limit: readLimit(query.limit),
      cursor: query.cursor,
    };
    parameters.inOrder(wanted.from, wanted.to);
    parameters.done();
    const position = readPosition(request);
    const { id } = await findLedger(house, request.params.ledger);
    const found = await house.readStatement(id, wanted, position);
    linkToNext(request, reply, found.next);
    return reply.send({
      ...whoseIs(found),
      from: found.from.toISOString(),
      to: found.to.toISOString(),
      opening: String(found.opening),
      closing: String(found.closing),
      entries: found.lines.map((line) => ({
        created_at: line.createdAt.toISOString(),
        transaction_id: line.transactionId,
        amount: String(line.amount),
        balance_after: String(line.balanceAfter),
        version: Number(line.version),
        reference_code: line.referenceCode,
        description: line.description,
        effective_at: line.effectiveAt?.toISOString() ?? null,
      })),
      next_cursor: found.next ?? null,
      archived_quarters: [...found.archivedQuarters],
    });
  });
}

function whoseIs({ accountId, account, currency }: Pick<BalanceView, 'accountId' | 'account' | 'currency'>) {
  return { account_id: String(accountId), account, currency };
}

/** What is undefined is left out of the answer. */
function textOf<T extends null | undefined>(amount: bigint | T): string | T {
  return typeof amount === 'bigint' ? String(amount) : amount;
}
