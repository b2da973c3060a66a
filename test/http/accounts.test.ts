import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { createApp } from '../../src/http/app.ts';
import type { AccountChange, AccountResult, AccountSearch } from '../../src/ledger/account-list.ts';
import { emptyHouse, inject, problemIn } from './house.ts';

const view = {
  id: 9_007_199_254_740_993n,
  account: 'user-123:WALLET',
  currency: 'EUR',
  name: 'Ann',
  status: 'ACTIVE' as const,
};
const answer = {
  id: '9007199254740993',
  account: 'user-123:WALLET',
  entity_id: 'user-123',
  group_type: 'WALLET',
  currency: 'EUR',
  name: 'Ann',
  status: 'ACTIVE',
};
const base = { account: 'user-123:WALLET', currency: 'EUR' };

/** An app that knows one account, and remembers what it was asked. */
function knowing() {
  const asked: unknown[][] = [];
  const app = createApp(
    emptyHouse({
      accounts: {
        find: async (...parts) => {
          asked.push(parts);
          return view;
        },
        search: async (_: number, query: AccountSearch) => {
          asked.push([query]);
          return [view];
        },
        create: async (_: number, account: AccountChange) => {
          asked.push([account]);
          if (account.name === 'again') throw new AppError('conflict', 'account_exists', 'It exists.');
          return view;
        },
        change: async (_: number, accounts: readonly AccountChange[]) => {
          asked.push([accounts]);
          return accounts.map(
            ({ name }): AccountResult =>
              name === 'no'
                ? { kind: 'refused', code: 'currency_unknown', detail: 'No.' }
                : { kind: 'unchanged', account: view },
          );
        },
      },
    }),
  );
  const path = '/v1/ledgers/main/accounts';
  const get = (rest = '') => inject(app, { url: `${path}${rest}` });
  const send = (body: unknown, rest = '') =>
    inject(app, { method: 'POST', url: `${path}${rest}`, payload: body as object });
  return { asked, get, send };
}

describe('looking for accounts', () => {
  it('has three ways', async () => {
    const { asked, get } = knowing();
    expect((await get('?entity_id=user-123')).json()).toEqual({ accounts: [answer] });
    await get('?entity_id=a%2Fb&group_type=WALLET,SAVINGS_2');
    await get('?phone=%2B4915112345678');
    await get('?id=1,9223372036854775807');
    expect(asked).toEqual([
      [{ entityId: 'user-123', groupTypes: undefined }],
      [{ entityId: 'a/b', groupTypes: ['WALLET', 'SAVINGS_2'] }],
      [{ phone: '+4915112345678' }],
      [{ ids: [1n, 9223372036854775807n] }],
    ]);
  });

  it.each<[string, string[]]>([
    ['', ['entity_id']],
    ['?entity_id=a&id=1', ['entity_id']],
    ['?phone=%2B49151&id=1', ['entity_id']],
    ['?group_type=A', ['entity_id', 'group_type']],
    ['?phone=%2B49151&group_type=A', ['group_type']],
    ['?entity_id=', ['entity_id']],
    ['?entity_id=a:b', ['entity_id']],
    ['?entity_id=%00', ['entity_id']],
    ['?entity_id=a&group_type=', ['group_type']],
    ['?entity_id=a&group_type=wallet', ['group_type']],
    ['?entity_id=a&group_type=A,,B', ['group_type']],
    // A blank: the + was not written %2B.
    ['?phone=+4915112345678', ['phone']],
    ['?phone=015112345678', ['phone']],
    ['?id=', ['id']],
    ['?id=1,', ['id']],
    ['?id=1.5', ['id']],
    ['?id=9223372036854775808', ['id']],
    [`?id=${Array(1001).fill(1).join()}`, ['id']],
    ['?entity_id=a&entity_id=b', ['entity_id']],
    ['?name=a', ['name']],
  ])('fails for %s', async (query, parameters) => {
    const { asked, get } = knowing();
    const { errors } = problemIn(await get(query), 400, 'invalid_request');
    expect(errors?.map(({ parameter }) => parameter)).toEqual(parameters);
    expect(asked).toEqual([]);
  });

  it('by name finds one', async () => {
    const { asked, get } = knowing();
    expect((await get('/9007199254740993')).json()).toEqual(answer);
    await get('/user-123%3AWALLET?currency=EUR');
    expect(asked).toEqual([
      [1, '9007199254740993', undefined],
      [1, 'user-123:WALLET', 'EUR'],
    ]);
    const { errors } = problemIn(await get('/user-123'), 400, 'invalid_request');
    expect(errors?.map(({ parameter }) => parameter)).toEqual(['account']);
    problemIn(await get('/7?at=now'), 400, 'invalid_request');
  });
});

