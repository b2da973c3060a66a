import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { secondsOf } from '../../clients/typescript/src/error.ts';
import { createClient } from '../../clients/typescript/src/index.ts';
import { pauseBefore, usualRetries } from '../../clients/typescript/src/retry.ts';
import { answered, broken, fine, payment, problem, silence } from './answers.ts';
import { quick } from './house.ts';

const again = [
  ['no answer', broken],
  ['429', () => problem(429, 'too_many_requests')],
  ['503', () => problem(503, 'busy')],
  ['502 of a proxy', () => new Response('<html>', { status: 502 })],
  ['409 while the same request is under way', () => problem(409, 'idempotency_key_in_flight')],
] as const;

describe('a call', () => {
  it.each(again)('is tried again after %s', async (_, failure) => {
    const { api, sent } = answered([failure, failure, fine]);
    expect((await api.GET('/v1/quarters')).data).toEqual({ quarters: [] });
    expect(sent).toHaveLength(3);
  });

  it.each(again)('of a write is tried again under one key after %s', async (_, failure) => {
    const { api, sent } = answered([failure, failure, fine]);
    await api.transactions.post('main', payment);
    const keys = new Set(sent.map(({ headers }) => headers.get('idempotency-key')));
    expect([...keys]).toEqual([expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/)]);
    expect(await Promise.all(sent.map((request) => request.json()))).toEqual(
      sent.map(() => ({ postings: [{ ...payment.postings[0], amount: '5' }] })),
    );
  });

  it.each([400, 401, 403, 404, 409, 413, 422, 500])(
    'that is refused with %i is not tried again',
    async (status) => {
      const { api, sent } = answered([() => problem(status, 'some_code'), fine]);
      await expect(api.transactions.post('main', payment)).rejects.toMatchObject({
        name: 'QuartermasterError',
        message: 'It is some_code.',
        status,
        code: 'some_code',
        requestId: 'r-1',
        faults: [],
      });
      expect(sent).toHaveLength(1);
    },
  );

  it('is tried so often and no more, and then what was answered last is thrown', async () => {
    const { api, sent } = answered(
      Array.from({ length: 9 }, () => () => problem(503, 'busy')),
      {
        retry: { ...quick, tries: 4 },
      },
    );
    await expect(api.GET('/v1/quarters')).rejects.toMatchObject({ status: 503, code: 'busy' });
    expect(sent).toHaveLength(4);
  });

  it('can be tried just once', async () => {
    const { api, sent } = answered([broken, fine], { retry: false });
    await expect(api.GET('/v1/quarters')).rejects.toMatchObject({ status: 0, code: 'no_answer' });
    expect(sent).toHaveLength(1);
  });

  it('waits as long as the server says, and is not made where that is too long', async () => {
    const begun = performance.now();
    const { api } = answered([() => problem(503, 'busy', { 'retry-after': '1' }), fine]);
    await api.GET('/v1/quarters');
    // A timer may be a millisecond early.
    expect(performance.now() - begun).toBeGreaterThan(990);

    const other = answered([() => problem(503, 'unavailable', { 'retry-after': '60' }), fine]);
    await expect(other.api.GET('/v1/quarters')).rejects.toMatchObject({
      code: 'unavailable',
      retryAfter: 60,
    });
    expect(other.sent).toHaveLength(1);
  });

  it('is given up when its time is over, and what was answered before is told', async () => {
    const retry = { ...quick, tries: 1_000_000, within: 50 };
    const busy = createClient({
      baseUrl: 'http://ledger.test',
      retry,
      fetch: async () => problem(503, 'busy'),
    });
    await expect(busy.GET('/v1/quarters')).rejects.toMatchObject({ status: 503, code: 'busy' });
    const silent = createClient({ baseUrl: 'http://ledger.test', retry, fetch: silence });
    await expect(silent.GET('/v1/quarters')).rejects.toMatchObject({ status: 0, code: 'deadline' });
  });

  it('has a time for each try', async () => {
    const { api, sent } = answered([() => silence(sent.at(-1) as Request), fine], {
      retry: { ...quick, tryWithin: 50 },
    });
    await api.GET('/v1/quarters');
    expect(sent).toHaveLength(2);
  });

  it('asks for a fresh token before each try, and what that throws ends it', async () => {
    let asked = 0;
    const { api, sent } = answered([broken, fine], { key: async () => `token-${++asked}` });
    await api.GET('/v1/quarters');
    expect(sent.map(({ headers }) => headers.get('authorization'))).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ]);
    const failing = answered([fine], { key: () => Promise.reject(new Error('no token today')) });
    await expect(failing.api.GET('/v1/quarters')).rejects.toThrow('no token today');
    expect(failing.sent).toEqual([]);
  });

  it('that is a write without a key is sent once', async () => {
    const { api, sent } = answered([() => problem(503, 'busy'), fine]);
    const body = { name: 'x' } as never;
    await expect(api.POST('/v1/ledgers', { body })).rejects.toMatchObject({ status: 503 });
    await expect(
      answered([broken, fine]).api.POST('/v1/ledgers/{ledger}/transactions/batch', {
        params: { path: { ledger: 'main' } },
        body: { transactions: [] },
      }),
    ).rejects.toMatchObject({ status: 0 });
    expect(sent).toHaveLength(1);
  });

  it('that is a verb of a quarter is tried again without one', async () => {
    const { api, sent } = answered([
      broken,
      () => Response.json({ quarter: '2024q1', verb: 'hold', done: true }),
    ]);
    expect(await api.quarters.run('2024q1', 'hold', { reason: 'audit' })).toEqual({ done: true });
    expect(sent.map(({ headers }) => headers.get('idempotency-key'))).toEqual([null, null]);
    expect(await sent[1]?.json()).toEqual({ reason: 'audit' });
  });

  it.each([
    ['before it begins', 0],
    ['in a try', 1],
  ])('ends at once when its signal fires %s', async (_, after) => {
    const ending = new AbortController();
    const { api, sent } = answered([
      () => {
        ending.abort(new Error('enough'));
        return silence(sent.at(-1) as Request);
      },
    ]);
    if (after === 0) ending.abort(new Error('enough'));
    const call = api.transactions.post('main', payment, { signal: ending.signal });
    await expect(call).rejects.toMatchObject({ status: 0, code: 'aborted', cause: { message: 'enough' } });
    expect(sent.length).toBeLessThanOrEqual(1);
  });

  it('ends at once when its signal fires between two tries', async () => {
    const ending = new AbortController();
    const { api, sent } = answered([() => problem(503, 'busy', { 'retry-after': '9' })], {
      retry: { ...usualRetries, longestDelay: 3_600_000 },
    });
    const call = api.GET('/v1/quarters', { signal: ending.signal });
    // The answer is read by then, and the pause has begun or begins.
    setTimeout(() => ending.abort(), 20);
    await expect(call).rejects.toMatchObject({ code: 'aborted' });
    expect(sent).toHaveLength(1);
  });

  it('says so when what answers is not the API', async () => {
    const { api } = answered([() => new Response('<h1>Not here</h1>', { status: 404 })]);
    await expect(api.GET('/v1/quarters')).rejects.toMatchObject({ status: 404, code: 'no_problem' });
  });
});

