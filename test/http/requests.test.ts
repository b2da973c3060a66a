import { describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import { emptyHouse, inject, payment, post, problemIn } from './house.ts';

const path = '/v1/ledgers/main/transactions';
const json = { 'content-type': 'application/json' };

describe('a request that is wrong', () => {
  const app = createApp(emptyHouse());

  it('in its path gets 404, 400 or 414, whatever its body holds', async () => {
    problemIn(await inject(app, { url: '/' }), 404, 'no_such_route');
    problemIn(await inject(app, { url: '/v1/ledgers/main' }), 404, 'no_such_route');
    problemIn(
      await inject(app, { method: 'POST', url: '/nowhere', headers: json, payload: '{' }),
      404,
      'no_such_route',
    );
    problemIn(await inject(app, { url: `${path}/%E0%A4%A` }), 400, 'invalid_path');
    problemIn(await inject(app, { url: `${path}/${'x'.repeat(1201)}` }), 414, 'path_too_long');
    const { errors } = problemIn(await inject(app, { url: `${path}/x` }), 400, 'invalid_request');
    expect(errors).toEqual([{ parameter: 'id', detail: 'must be the id of a transaction, which is a UUID' }]);
    problemIn(await post(app, payment, {}, 'Main'), 400, 'invalid_request');
  });

  it('in its method gets 405 and is told which there are', async () => {
    const response = await inject(app, { method: 'DELETE', url: path, headers: json, payload: '{' });
    problemIn(response, 405, 'method_not_allowed');
    expect(response.headers.allow).toBe('GET, HEAD, POST');
    const other = await inject(app, { method: 'PATCH', url: '/healthz' });
    problemIn(other, 405, 'method_not_allowed');
    expect(other.headers.allow).toBe('GET, HEAD');
    expect((await inject(app, { method: 'HEAD', url: '/healthz' })).statusCode).toBe(200);
  });

  it('in the type or the size of its body gets 415 or 413', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'nonsense']) {
      problemIn(await post(app, payment, { 'content-type': type }), 415, 'unsupported_media_type');
    }
    const untyped = { method: 'POST', url: path, payload: Buffer.from('{}') } as const;
    problemIn(await inject(app, untyped), 415, 'unsupported_media_type');
    problemIn(await post(app, `{"a":"${'x'.repeat(1024 * 1024)}"}`), 413, 'body_too_large');
    const utf8 = { 'content-type': 'application/json; charset=utf-8' };
    problemIn(await post(app, '[]', utf8), 400, 'invalid_request');
  });

  it('in its JSON gets 400, and the server goes on', async () => {
    problemIn(await post(app, '{'), 400, 'invalid_json');
    problemIn(await inject(app, { method: 'POST', url: path }), 400, 'invalid_request');
    problemIn(await post(app, '['.repeat(400_000)), 400, 'invalid_json');
    problemIn(await post(app, `${'['.repeat(400_000)}${']'.repeat(400_000)}`), 400, 'body_too_complex');
    problemIn(await post(app, '{"__proto__":{"polluted":1}}'), 400, 'forbidden_member');
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    const unsafe = JSON.stringify(payment).replace('"1250"', '9007199254740993');
    const problem = problemIn(await post(app, unsafe), 400, 'inexact_number');
    expect(problem.detail).toContain('send a string');
    expect((await inject(app, { url: '/healthz' })).statusCode).toBe(200);
  });

  it('in its Idempotency-Key gets 400', async () => {
    const { errors } = problemIn(
      await post(app, payment, { 'idempotency-key': 'x'.repeat(256) }),
      400,
      'invalid_idempotency_key',
    );
    expect(errors).toEqual([expect.objectContaining({ header: 'Idempotency-Key' })]);
  });

  const good = payment.postings[0];
  it.each<[string, unknown, string[]]>([
    ['nothing', null, ['#']],
    ['a list', [], ['#']],
    ['no postings', {}, ['#/postings']],
    ['an empty list of postings', { postings: [] }, ['#/postings']],
    ['101 postings', { postings: Array(101).fill(good) }, ['#/postings']],
    ['an unknown member', { ...payment, amount: 1 }, ['#/amount']],
    [
      'an unknown member of a posting',
      { postings: [{ ...good, 'a/b ä': 1 }] },
      ['#/postings/0/a~1b%20%C3%A4'],
    ],
    [
      'a posting with half of it missing',
      { postings: [{ from: 'a:B', to: 'c:D' }] },
      ['#/postings/0/amount', '#/postings/0/currency'],
    ],
    [
      'no account',
      { postings: [good, { ...good, from: 'alice', to: '' }] },
      ['#/postings/1/from', '#/postings/1/to'],
    ],
    ['a currency in lower case', { postings: [{ ...good, currency: 'eur' }] }, ['#/postings/0/currency']],
    ['a status that only reservations come to', { ...payment, status: 'SETTLED' }, ['#/status']],
    ['a date', { ...payment, effective_at: '2026-03-31' }, ['#/effective_at']],
    ['a time without a zone', { ...payment, effective_at: '2026-03-31T10:00:00' }, ['#/effective_at']],
    ['a day there was not', { ...payment, effective_at: '2026-02-29T10:00:00Z' }, ['#/effective_at']],
    ['a year there was not', { ...payment, effective_at: '0000-01-01T00:00:00Z' }, ['#/effective_at']],
    ['a leap second', { ...payment, effective_at: '2016-12-31T23:59:60Z' }, ['#/effective_at']],
    ['null for a text', { ...payment, user_id: null }, ['#/user_id']],
    ['a number for a text', { ...payment, reference_code: 7 }, ['#/reference_code']],
    [
      'a text too long',
      {
        ...payment,
        user_id: 'x'.repeat(129),
        reference_code: 'x'.repeat(201),
        description: 'x'.repeat(2001),
      },
      ['#/user_id', '#/reference_code', '#/description'],
    ],
    ['half a character', { ...payment, description: '\ud800' }, ['#/description']],
    ['a control character', { ...payment, user_id: 'a\0' }, ['#/user_id']],
    ['metadata that is a list', { ...payment, metadata: [] }, ['#/metadata']],
    ['metadata of 17 KiB', { ...payment, metadata: { a: 'x'.repeat(17 * 1024) } }, ['#/metadata']],
    ['metadata PostgreSQL cannot hold', { ...payment, metadata: { a: ['\0'] } }, ['#/metadata']],
  ])('in that it sends %s is told where', async (_, body, pointers) => {
    const { errors, detail } = problemIn(await post(app, body), 400, 'invalid_request');
    expect(errors?.map(({ pointer }) => pointer)).toEqual(pointers);
    expect(detail).toContain(errors?.[0]?.detail);
  });

  it.each([
    0,
    -1,
    1.5,
    '0',
    '-1',
    '+1',
    '1.5',
    '01',
    '1e3',
    ' 1',
    '',
    '9223372036854775808',
    '10'.repeat(10),
    true,
    null,
    {},
    ['1'],
    2 ** 53,
  ])('in the amount %j is told what an amount is', async (amount) => {
    const { errors } = problemIn(
      await post(app, { postings: [{ ...good, amount }] }),
      400,
      'invalid_request',
    );
    expect(errors).toEqual([
      { pointer: '#/postings/0/amount', detail: expect.stringContaining('a string of digits') },
    ]);
  });

  it('in many places is told of some, in one answer of modest size', async () => {
    const postings = Array(100).fill({ from: 'x', to: 'y', amount: '9999999999999999999', currency: 'EUR' });
    const { errors } = problemIn(await post(app, { postings }), 400, 'invalid_request');
    expect(errors).toHaveLength(8);
    const long = { ...payment, ['m'.repeat(90_000)]: 1 };
    const named = problemIn(await post(app, long), 400, 'invalid_request');
    expect(named.errors?.[0]).toEqual({
      pointer: expect.stringMatching(/^#\/m{199}/),
      detail: 'is not known here',
    });
    expect(JSON.stringify(named).length).toBeLessThan(1000);
    const unknown = Object.fromEntries(
      Array.from({ length: 5000 }, (_, index) => [`${'n'.repeat(150)}${index}`, 1]),
    );
    const response = await post(app, { ...payment, ...unknown });
    problemIn(response, 400, 'invalid_request');
    expect(response.body.length).toBeLessThan(4000);
  });
});