describe('an account', () => {
  it('is created, once, and read at its Location', async () => {
    const { asked, send } = knowing();
    const phones = [{ country_code: '+49', phone_number: '15112345678' }];
    const response = await send({ ...base, name: 'Ann', status: 'BLOCKED', min_balance: '-500', phones });
    expect([response.statusCode, response.json()]).toEqual([201, answer]);
    expect(response.headers.location).toBe('/v1/ledgers/main/accounts/9007199254740993');
    await send({ ...base, min_balance: null });
    await send({ ...base, min_balance: 0, phones: [] });
    expect(asked).toEqual([
      [
        {
          ...base,
          name: 'Ann',
          status: 'BLOCKED',
          minBalance: -500n,
          phones: [{ countryCode: '+49', phoneNumber: '15112345678' }],
        },
      ],
      [{ ...base, minBalance: null }],
      [{ ...base, minBalance: 0n, phones: [] }],
    ]);
    problemIn(await send({ ...base, name: 'again' }), 409, 'account_exists');
  });

  it.each<[object, string]>([
    [{ ...base, account: 'user-123' }, '#/account'],
    [{ ...base, account: 7 }, '#/account'],
    [{ ...base, currency: 'eur' }, '#/currency'],
    [{ account: 'a:B' }, '#/currency'],
    [{ ...base, name: 'x'.repeat(201) }, '#/name'],
    [{ ...base, name: 'a\0' }, '#/name'],
    [{ ...base, name: '\ud800' }, '#/name'],
    [{ ...base, status: 'OPEN' }, '#/status'],
    [{ ...base, min_balance: '1.5' }, '#/min_balance'],
    [{ ...base, min_balance: '9223372036854775808' }, '#/min_balance'],
    [{ ...base, min_balance: 2 ** 53 }, '#/min_balance'],
    [{ ...base, min_balance: '' }, '#/min_balance'],
    [{ ...base, phones: {} }, '#/phones'],
    [{ ...base, phones: Array(21).fill({ country_code: '+1', phone_number: '1' }) }, '#/phones'],
    [{ ...base, phones: [{ country_code: '49', phone_number: '1' }] }, '#/phones/0/country_code'],
    [{ ...base, phones: [{ country_code: '+49', phone_number: '' }] }, '#/phones/0/phone_number'],
    [{ ...base, id: '1' }, '#/id'],
  ])('cannot be %j', async (body, pointer) => {
    const { asked, send } = knowing();
    const { errors } = problemIn(await send(body), 400, 'invalid_request');
    expect(errors?.map((fault) => fault.pointer)).toEqual([pointer]);
    const { results } = (await send({ accounts: [body] }, '/batch')).json();
    expect(results).toEqual([
      {
        status: 'refused',
        code: 'invalid_request',
        detail: expect.stringContaining(pointer.replace('#', '#/accounts/0')),
      },
    ]);
    expect(asked).toEqual([]);
  });

  it('is created or changed with up to a thousand others', async () => {
    const { asked, send } = knowing();
    const accounts = [base, { ...base, name: 'no' }, null, { ...base, currency: 'USD' }];
    const response = await send({ accounts }, '/batch');
    expect(response.statusCode).toBe(200);
    expect(response.json().results).toEqual([
      { status: 'unchanged', account: answer },
      { status: 'refused', code: 'currency_unknown', detail: 'No.' },
      { status: 'refused', code: 'invalid_request', detail: expect.any(String) },
      { status: 'unchanged', account: answer },
    ]);
    expect(asked).toEqual([[[base, { ...base, name: 'no' }, { ...base, currency: 'USD' }]]]);
    const phones = Array(4).fill({ country_code: '+49', phone_number: '15112345678' });
    const many = Array(1000).fill({ ...base, phones });
    expect((await send({ accounts: many }, '/batch')).statusCode).toBe(200);
    problemIn(await send({ accounts: [...many, base] }, '/batch'), 400, 'invalid_request');
    problemIn(await send({ accounts: [] }, '/batch'), 400, 'invalid_request');
    problemIn(await send({}, '/batch'), 400, 'invalid_request');
  });
});