describe('the pause before a try', () => {
  const times = fc.record({
    tried: fc.integer({ min: 1, max: 60 }),
    random: fc.double({ min: 0, max: 1, noNaN: true }),
  });

  it('is any up to twice the one before, and bounded', () => {
    fc.assert(
      fc.property(times, ({ tried, random }) => {
        const wait = pauseBefore(usualRetries, tried, undefined, random);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThanOrEqual(Math.min(usualRetries.longestDelay, 200 * 2 ** (tried - 1)));
      }),
    );
    expect(pauseBefore(usualRetries, 1, undefined, 1)).toBe(200);
    expect(pauseBefore(usualRetries, 3, undefined, 1)).toBe(800);
    expect(pauseBefore(usualRetries, 3, undefined, 0)).toBe(0);
  });

  it('is at least what the server asked for, or none is made', () => {
    fc.assert(
      fc.property(times, fc.integer({ min: 0, max: 10 }), ({ tried, random }, seconds) => {
        const wait = pauseBefore(usualRetries, tried, seconds, random);
        expect(wait).toBeGreaterThanOrEqual(seconds * 1000);
        expect(wait).toBeLessThanOrEqual(usualRetries.longestDelay);
      }),
    );
    expect(pauseBefore(usualRetries, 1, 11, 0)).toBeUndefined();
  });

  it.each([
    ['5', 5],
    [' 0 ', 0],
    ['Thu, 01 Jan 1970 00:01:00 GMT', 50],
    ['Thu, 01 Jan 1970 00:00:01 GMT', 0],
    ['soon', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    [null, undefined],
  ])('is read from Retry-After: %s', (header, seconds) => {
    expect(secondsOf(header, 10_000)).toBe(seconds);
  });
});
