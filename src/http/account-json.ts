import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { MAX_TEXT, parseAddress, textFault } from '../core/account.ts';
import { parseMinor } from '../core/money.ts';
import type { AccountChange, AccountResult, AccountView } from '../ledger/account-list.ts';
import { ADDRESS, Currency } from './parameters.ts';
import { type Fault, RequestError } from './problem.ts';
import { gatherInto } from './transaction-request.ts';
import { partFaults } from './validation.ts';

const MIN_BALANCE =
  'a whole number of minor units as a string or a number, which may be negative, or null for no limit';
const STATUSES = ['ACTIVE', 'BLOCKED', 'CLOSED'] as const;
const STATUS = 'ACTIVE, BLOCKED or CLOSED';

const Phone = Type.Object(
  {
    country_code: Type.String({
      pattern: '^\\+[1-9][0-9]{0,3}$',
      description: 'a country code with its plus, as +49',
      examples: ['+49'],
    }),
    phone_number: Type.String({
      pattern: '^[0-9]{1,15}$',
      description: '1 to 15 digits',
      examples: ['15112345678'],
    }),
  },
  { additionalProperties: false, description: 'an object of country_code and phone_number' },
);

/** An account as it shall be: the body of POST …/accounts, and one of a batch. */
export const AccountRequest = Type.Object(
  {
    account: Type.String({ title: 'its address', description: ADDRESS, examples: ['user-123:WALLET'] }),
    currency: Currency,
    name: Type.Optional(
      Type.String({
        maxLength: MAX_TEXT.name,
        title: 'for people',
        description: `a text of up to ${MAX_TEXT.name} characters`,
      }),
    ),
    status: Type.Optional(
      Type.Enum([...STATUSES], {
        title: 'one that is not ACTIVE takes part in no transaction; a new account is ACTIVE',
        description: STATUS,
      }),
    ),
    min_balance: Type.Optional(
      Type.Union(
        [
          Type.String({ pattern: '^-?(0|[1-9][0-9]{0,18})$' }),
          Type.Integer({ minimum: -Number.MAX_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }),
          Type.Null(),
        ],
        {
          title: 'below which no transaction takes it; 0 in a new account',
          description: MIN_BALANCE,
          examples: ['0', null],
        },
      ),
    ),
    phones: Type.Optional(
      Type.Array(Phone, {
        title: 'all its phones: those it has and that are not among them are forgotten',
        maxItems: 20,
        description: 'a list of up to 20 phones',
      }),
    ),
  },
  { additionalProperties: false, description: 'a JSON object with at least account and currency' },
);
export type AccountRequest = Static<typeof AccountRequest>;

export const AccountAnswer = Type.Object(
  {
    id: Type.String({ pattern: '^[1-9]\\d*$' }),
    account: Type.String({ description: 'its address, as user-123:WALLET' }),
    entity_id: Type.String({ description: 'the first part of the address' }),
    group_type: Type.String({ description: 'the second part' }),
    currency: Type.String(),
    name: Type.String(),
    status: Type.Enum([...STATUSES]),
  },
  { $id: 'Account', additionalProperties: false },
);
export type AccountAnswer = Static<typeof AccountAnswer>;

/** A reference to the schema above, so that the document holds it once. */
export const AccountReference = Type.Unsafe<AccountAnswer>({ $ref: 'Account#' });

export const AccountResults = Type.Object({
  results: Type.Array(
    Type.Union([
      Type.Object({
        status: Type.Enum(['created', 'updated', 'unchanged']),
        account: AccountReference,
      }),
      Type.Object({
        status: Type.Literal('refused'),
        code: Type.String({ description: 'stable, for programs' }),
        detail: Type.String({ description: 'for people' }),
      }),
    ]),
    { description: 'what became of each account, in the order they were sent' },
  ),
});

/** Reads one account of a batch, `at` its pointer: as the ledger takes it, or what is wrong with it. */
export function createAccountReader(): (sent: unknown, at: string) => AccountChange | RequestError {
  const validator = Compile(AccountRequest);
  return (sent, at) => {
    const faults = partFaults(AccountRequest, validator, sent, at);
    return faults.length > 0
      ? new RequestError('invalid_request', faults)
      : toAccountChange(sent as AccountRequest, at);
  };
}

/** A body that fits its schema, as the ledger takes it. What JSON Schema cannot say is checked here. */
export function toAccountChange(body: AccountRequest, at = ''): AccountChange | RequestError {
  const faults: Fault[] = [];
  const fault = gatherInto(faults, at);
  if (parseAddress(body.account) === undefined) fault('/account', `must be ${ADDRESS}`);
  const wrong = body.name === undefined ? undefined : textFault('name', body.name);
  if (wrong !== undefined) fault('/name', wrong);
  const given = body.min_balance;
  const minBalance = given === undefined || given === null ? given : parseMinor(String(given));
  if (minBalance === undefined && given !== undefined) fault('/min_balance', `must be ${MIN_BALANCE}`);
  if (faults.length > 0) return new RequestError('invalid_request', faults);
  return {
    account: body.account,
    currency: body.currency,
    name: body.name,
    status: body.status,
    minBalance,
    phones: body.phones?.map((phone) => ({
      countryCode: phone.country_code,
      phoneNumber: phone.phone_number,
    })),
  };
}

export function toAccount({ id, account, currency, name, status }: AccountView): AccountAnswer {
  const { entityId, groupType } = parseAddress(account) ?? { entityId: account, groupType: '' };
  return { id: String(id), account, entity_id: entityId, group_type: groupType, currency, name, status };
}

export function toAccountResult(result: AccountResult): Static<typeof AccountResults>['results'][number] {
  return result.kind === 'refused'
    ? { status: 'refused', code: result.code, detail: result.detail }
    : { status: result.kind, account: toAccount(result.account) };
}
