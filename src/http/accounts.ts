import { type TSchema, Type } from 'typebox';
import { assert } from '../core/errors.ts';
import { type AccountChange, type AccountResult, MAX_ACCOUNTS } from '../ledger/account-list.ts';
import {
  AccountAnswer,
  AccountReference,
  AccountRequest,
  AccountResults,
  createAccountReader,
  toAccount,
  toAccountChange,
  toAccountResult,
} from './account-json.ts';
import { AccountQuery, readAccountQuery } from './account-query.ts';
import type { App } from './app-type.ts';
import type { HttpHouse } from './house.ts';
import { problems } from './openapi.ts';
import { AccountName, Currency, findLedger, LedgerName } from './parameters.ts';
import { RequestError } from './problem.ts';
import { createParameters } from './query.ts';
import { validatorCompiler } from './validation.ts';

const shared = { tags: ['accounts'], params: Type.Object({ ledger: LedgerName }) };

const search = {
  ...shared,
  operationId: 'searchAccounts',
  summary: 'Look for accounts',
  description: 'In one of three ways: by entity, by phone or by id. What is not found is not in the answer.',
  querystring: AccountQuery,
  response: {
    200: {
      description: `Up to ${MAX_ACCOUNTS} accounts, by address and currency.`,
      content: { 'application/json': { schema: Type.Object({ accounts: Type.Array(AccountReference) }) } },
    },
    ...problems(400, 404),
  },
};

const create = {
  ...shared,
  operationId: 'createAccount',
  summary: 'Create an account',
  body: AccountRequest,
  response: {
    201: {
      description: 'Created.',
      headers: { Location: { type: 'string', description: 'where the account is read' } },
      content: { 'application/json': { schema: AccountReference } },
    },
    ...problems(400, 404, 409, 413, 415, 422),
  },
};

const accountsOf = <T extends TSchema>(account: T) =>
  Type.Object(
    {
      accounts: Type.Array(account, {
        minItems: 1,
        maxItems: MAX_ACCOUNTS,
        description: `a list of 1 to ${MAX_ACCOUNTS} accounts`,
      }),
    },
    { additionalProperties: false, description: 'a JSON object with accounts' },
  );

/** Each account is checked by itself, so that a wrong one gets a result like one that is refused. */
const Envelope = accountsOf(Type.Unknown());

const change = {
  ...shared,
  operationId: 'changeAccounts',
  summary: `Create or change up to ${MAX_ACCOUNTS} accounts`,
  description:
    'An account that does not exist is created. Of one that exists what is sent is changed, and what is left out stays as it is. Each has a result of its own.',
  body: accountsOf(AccountRequest),
  response: {
    200: {
      description: 'What became of each.',
      content: { 'application/json': { schema: AccountResults } },
    },
    ...problems(400, 404, 413, 415),
  },
};

const read = {
  ...shared,
  operationId: 'getAccount',
  summary: 'Read an account',
  params: Type.Object({ ledger: LedgerName, account: AccountName }),
  querystring: Type.Object(
    { currency: Type.Optional({ ...Currency, title: 'needed where the address has several' }) },
    { additionalProperties: false },
  ),
  response: {
    200: { description: 'The account.', content: { 'application/json': { schema: AccountReference } } },
    ...problems(400, 404),
  },
};

export function accountRoutes(app: App, house: HttpHouse): void {
  app.addSchema(AccountAnswer);
  const readItem = createAccountReader();
  const path = '/v1/ledgers/:ledger/accounts';

  app.get(path, { schema: search, config: { role: 'reader' } }, async (request, reply) => {
    const wanted = readAccountQuery(request.query, house.calendar);
    const { id } = await findLedger(house, request.params.ledger);
    const found = await house.accounts.search(id, wanted);
    return reply.send({ accounts: found.map(toAccount) });
  });

  app.post(path, { schema: create, config: { role: 'writer' } }, async (request, reply) => {
    const wanted = toAccountChange(request.body);
    if (wanted instanceof RequestError) throw wanted;
    const { id, name } = await findLedger(house, request.params.ledger);
    const account = toAccount(await house.accounts.create(id, wanted));
    return reply.code(201).header('location', `/v1/ledgers/${name}/accounts/${account.id}`).send(account);
  });

  app.post(
    `${path}/batch`,
    {
      schema: change,
      config: { role: 'writer', maxValues: 100_000 },
      validatorCompiler: (part) =>
        validatorCompiler(part.httpPart === 'body' ? { ...part, schema: Envelope } : part),
    },
    async (request, reply) => {
      const { id } = await findLedger(house, request.params.ledger);
      const items = request.body.accounts.map((account, index) => readItem(account, `/accounts/${index}`));
      const wanted = items.filter((item): item is AccountChange => !(item instanceof RequestError));
      const results = (wanted.length === 0 ? [] : await house.accounts.change(id, wanted)).values();
      return reply.send({ results: items.map((item) => toAccountResult(resultOf(item, results))) });
    },
  );

  app.get(`${path}/:account`, { schema: read, config: { role: 'reader' } }, async (request, reply) => {
    const parameters = createParameters(house.calendar);
    const account = parameters.account('account', request.params.account);
    parameters.done();
    const { id } = await findLedger(house, request.params.ledger);
    return reply.send(toAccount(await house.accounts.find(id, account, request.query.currency)));
  });
}

/** Of those that could be read the next result, in their order; of another what is wrong with it. */
function resultOf(item: AccountChange | RequestError, results: Iterator<AccountResult>): AccountResult {
  if (item instanceof RequestError) return { kind: 'refused', code: item.code, detail: item.detail };
  const { value } = results.next();
  assert(value, 'an account has no result');
  return value;
}
